"""The runtime on the board, whose costs are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinynas.errors import ConfigError

if TYPE_CHECKING:
    from tinynas.board import Board

__all__ = ["Compiler", "Engine", "Kernels"]

Kernels = Literal["reference", "cmsis_nn", "tinynas"]
Compiler = Literal["gcc", "zig"]
"""What builds images: Arm's GNU toolchain, or Clang out of the ziglang package."""

# Image without a model, by the serial port that the firmware drives and whether the core is a Cortex-M7.
_FIRMWARE_CODE_BYTES: Mapping[Compiler, Mapping[tuple[str | None, bool], int]] = {
    "gcc": {
        ("stm32-v1", False): 7_680,
        ("stm32-v2", False): 7_468,
        ("stm32-v2", True): 7_869,
        ("nrf-uarte", False): 7_108,
    },
    "zig": {
        ("stm32-v1", False): 8_483,
        ("stm32-v2", False): 8_339,
        ("stm32-v2", True): 8_819,
        ("nrf-uarte", False): 7_931,
    },
}

# TFLM's image without a model, by kernel library.
_TFLM_CODE_BYTES: Mapping[str, int] = {"reference": 55_412, "cmsis_nn": 86_988}


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
        """TensorFlow Lite Micro, with core at -Os and kernels at -O2.

        Raises:
            ConfigError: There is no such kernel library.
        """
        if kernels not in _TFLM_CODE_BYTES:
            raise ConfigError(
                f"{kernels!r} is not a kernel library", where="kernels", advice=f"one of {', '.join(_TFLM_CODE_BYTES)}"
            )
        return cls("tflm", kernels, _TFLM_CODE_BYTES[kernels], 716)

    @classmethod
    def aot(cls, board: Board, compiler: Compiler = "gcc") -> Engine:
        """Compiled models in this project's firmware, built at -O2 for the board's core.

        Args:
            board: The board.
            compiler: What builds the image.

        Raises:
            ConfigError: The firmware does not run on such a board.
        """
        kind = (board.uart.layout if board.uart else None, board.core.startswith("cortex-m7"))
        if compiler not in _FIRMWARE_CODE_BYTES:
            raise ConfigError(
                f"{compiler!r} is not a compiler", where="compiler", advice=f"one of {', '.join(_FIRMWARE_CODE_BYTES)}"
            )
        base = _FIRMWARE_CODE_BYTES[compiler]
        if kind not in base:
            raise ConfigError("the firmware has no driver for this core and serial port", where=f"{board.name}:uart")
        return cls("aot", "tinynas", base[kind], 852, compiler)
