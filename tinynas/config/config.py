"""The configuration of a search: YAML at the edge, frozen dataclasses inside, unknown keys refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from tinynas.board import Board
from tinynas.checked import Count, Positive, options
from tinynas.config.listeners import split_listener
from tinynas.config.options import Conversion, Cost, Deploy, Fidelity, Final, HilOptions, Training, TunerOptions
from tinynas.cost import Engine
from tinynas.errors import ConfigError, TinynasError
from tinynas.network import SearchSpace, Space
from tinynas.objective import Objective, Quantity
from tinynas.odometry import DatasetOptions
from tinynas.resources import resource
from tinynas.yamlfile import did_you_mean, parse_mapping, read_user_file, validate

__all__ = ["Config", "Mode", "config_from_mapping", "load_config"]

Mode = Literal["proxy", "tflm", "hil"]
_FRONT: tuple[Quantity, ...] = ("error", "flash_bytes", "sram_bytes")

_TRIALS = 30
_WITHOUT_END = 1_000_000


@options()
class Config:
    """Everything that decides a search's result, except the board's description and the data.

    Attributes:
        board: Name or path; None where the command line gives it.
        trials: Candidates to evaluate; None for 30, or for as many as the minutes allow.
        minutes: How long the search may take, final trainings and test included; None: as long as the trials take.
        seed: Seed of every random choice.
        mode: Where costs come from: "proxy" (the resource model), "tflm" (the official interpreter as referee) or "hil"
            (the board itself, attached or virtual).
        workers: Processes that train and measure candidates; None for as many as there are cores, or trials. With 1,
            the same seed makes the same search.
        dask: Address of a Dask scheduler, on whose workers candidates are trained and measured instead.
        listeners: Who else is told of the search: "tensorboard" or "mlflow", each perhaps with a place.
    """

    board: str | None = None
    trials: Count | None = None
    minutes: Positive | None = None
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    mode: Mode = "proxy"
    workers: Count | None = None
    dask: str | None = None
    listeners: tuple[str, ...] = ()
    dataset: DatasetOptions = field(default_factory=DatasetOptions)
    space: Space = field(default_factory=SearchSpace)
    tuner: TunerOptions = field(default_factory=TunerOptions)
    training: Training = field(default_factory=Training)
    fidelity: Fidelity = field(default_factory=Fidelity)
    final: Final = field(default_factory=Final)
    deploy: Deploy = field(default_factory=Deploy)
    conversion: Conversion = field(default_factory=Conversion)
    cost: Cost = field(default_factory=Cost)
    objective: Objective = field(default_factory=Objective)
    hil: HilOptions = field(default_factory=HilOptions)

    def __post_init__(self) -> None:
        for listener in self.listeners:
            split_listener(listener)
        if self.workers is not None and self.dask is not None:
            advice = "leave one of them out"
            raise ConfigError("a cluster has a number of workers of its own", where="workers", advice=advice)
        if self.mode == "hil":
            self._check_library()
        variants = self.variants
        if self.objective.error != "velocity_rmse" and any(
            d.target == "speed_heading" and 2 * d.evaluation_stride > d.span for d in variants
        ):
            raise ConfigError(
                "windows of speed_heading make no path if dataset.evaluation_stride is above half the target's span",
                where="objective.error",
                advice="use a smaller dataset.evaluation_stride, or velocity_rmse",
            )
        self._check_terms()
        if self.mode == "tflm" and self.cost.engine == "aot":
            raise ConfigError("the interpreter knows nothing of compiled models", where="cost.engine")
        if self.cost.compiler is not None and not self.aot:
            advice = "leave it out, or set cost.engine to aot"
            raise ConfigError("only compiled models are built by a compiler", where="cost.compiler", advice=advice)
        if self.aot and self.conversion.precision != "int8":
            raise ConfigError("only int8 models are compiled", where="conversion.precision")

    @property
    def most_trials(self) -> int:
        """Candidates to evaluate at most: without a number, what nobody reaches in the minutes there are."""
        return self.trials or (_TRIALS if self.minutes is None else _WITHOUT_END)

    @property
    def pauses(self) -> tuple[int, ...]:
        """Epochs after which a candidate's training pauses, ascending; all before its end.

        None where a front is looked for: what pauses goes on by f_opt, which small networks of a front never lead.
        """
        if self.objective.pareto:
            return ()
        shares, epochs = self.fidelity.rungs, self.training.epochs
        return tuple(sorted({pause for share in shares if (pause := max(1, round(share * epochs))) < epochs}))

    @property
    def variants(self) -> tuple[DatasetOptions, ...]:
        """How the data are seen: `dataset`, or one for each frame and window that a search chooses among.

        All have one target, that of the longest window, so that their errors compare.

        Raises:
            ConfigError: The data's other options forbid a frame.
        """
        d, space = self.dataset, self.space
        windows, frames = space.window or (d.window,), space.frame or (d.frame,)
        try:
            span = dataclasses.replace(d, window=max(windows)).span if space.window else d.target_span
            return tuple(
                dataclasses.replace(d, window=window, frame=frame, target_span=span)
                for frame in frames
                for window in windows
            )
        except TinynasError as error:
            where = "space.frame" if space.frame else error.where
            raise ConfigError(error.message, where=where, advice=error.advice) from error

    def of_trial(self, params: Mapping[str, Any]) -> Config:
        """The configuration of one trial: with the frame, the window and the turns that it chose.

        Args:
            params: What the tuner suggested.
        """
        first, turns = self.variants[0], params.get("turns", self.deploy.turns)
        wanted = (params.get("frame", first.frame), params.get("window", first.window))
        dataset = next(one for one in self.variants if (one.frame, one.window) == wanted)
        return dataclasses.replace(self, dataset=dataset, deploy=Deploy(turns))

    def _check_terms(self) -> None:
        limits = self.objective.limits
        timed = self.mode == "hil" or self.aot
        for name in ("latency_us", "energy_uj"):
            limited, traded = getattr(limits, name) is not None, name in self.objective.pareto
            if (limited or traded) and not timed:
                key = f"limits.{name}" if limited else "pareto"
                what = "the interpreter's time is known from boards only"
                advice = "set cost.engine to aot, whose time is predicted, or mode to hil; or leave it out"
                raise ConfigError(what, where=f"objective.{key}", advice=advice)
        slow = limits.latency_us is not None or limits.energy_uj is not None or "latency_us" in self.objective.pareto
        if len(self.space.turns) > 1 and not slow:
            what = "more turns are never worse and cost nothing but time, which has no limit"
            raise ConfigError(what, where="space.turns", advice="set objective.limits.latency_us, or deploy.turns")
        if self.space.clock_hz and not self.aot:
            advice = "set cost.engine to aot, or leave it out"
            raise ConfigError("only this project's firmware sets the clock", where="space.clock_hz", advice=advice)

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

    def runtime(self, board: Board) -> Engine:
        """The runtime whose costs count, on this board.

        Raises:
            ConfigError: The firmware does not run on it.
        """
        if self.aot:
            return Engine.aot(board, self.cost.compiler or "gcc")
        return Engine.tflm(self.cost.kernels, board if self.whole_image else None)

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
                puts the built-in one's options aside. `link` and `keep` are those of `hil`. `objective` is "scalar" or
                "pareto", of which the latter takes error, flash and SRAM where the configuration names nothing.
                `minutes` without `trials` leaves their number open.

        Example:
            >>> config = Config().with_options(trials=5, seed=None, dataset="csv:walks")
            >>> config.trials, config.seed, config.dataset.source
            (5, 0, 'csv:walks')
        """
        if options.get("minutes") is not None and options.get("trials") is None:
            self = dataclasses.replace(self, trials=None)  # those of a file were meant for a search without end
        source, dataset = options.pop("dataset", None), self.dataset
        kind, objective = options.pop("objective", None), self.objective
        if kind == "scalar" or (kind == "pareto" and not objective.pareto):
            objective = dataclasses.replace(objective, pareto=_FRONT if kind == "pareto" else ())
        of_board = {name: value for name in ("link", "keep") if (value := options.pop(name, None)) is not None}
        hil = dataclasses.replace(self.hil, **of_board) if of_board else self.hil
        if source is not None:
            size = dataset.synthetic if source == "synthetic" else None
            dataset = dataclasses.replace(dataset, source=source, synthetic=size)
        return dataclasses.replace(
            self, dataset=dataset, hil=hil, objective=objective, **{k: v for k, v in options.items() if v is not None}
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
