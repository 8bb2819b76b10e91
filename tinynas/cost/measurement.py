"""What one candidate costs on one board, and how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from tinynas.errors import ConfigError

if TYPE_CHECKING:
    from tinynas.board import Board

__all__ = ["Compiler", "Engine", "Kernels", "Measurement", "Source"]

Source = Literal["proxy", "tflm", "hil", "virtual"]
Kernels = Literal["reference", "cmsis_nn", "tinynas"]
Compiler = Literal["gcc", "zig"]
"""What builds images: Arm's GNU toolchain, or Clang out of the ziglang package."""


@dataclass(frozen=True)
class Engine:
    """The runtime that executes a model on the board; costs belong to it.

    Attributes:
        name: "tflm", TensorFlow Lite Micro's interpreter; "aot", the model compiled to C in this project's firmware.
        kernels: Its kernel library.
        code_bytes: Flash of the runtime without the model. Of TFLM: interpreter, and the seven operators that TCNs need
            (CONV_2D, FULLY_CONNECTED, ADD, PAD, STRIDED_SLICE, RESHAPE, MEAN), measured on images for a Cortex-M4F of
            August 2026.
        static_bytes: SRAM beside the model's: .data and .bss of the same images.
        compiler: Whose code these figures, and those of compiled operators, are.
    """

    name: str
    kernels: Kernels
    code_bytes: int
    static_bytes: int
    compiler: Compiler = "gcc"

    @classmethod
    def tflm(cls, kernels: Kernels = "cmsis_nn") -> Engine:
        """TensorFlow Lite Micro, with core at -Os and kernels at -O2."""
        return cls("tflm", kernels, {"reference": 55_412, "cmsis_nn": 86_988}[kernels], 716)

    @classmethod
    def aot(cls, board: Board, compiler: Compiler = "gcc") -> Engine:
        """Compiled models in this project's firmware, built at -O2 for the board's core.

        Args:
            board: The board.
            compiler: What builds the image.

        Raises:
            ConfigError: The firmware does not run on such a board.
        """
        from tinynas.board.families import check_firmware

        sizes = check_firmware(board).code_bytes
        if compiler not in sizes:
            raise ConfigError(f"unknown compiler {compiler!r:.40}", advice=f"known: {', '.join(sizes)}")
        return cls("aot", "tinynas", sizes[compiler], 852, compiler)


@dataclass(frozen=True)
class Measurement:
    """Costs of a candidate. None stands for unknown.

    Attributes:
        sram_bytes: Of "tflm": arena and static data on the 32-bit device; the stack is in the board's reserves. Of
            "aot": all variables of the image, and the most that its stack holds.
        flash_bytes: Model and runtime code; of "aot" the whole image.
        macs: Multiply-accumulate operations of one inference.
        source: How it is known: "proxy" (resource model), "tflm" (official interpreter on the host), "hil", "virtual".
        engine: Name of the engine.
        kernels: Its kernel library.
        arena_bytes: The 32-bit arena within sram_bytes.
        tflite_bytes: The model within flash_bytes.
        parameters: Weights and biases of the architecture.
        latency_us: Time of one inference.
        energy_uj: Energy of one inference.
        parity: Whether the outputs are the reference's: byte for byte on a board; between the official interpreter and
            LiteRT's reference kernels within the one step that their roundings are apart.
        host_arena_bytes: What the official interpreter reports on the 64-bit host.
        sparse_sram_bytes: SpArSe's working-memory proxy (`cost.sparse_working_memory_bytes`).
        plain_flash_bytes: The flash proxy that counts 8-bit weights only (`cost.plain_flash_bytes`).
        proxy_sram_bytes: Where sram_bytes is measured: what the resource model had foreseen.
        proxy_flash_bytes: The same of flash_bytes.
        proxy_stack_bytes: Of "aot": what the resource model foresees of the stack, a part of sram_bytes.
        toolchain: Name and version of the compiler of the image that was measured, and of the engine's library; sizes
            and time belong to them. Predicted for "aot": "gcc" or "zig", whose code sizes were taken.
    """

    sram_bytes: int
    flash_bytes: int
    macs: int
    source: Source
    engine: str
    kernels: str
    arena_bytes: int
    tflite_bytes: int
    parameters: int
    latency_us: float | None = None
    energy_uj: float | None = None
    parity: bool | None = None
    host_arena_bytes: int | None = None
    sparse_sram_bytes: int | None = None
    plain_flash_bytes: int | None = None
    proxy_sram_bytes: int | None = None
    proxy_flash_bytes: int | None = None
    proxy_stack_bytes: int | None = None
    toolchain: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurement:
        """The inverse of `to_dict`; fields that are not known are left out."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})
