"""The sections of a configuration that no other package declares: space, tuner, conversion, costs and boards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tinynas.checked import Count, Flag, Whole, options
from tinynas.cost import Compiler
from tinynas.deploy import Precision
from tinynas.hil.power import check_meter
from tinynas.tcn.space import SearchSpace

__all__ = ["Conversion", "Cost", "HilOptions", "Space", "TunerOptions"]

# Far beyond what fits any microcontroller: a slip of a digit is told, not computed with.
_Width = Annotated[int, Field(strict=True, le=1024)]
_Dilation = Annotated[int, Field(strict=True, le=100_000)]


@options("space")
class Space(SearchSpace):
    """Bounds of the architectures (`tcn.SearchSpace`)."""

    filters: tuple[_Width, _Width] = SearchSpace.filters
    kernel_size: tuple[_Width, _Width] = SearchSpace.kernel_size
    dilations: Annotated[tuple[_Dilation, ...], Field(max_length=12)] = SearchSpace.dilations
    blocks: tuple[Whole, Whole] = SearchSpace.blocks
    skip_connections: tuple[Flag, ...] = SearchSpace.skip_connections


@options("tuner")
class TunerOptions:
    """How candidates are suggested.

    Attributes:
        initial_random: Scored candidates spread over the space before the surrogate leads; failed ones do not count.
        only_feasible: Suggest only what fits according to the resource model. Otherwise what does not fit is suggested
            and scored too, but not trained.
    """

    initial_random: Count = 10
    only_feasible: Flag = True


@options("conversion")
class Conversion:
    """How networks become models.

    Attributes:
        precision: "int8" or "float32".
        calibration_windows: Training windows that set the ranges of the activations.
    """

    precision: Precision = "int8"
    calibration_windows: Count = 100


@options("cost")
class Cost:
    """What runs the model on the board, and so decides its cost.

    Attributes:
        engine: The runtime on the board: "tflm", the interpreter, or "aot", the model compiled to C in this project's
            firmware. None means "aot" where candidates are measured (mode "hil") and "tflm" elsewhere. In mode "hil",
            "tflm" is the library in `hil.tflm_root`.
        kernels: Kernel library of "tflm": "cmsis_nn" or "reference".
        compiler: What builds the images of "aot", and whose code sizes are predicted: "gcc" (Arm's GNU toolchain) or
            "zig" (Clang out of the ziglang package). None: the one that is installed, GCC before Clang.
    """

    engine: Literal["tflm", "aot"] | None = None
    kernels: Literal["reference", "cmsis_nn"] = "cmsis_nn"
    compiler: Compiler | None = None


@options("hil")
class HilOptions:
    """How the board is reached in the mode "hil".

    Attributes:
        link: "virtual"; a serial port; or "auto", the port of the board that is attached.
        flasher: How images get into its flash: "drive", "pyocd", "rom", or "auto".
        probe: Serial number of the probe, or its beginning, where several boards are attached.
        tflm_root: Only for the engine "tflm": folder of tflite-micro's sources, with its library built for the board's
            core.
        meter: The power meter in the board's supply: "lpm01a:PORT", "lpm01a:PORT@VOLTS" or "ina228:PORT". None leaves
            energy unknown.

    Raises:
        ConfigError: There is no such meter, or the board is a virtual one, which takes no current.
    """

    link: str = "auto"
    flasher: Literal["auto", "drive", "pyocd", "rom"] = "auto"
    probe: str | None = None
    tflm_root: str | None = None
    meter: str | None = None

    def __post_init__(self) -> None:
        if self.meter is not None:
            check_meter(self.meter, self.link, "hil.meter")
