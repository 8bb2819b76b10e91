"""The configuration of a search: YAML at the edge, frozen dataclasses inside, unknown keys refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from tinynas.cost.measurement import Kernels
from tinynas.deploy.tflite import Precision
from tinynas.errors import ConfigError, DatasetError, TinynasError
from tinynas.objective import ObjectiveWeights
from tinynas.odometry.synthetic import SyntheticOptions
from tinynas.odometry.windows import Target
from tinynas.resources import resource
from tinynas.tcn.space import SearchSpace
from tinynas.tcn.training import TrainingConfig
from tinynas.yamlfile import did_you_mean, parse_mapping, read_user_file, validate

__all__ = [
    "Config",
    "Conversion",
    "Cost",
    "DatasetOptions",
    "Mode",
    "Objective",
    "Space",
    "Synthetic",
    "Training",
    "TunerOptions",
    "config_from_mapping",
    "load_config",
]

Mode = Literal["proxy", "tflm"]
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
        engine: The runtime on the board: "tflm".
        kernels: Its kernel library: "cmsis_nn" or "reference".
    """

    __pydantic_config__ = _EDGE

    engine: Literal["tflm"] = "tflm"
    kernels: Kernels = "cmsis_nn"


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


@dataclass(frozen=True)
class Config:
    """Everything that decides a search's result, but the board's description and the data.

    Attributes:
        board: Name or path; None where the command line gives it.
        trials: Candidates to evaluate.
        seed: Of every random choice.
        mode: Where costs come from: "proxy" (the resource model) or "tflm" (the official interpreter as referee).
    """

    __pydantic_config__ = _EDGE

    board: str | None = None
    trials: _Count = 30
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    mode: Mode = "proxy"
    dataset: DatasetOptions = DatasetOptions()
    space: Space = Space()
    tuner: TunerOptions = TunerOptions()
    training: Training = Training()
    conversion: Conversion = Conversion()
    cost: Cost = Cost()
    objective: Objective = Objective()

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, every default spelled out."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    def with_options(self, **options: Any) -> Config:
        """A copy with the command line's options.

        Args:
            options: Fields by name; None leaves one as it is. `dataset` names the source; another one than the built-in
                puts the built-in one's options aside.

        Example:
            >>> config = Config().with_options(trials=5, seed=None, dataset="csv:walks")
            >>> config.trials, config.seed, config.dataset.source
            (5, 0, 'csv:walks')
        """
        source, dataset = options.pop("dataset", None), self.dataset
        if source is not None:
            size = dataset.synthetic if source == "synthetic" else None
            dataset = dataclasses.replace(dataset, source=source, synthetic=size)
        return dataclasses.replace(self, dataset=dataset, **{k: v for k, v in options.items() if v is not None})


@cache
def _adapter() -> TypeAdapter[Config]:
    return TypeAdapter(Config)


def load_config(path: str | Path | None) -> Config:
    """Read a configuration file.

    Args:
        path: A file, or the name of one that comes with tinynas (such as "quickstart"); None for the defaults.

    Returns:
        The configuration; keys that are not given have their defaults.

    Raises:
        ConfigError: At file:key, with the closest known key if the key is unknown.
    """
    if path is None:
        return Config()
    name = str(path)
    if Path(name).name == name and not Path(name).suffix and not Path(name).exists():
        shipped = {entry.name.removesuffix(".yaml"): entry for entry in resource("configs").iterdir()}
        if name not in shipped:
            what = "neither a file nor a configuration that comes with tinynas"
            raise ConfigError(what, where=name, advice=did_you_mean(name, shipped))
        return config_from_mapping(parse_mapping(shipped[name].read_text(encoding="utf-8"), name), name)
    return config_from_mapping(parse_mapping(read_user_file(path), str(path)), str(path))


def config_from_mapping(values: Mapping[str, Any], where: str) -> Config:
    """Check a mapping and turn it into a configuration.

    Args:
        values: As parsed from YAML or stored in a study.
        where: What to call it in errors.

    Raises:
        ConfigError: At where:key.
    """
    try:
        return validate(_adapter(), values, where)
    except ConfigError:
        raise
    except TinynasError as e:  # a check of the space or the windows: it knows the key, not the file
        raise ConfigError(e.message, where=f"{where}:{e.where}", advice=e.advice) from e
