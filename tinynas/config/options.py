"""The sections of a configuration: what may be said of data, space, tuner, training, conversion, costs and boards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tinynas.cost.engine import Compiler
from tinynas.deploy.tflite import Precision
from tinynas.errors import DatasetError
from tinynas.hil.power import check_meter
from tinynas.objective import ObjectiveWeights
from tinynas.odometry.synthetic import SyntheticOptions
from tinynas.odometry.windows import Target
from tinynas.tcn.space import SearchSpace
from tinynas.tcn.training import TrainingConfig

__all__ = [
    "Conversion",
    "Cost",
    "DatasetOptions",
    "HilOptions",
    "Objective",
    "Space",
    "Synthetic",
    "Training",
    "TunerOptions",
]

_EDGE = ConfigDict(extra="forbid")
# Strict: YAML has whole numbers and truth values of its own, so `true` for a count or "yes" for a flag is a slip.
_Whole = Annotated[int, Field(strict=True)]
_Count = Annotated[int, Field(strict=True, ge=1)]
# Far beyond what fits any microcontroller: a slip of a digit is told, not computed with.
_Width = Annotated[int, Field(strict=True, le=1024)]
_Dilation = Annotated[int, Field(strict=True, le=100_000)]
_Flag = Annotated[bool, Field(strict=True)]
_NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Synthetic(SyntheticOptions):
    """Size of the built-in dataset (`odometry.SyntheticOptions`)."""

    __pydantic_config__ = _EDGE

    n_train: _Whole = SyntheticOptions.n_train
    n_valid: _Whole = SyntheticOptions.n_valid
    n_test: _Whole = SyntheticOptions.n_test
    duration_s: _Positive = SyntheticOptions.duration_s
    rate_hz: _Positive = SyntheticOptions.rate_hz
    modes: tuple[str, ...] = tuple(SyntheticOptions.modes)


@dataclass(frozen=True)
class DatasetOptions:
    """Where the recordings come from and how they are cut.

    Attributes:
        source: `oxiod:FOLDER`, `ronin:FOLDER`, `csv:FOLDER` or `synthetic`.
        window: Window length in samples.
        stride: Samples between the starts of training windows.
        evaluation_stride: The same of validation and test windows.
        target: `velocity` or `speed_heading`.
        use_mag: Whether the magnetometer is an input; None: if the data has one.
        modes: Carrying modes to read; None for all.
        synthetic: Size of the built-in dataset; None for its defaults.

    Raises:
        DatasetError: The window is too short for the target.
    """

    __pydantic_config__ = _EDGE

    source: str = "synthetic"
    window: Annotated[int, Field(strict=True, ge=2, le=100_000)] = 200
    stride: _Count = 20
    evaluation_stride: _Count = 10
    target: Target = "velocity"
    use_mag: _Flag | None = None
    modes: tuple[str, ...] | None = None
    synthetic: Synthetic | None = None

    def __post_init__(self) -> None:
        if self.target == "speed_heading" and self.window < 3:
            raise DatasetError("speed_heading needs windows of at least 3 samples", where="dataset.window")


@dataclass(frozen=True)
class Space(SearchSpace):
    """Bounds of the architectures (`tcn.SearchSpace`)."""

    __pydantic_config__ = _EDGE

    filters: tuple[_Width, _Width] = SearchSpace.filters
    kernel_size: tuple[_Width, _Width] = SearchSpace.kernel_size
    dilations: Annotated[tuple[_Dilation, ...], Field(max_length=12)] = SearchSpace.dilations
    blocks: tuple[_Whole, _Whole] = SearchSpace.blocks
    skip_connections: tuple[_Flag, ...] = SearchSpace.skip_connections


@dataclass(frozen=True)
class TunerOptions:
    """How candidates are suggested.

    Attributes:
        initial_random: Scored candidates spread over the space before the surrogate leads; failed ones do not count.
        only_feasible: Suggest only what fits according to the resource model; otherwise what does not fit is suggested
            too, scored, and not trained.
    """

    __pydantic_config__ = _EDGE

    initial_random: _Count = 10
    only_feasible: _Flag = True


@dataclass(frozen=True)
class Training(TrainingConfig):
    """How long and how fast candidates are trained (`tcn.TrainingConfig`)."""

    __pydantic_config__ = _EDGE

    epochs: _Count = 20
    batch_size: _Count = 128
    learning_rate: _Positive = 6e-3
    patience: _Count = 8


@dataclass(frozen=True)
class Conversion:
    """How networks become models.

    Attributes:
        precision: "int8" or "float32".
        calibration_windows: Training windows that set the ranges of the activations.
    """

    __pydantic_config__ = _EDGE

    precision: Precision = "int8"
    calibration_windows: _Count = 100


@dataclass(frozen=True)
class Cost:
    """Whose costs count.

    Attributes:
        engine: The runtime on the board: "tflm", or "aot", the model compiled to C in this project's firmware. None:
            the latter where candidates are measured (mode "hil"), else the former. There "tflm" is the library of
            `hil.tflm_root`.
        kernels: Kernel library of "tflm": "cmsis_nn" or "reference".
        compiler: What builds the images of "aot", and whose code sizes are predicted: "gcc" (Arm's GNU toolchain) or
            "zig" (Clang out of the ziglang package). None: the one that is installed, GCC before Clang.
    """

    __pydantic_config__ = _EDGE

    engine: Literal["tflm", "aot"] | None = None
    kernels: Literal["reference", "cmsis_nn"] = "cmsis_nn"
    compiler: Compiler | None = None


@dataclass(frozen=True)
class HilOptions:
    """How the board is reached in the mode "hil".

    Attributes:
        link: "virtual"; a serial port; or "auto", the port of the board that is attached.
        flasher: How images get into its flash: "drive", "pyocd", "rom", or "auto".
        probe: Serial number of the probe, or its beginning, where several boards are attached.
        tflm_root: Of the engine "tflm": folder of tflite-micro's sources, with its library made for the board's core.
        meter: The power meter in the board's supply: "lpm01a:PORT", "lpm01a:PORT@VOLTS" or "ina228:PORT"; None: energy
            stays unknown.

    Raises:
        ConfigError: There is no such meter, or the board is a virtual one, which takes no current.
    """

    __pydantic_config__ = _EDGE

    link: str = "auto"
    flasher: Literal["auto", "drive", "pyocd", "rom"] = "auto"
    probe: str | None = None
    tflm_root: str | None = None
    meter: str | None = None

    def __post_init__(self) -> None:
        if self.meter is not None:
            check_meter(self.meter, self.link, "hil.meter")


@dataclass(frozen=True)
class Objective(ObjectiveWeights):
    """Weights and penalty of f_opt, and limits below the board's own.

    Attributes:
        sram_max_bytes: SRAM a model and its runtime may use; None: what the board has.
        flash_max_bytes: The same of flash.
    """

    __pydantic_config__ = _EDGE

    l1: _NotNegative = 1.0
    l2: _NotNegative = 0.01
    l3: _NotNegative = 0.01
    penalty: _Positive = 10.0
    sram_max_bytes: _Count | None = None
    flash_max_bytes: _Count | None = None
