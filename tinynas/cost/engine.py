"""The runtime on the board, whose costs are predicted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinynas.board.families import CORES, Compiler
from tinynas.cost import tflm_image
from tinynas.cost.code_figures import Code
from tinynas.cost.cycle_figures import Timing, timing_of
from tinynas.errors import ConfigError

if TYPE_CHECKING:
    from tinynas.board import Board

__all__ = ["Compiler", "Engine", "Kernels"]

Kernels = Literal["reference", "cmsis_nn", "tinynas"]

# TFLM's image without a model, by kernel library, and its .data and .bss beside the arena.
_TFLM_CODE_BYTES: Mapping[str, int] = {"reference": 55_412, "cmsis_nn": 86_988}
_TFLM_STATIC_BYTES = 716


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
        dsp: The core has Arm's DSP instructions, for which kernels are written anew.
        board: The board, with the clock that its core runs at; None: time and energy stay unknown.
        timing: What the board's core and flash take for the kernels' loops; None: there are no figures.
        whole_image: Of TFLM: this project's firmware is around the interpreter. Then `code_bytes` lack the operators
            that not every model has (`tflm_image.operator_bytes`), and `static_bytes` hold the stack.
    """

    name: str
    kernels: Kernels
    code_bytes: int
    static_bytes: int
    compiler: Compiler = "gcc"
    dsp: bool = True
    board: Board | None = dataclasses.field(default=None, repr=False)
    timing: Timing | None = dataclasses.field(default=None, repr=False, compare=False)
    whole_image: bool = False

    def at(self, clock_hz: int | None) -> Engine:
        """The same on a board whose core runs at another clock.

        Args:
            clock_hz: The clock; None: as it is.

        Raises:
            ConfigError: The firmware does not set this clock.
        """
        if clock_hz is None or self.board is None or clock_hz == self.board.clock_hz:
            return self
        return Engine.aot(self.board.at(clock_hz), self.compiler)

    @property
    def code(self) -> Code:
        """Whose figures compiled operators have."""
        if self.dsp:
            return self.compiler
        return "gcc armv6-m" if self.compiler == "gcc" else "zig armv6-m"

    @classmethod
    def tflm(cls, kernels: Kernels = "cmsis_nn", board: Board | None = None) -> Engine:
        """TensorFlow Lite Micro, with core at -Os and kernels at -O2.

        Args:
            kernels: The kernel library.
            board: The board whose whole image counts: with this project's firmware around the interpreter, and with the
                stack. None: the interpreter alone.

        Raises:
            ConfigError: There is no such kernel library, or the firmware does not run on such a board.
        """
        if kernels not in _TFLM_CODE_BYTES:
            raise ConfigError(
                f"{kernels!r} is not a kernel library", where="kernels", advice=f"one of {', '.join(_TFLM_CODE_BYTES)}"
            )
        if board is None:
            return cls("tflm", kernels, _TFLM_CODE_BYTES[kernels], _TFLM_STATIC_BYTES)
        from tinynas.board import check_firmware

        code = check_firmware(board).code_bytes["gcc"] + tflm_image.CODE_BYTES[kernels]
        static = tflm_image.VARIABLES_BYTES + tflm_image.STACK_BYTES[kernels]
        return cls("tflm", kernels, code, static, whole_image=True)

    @classmethod
    def aot(cls, board: Board, compiler: Compiler = "gcc") -> Engine:
        """Compiled models in this project's firmware, built at -O2 for the board's core.

        Args:
            board: The board.
            compiler: What builds the image.

        Raises:
            ConfigError: The firmware does not run on such a board.
        """
        from tinynas.board import check_firmware

        family = check_firmware(board)
        sizes = family.code_bytes
        if compiler not in sizes:
            raise ConfigError(
                f"{compiler!r:.40} is not a compiler", where="compiler", advice=f"one of {', '.join(sizes)}"
            )
        dsp, timing = CORES[family.core].dsp, timing_of(family, board.clock_hz, compiler)
        return cls("aot", "tinynas", sizes[compiler], 860, compiler, dsp, board, timing)
