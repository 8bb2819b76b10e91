"""The configuration of a search: YAML at the edge, frozen dataclasses inside, unknown keys refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from tinynas.checked import Count, options
from tinynas.config.options import Conversion, Cost, HilOptions, Space, TunerOptions
from tinynas.errors import ConfigError, TinynasError
from tinynas.objective import Objective
from tinynas.odometry import DatasetOptions
from tinynas.resources import resource
from tinynas.tcn.training import TrainingOptions
from tinynas.yamlfile import did_you_mean, parse_mapping, read_user_file, validate

__all__ = ["Config", "Mode", "config_from_mapping", "load_config"]

Mode = Literal["proxy", "tflm", "hil"]


@options()
class Config:
    """Everything that decides a search's result, except the board's description and the data.

    Attributes:
        board: Name or path; None where the command line gives it.
        trials: Candidates to evaluate.
        seed: Seed of every random choice.
        mode: Where costs come from: "proxy" (the resource model), "tflm" (the official interpreter as referee) or "hil"
            (the board itself, attached or virtual).
    """

    board: str | None = None
    trials: Count = 30
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    mode: Mode = "proxy"
    dataset: DatasetOptions = field(default_factory=DatasetOptions)
    space: Space = field(default_factory=Space)
    tuner: TunerOptions = field(default_factory=TunerOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    conversion: Conversion = field(default_factory=Conversion)
    cost: Cost = field(default_factory=Cost)
    objective: Objective = field(default_factory=Objective)
    hil: HilOptions = field(default_factory=HilOptions)

    def __post_init__(self) -> None:
        if self.mode == "hil":
            self._check_library()
        if self.mode == "tflm" and self.cost.engine == "aot":
            raise ConfigError("the interpreter knows nothing of compiled models", where="cost.engine")
        if self.cost.compiler is not None and not self.aot:
            advice = "leave it out, or set cost.engine to aot"
            raise ConfigError("only compiled models are built by a compiler", where="cost.compiler", advice=advice)
        if self.aot and self.conversion.precision != "int8":
            raise ConfigError("only int8 models are compiled", where="conversion.precision")

    def _check_library(self) -> None:
        if self.aot and self.hil.tflm_root is not None:
            what = "compiled models use no library"
            raise ConfigError(what, where="hil.tflm_root", advice="leave it out, or set cost.engine to tflm")
        if not self.aot and self.hil.tflm_root is None:
            what = "no library of TensorFlow Lite Micro is named"
            raise ConfigError(what, where="hil.tflm_root", advice="docs/hil.md says how to get it")
        if self.conversion.precision != "int8":
            raise ConfigError("only int8 models are measured", where="conversion.precision")

    @property
    def engine(self) -> Literal["aot", "tflm"]:
        """The runtime whose costs count."""
        return self.cost.engine or ("aot" if self.mode == "hil" else "tflm")

    @property
    def aot(self) -> bool:
        """Whether the engine "aot" is the runtime, rather than "tflm"."""
        return self.engine == "aot"

    @property
    def whole_image(self) -> bool:
        """Whether costs are those of the whole image: where this project's firmware is around the model."""
        return self.aot or self.mode == "hil"

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, every default spelled out."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    def with_options(self, **options: Any) -> Config:
        """A copy with the command line's options.

        Args:
            options: Fields by name; None leaves one as it is. `dataset` names the source; another one than the built-in
                puts the built-in one's options aside. `link` is that of `hil`.

        Example:
            >>> config = Config().with_options(trials=5, seed=None, dataset="csv:walks")
            >>> config.trials, config.seed, config.dataset.source
            (5, 0, 'csv:walks')
        """
        source, dataset = options.pop("dataset", None), self.dataset
        link = options.pop("link", None)
        hil = self.hil if link is None else dataclasses.replace(self.hil, link=link)
        if source is not None:
            size = dataset.synthetic if source == "synthetic" else None
            dataset = dataclasses.replace(dataset, source=source, synthetic=size)
        return dataclasses.replace(
            self, dataset=dataset, hil=hil, **{k: v for k, v in options.items() if v is not None}
        )


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
    except ConfigError as e:
        if e.where and not e.where.startswith(where):  # a contradiction between keys
            e.where = f"{where}:{e.where}"
        raise
    except TinynasError as e:  # a check of the space or the windows: it knows the key, not the file
        raise ConfigError(e.message, where=f"{where}:{e.where}", advice=e.advice) from e
