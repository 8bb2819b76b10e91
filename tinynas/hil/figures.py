"""What a board says of its image is compared with the image: a figure that cannot be is never reported."""

from __future__ import annotations

from tinynas.errors import ProtocolError
from tinynas.hil.dut import DutInfo, DutMemory, Inference
from tinynas.hil.image import Image

__all__ = ["check_clock", "check_info", "check_memory"]

_ADVICE = "flash the board again; `tinynas boards check` asks it everything that a measurement relies on"


def check_info(info: DutInfo, image: Image) -> None:
    """Hold what runs on a board against the image.

    Raises:
        ProtocolError: They differ.
    """
    _compare(
        image,
        {
            "board": (info.board, image.board.name),
            "clock": (info.clock_hz, image.board.clock_hz),
            "engine": (info.engine, image.engine),
            "model": (info.model, image.model_hash),
            "image": (info.image, image.image_hash),
            "bytes of an input": (info.input_bytes, image.input_bytes),
            "bytes of an output": (info.output_bytes, image.output_bytes),
        },
    )


def check_memory(memory: DutMemory, image: Image) -> None:
    """Hold the memory that a board reports against the image.

    Raises:
        ProtocolError: It is not as linked, or the stack is not within its room.
    """
    arena = memory.arena_bytes if image.arena_bytes is None else 0  # else it is among the variables
    room = memory.arena_bytes if image.arena_bytes is None else image.arena_bytes
    _compare(
        image,
        {
            "bytes of static RAM": (memory.static_bytes, image.static_ram_bytes + arena),
            "bytes of the arena": (memory.arena_bytes, room),
            "bytes of room for the stack": (memory.stack_limit_bytes, image.stack_limit_bytes),
        },
    )
    if image.arena_bytes is None and not 0 < arena <= image.free_bytes:
        what = f"the board reports an arena of {arena} bytes in {image.free_bytes} bytes of free SRAM"
        raise ProtocolError(what, where=image.board.name, advice=_ADVICE)
    if not 0 < memory.stack_bytes <= memory.stack_limit_bytes:
        what = f"the board reports {memory.stack_bytes} bytes of stack in a room of {memory.stack_limit_bytes}"
        raise ProtocolError(what, where=image.board.name, advice=_ADVICE)


def check_clock(lap: Inference, image: Image) -> None:
    """Refuse inferences that took no time.

    Raises:
        ProtocolError: The board's clock stands still.
    """
    if lap.elapsed_us <= 0:
        what = f"the board reports {lap.count} inferences in {lap.elapsed_us} us: its clock stands still"
        raise ProtocolError(what, where=image.board.name, advice=_ADVICE)


def _compare(image: Image, pairs: dict[str, tuple[object, object]]) -> None:
    for what, (told, known) in pairs.items():
        if told != known:
            message = f"the board reports {told} as {what}, the image has {known}"
            raise ProtocolError(message, where=image.board.name, advice=_ADVICE)
