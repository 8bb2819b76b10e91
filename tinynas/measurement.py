"""What a model costs on a board, and how that is known: one record for predictions and for measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

__all__ = ["Measurement", "Source"]

Source = Literal["proxy", "tflm", "virtual", "hil"]
"""The resource model, the official interpreter on the host, a virtual board, a real board."""


_PREDICTED = ("predicted_sram_bytes", "predicted_flash_bytes", "predicted_stack_bytes", "predicted_latency_us")
# Of the resource model they belong to its own time: beside another one they would contradict it.
_TIMED = ("cycles", "latency_us", "energy_uj")


@dataclass(frozen=True)
class Measurement:
    """Costs of a model on a board. None stands for unknown.

    Attributes:
        sram_bytes: SRAM. With "tflm" predicted: arena and static data on the 32-bit device, the stack is in the board's
            reserves. Else all variables of the image, and the peak of its stack.
        flash_bytes: Flash. With "tflm" predicted: model and runtime code. Else the whole image.
        macs: Multiply-accumulate operations of one inference.
        source: How the figures are known.
        engine: The runtime: "aot", the model compiled ahead of time; "tflm", TensorFlow Lite Micro's interpreter.
        arena_bytes: The 32-bit arena within sram_bytes.
        kernels: The runtime's kernel library.
        tflite_bytes: The .tflite model.
        parameters: Weights and biases of the architecture.
        board: Name of the board that measured.
        toolchain: Name and version of the compiler of the image that was measured, and of the engine's library; sizes
            and time belong to them. Predicted for "aot": "gcc" or "zig", whose code sizes were taken.
        static_ram_bytes: Variables of the whole image: arena, buffers of input and output, the firmware's.
        stack_bytes: Peak stack usage, with the protocol and one interrupt frame.
        clock_hz: Clock of the core.
        cycles: Of one inference, from its time.
        instructions: Of one inference, exactly; None on a real board.
        latency_us: Time of one inference, the median of the laps. On a virtual board, and predicted, an estimate.
        latency_spread_us: From the fastest lap to the slowest.
        laps: How many were timed.
        energy_uj: Energy of one inference, the whole supply's.
        energy_inferences: How many a meter's energy is the mean of; None: the energy is latency times the power in the
            board's description.
        parity: Whether the outputs are the reference's: byte for byte on a board; between the official interpreter and
            LiteRT's reference kernels within the one step that their roundings are apart.
        referee: "tflm": compared byte for byte with TensorFlow Lite Micro; "litert": within one step, by which its
            rounding differs; "litert_open_batch": so, because TFLM miscomputes the model, whose batch is open.
        model_hash: Of the model's generated sources.
        image_hash: CRC-32 of the image, as the board itself computed it of its flash.
        host_arena_bytes: What the official interpreter reports on the 64-bit host.
        sparse_sram_bytes: SpArSe's working-memory proxy (`cost.sparse_working_memory_bytes`).
        plain_flash_bytes: The flash proxy that counts 8-bit weights only (`cost.plain_flash_bytes`).
        predicted_sram_bytes: Where sram_bytes is measured: the resource model's figure.
        predicted_flash_bytes: Where flash_bytes is measured: the resource model's figure.
        predicted_stack_bytes: Where stack_bytes is measured: the resource model's figure.
        predicted_latency_us: Where latency_us is measured: the resource model's figure.
    """

    sram_bytes: int
    flash_bytes: int
    macs: int
    source: Source
    engine: str
    arena_bytes: int
    kernels: str | None = None
    tflite_bytes: int | None = None
    parameters: int | None = None
    board: str | None = None
    toolchain: str | None = None
    static_ram_bytes: int | None = None
    stack_bytes: int | None = None
    clock_hz: int | None = None
    cycles: int | None = None
    instructions: int | None = None
    latency_us: float | None = None
    latency_spread_us: float | None = None
    laps: int | None = None
    energy_uj: float | None = None
    energy_inferences: int | None = None
    parity: bool | None = None
    referee: str | None = None
    model_hash: str | None = None
    image_hash: str | None = None
    host_arena_bytes: int | None = None
    sparse_sram_bytes: int | None = None
    plain_flash_bytes: int | None = None
    predicted_sram_bytes: int | None = None
    predicted_flash_bytes: int | None = None
    predicted_stack_bytes: int | None = None
    predicted_latency_us: float | None = None

    def beside(self, predicted: Measurement) -> Measurement:
        """What was measured, with what the resource model said of the same model.

        Args:
            predicted: Of source "proxy". What it alone knows is taken over: kernels, parameters, other proxies.

        Example:
            >>> predicted = Measurement(100, 900, 5, "proxy", "aot", 60, parameters=7)
            >>> found = Measurement(104, 910, 5, "virtual", "aot", 60).beside(predicted)
            >>> found.sram_bytes, found.predicted_sram_bytes, found.parameters
            (104, 100, 7)
        """
        only = {
            field.name: getattr(predicted, field.name)
            for field in fields(self)
            if getattr(self, field.name) is None and field.name not in (*_PREDICTED, *_TIMED)
        }
        return replace(
            self,
            **only,
            predicted_sram_bytes=predicted.sram_bytes,
            predicted_flash_bytes=predicted.flash_bytes,
            predicted_stack_bytes=predicted.stack_bytes,
            predicted_latency_us=predicted.latency_us,
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurement:
        """The inverse of `to_dict`; fields that are not known are left out."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})
