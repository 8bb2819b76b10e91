"""What a device under test tells of itself and of its work, as values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DutInfo", "DutInput", "DutMemory", "Inference", "PathStep"]


@dataclass(frozen=True)
class DutInfo:
    """What runs on the board.

    Attributes:
        board: Name of the board that the image was built for.
        clock_hz: Clock of the core.
        icache: Whether the instruction cache is on.
        dcache: Whether the data cache is on.
        engine: "aot" or "tflm".
        model: Hash of the model.
        image: Hash of the image.
        input_bytes: Bytes of one input.
        output_bytes: Bytes of one output.
    """

    board: str
    clock_hz: int
    icache: bool
    dcache: bool
    engine: str
    model: str
    image: str
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class PathStep:
    """What a board's program made of one sample.

    Attributes:
        cycles: That it took.
        fresh: Whether a velocity came of it.
        velocity_m_s: The newest velocity, x and y in the frame.
        position_m: Where the path is.
    """

    cycles: int
    fresh: bool
    velocity_m_s: tuple[float, float]
    position_m: tuple[float, float]


@dataclass(frozen=True)
class DutMemory:
    """Memory of the image that runs.

    Attributes:
        static_bytes: .data and .bss, with the arena.
        arena_bytes: The arena within them.
        stack_bytes: High-water mark of the stack since the reset.
        stack_limit_bytes: Room of the stack.
        inferences: How many ran since the reset.
    """

    static_bytes: int
    arena_bytes: int
    stack_bytes: int
    stack_limit_bytes: int
    inferences: int


@dataclass(frozen=True)
class DutInput:
    """The input that was loaded.

    Attributes:
        address: Of its first byte, in the board's memory.
        loaded_bytes: How much of it has arrived.
        crc: CRC-32 of that.
    """

    address: int
    loaded_bytes: int
    crc: int


@dataclass(frozen=True)
class Inference:
    """Timed inferences on one input.

    Attributes:
        count: How many.
        elapsed_us: From before the first to after the last.
        results: Dequantised outputs of the last.
    """

    count: int
    elapsed_us: int
    results: tuple[float, ...]

    @property
    def latency_us(self) -> float:
        """Mean time of one inference, in microseconds."""
        return self.elapsed_us / self.count
