"""The board on which a search measures its candidates: attached, or virtual."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinynas.board import Board
from tinynas.config import Config, HilOptions
from tinynas.cost import Compiler, lower, with_energy
from tinynas.deploy import Model, convert, quantize
from tinynas.errors import BoardError, ConfigError, StudyError, TinynasError
from tinynas.measurement import Measurement
from tinynas.network import Architecture
from tinynas.search.task import Array
from tinynas.study import BoardNote, Study

if TYPE_CHECKING:
    from tinynas.hil.engines import EngineName
    from tinynas.hil.image import Toolchain
    from tinynas.hil.pool import BoardPool

__all__ = [
    "Bench",
    "check_compiler",
    "check_rig",
    "check_toolchain",
    "choose_compiler",
    "count_boards",
    "known_toolchain",
    "look_at_boards",
]

_TRIES = 3
_PAUSE_S = 2.0
_NAME_DIGITS = 12


@dataclass(frozen=True)
class Bench:
    """Measures models on one board; rig failures are retried and never counted against the network.

    Attributes:
        board: The board.
        options: How it is reached.
        engine: What runs the models there.
        compiler: What builds the images; None: the one that is installed.
        sleep: Waits between two tries.
    """

    board: Board
    options: HilOptions
    engine: EngineName = "aot"
    compiler: Compiler | None = None
    sleep: Callable[[float], None] = time.sleep

    def untrained(
        self, architecture: Architecture, predicted: Measurement, windows: Array, rng: np.random.Generator
    ) -> Measurement:
        """Measure a candidate that is not trained yet, with every weight and bias moved off its initial value.

        As they are initialised, zero biases would be left out, and the board would be found faster than it is.

        Args:
            architecture: The candidate.
            predicted: Its costs by the resource model.
            windows: Normalised windows (n, window, channels): ranges of the activations; the last one is run.
            rng: For the weights.

        Raises:
            FlashOverflow, RamOverflow: It does not fit.
            BoardError: The rig fails, again and again.
            ParityError: The board computes something else than the host.
        """
        from tinynas.network import fold, inference_function, initial_weights, perturbed

        weights = fold(architecture, perturbed(initial_weights(architecture, rng), rng))
        model = convert(inference_function(architecture, weights), lower(architecture), windows)
        return self.measured(model, predicted, windows[-1])

    def measured(self, model: Model | bytes, predicted: Measurement, window: Array) -> Measurement:
        """Measure a model.

        Args:
            model: An int8 .tflite model.
            predicted: Its costs by the resource model.
            window: The normalised window (window, channels) that is run.

        Raises:
            As `untrained`.
        """
        model = Model.of(model)
        found = dataclasses.replace(self._tried(model, window), tflite_bytes=len(model.content))
        return with_energy(found, self.board).beside(predicted)

    def _tried(self, model: Model, window: Array) -> Measurement:
        from tinynas.hil.image import Toolchain
        from tinynas.hil.measure import measure

        toolchain = None if self.compiler is None else Toolchain.detect(self.compiler)
        quantized = quantize(window, model.input)
        pool = _pool(self.board, self.options, toolchain)
        for attempt in range(1, _TRIES + 1):
            try:
                with pool.take() as rig:
                    return measure(
                        self.board,
                        model,
                        engine=self.engine,
                        tflm_root=self.options.tflm_root,
                        toolchain=toolchain,
                        rig=rig,
                        link=self.options.link,
                        meter=self.options.meter,
                        transcript=self._transcript(model),
                        window=quantized,
                    )
            except TinynasError as error:
                if error.disposition != "retry":
                    raise
                if attempt == _TRIES:
                    what, where = f"failed {_TRIES} times: {error.message}", error.where or self.board.name
                    raise BoardError(what, where=where, advice=error.advice) from error
            self.sleep(_PAUSE_S * attempt)
        raise AssertionError("unreachable")

    def _transcript(self, model: Model) -> Path | None:
        """A file of this measurement: all tries of one model."""
        if self.options.keep is None:
            return None
        name = hashlib.sha256(model.content).hexdigest()[:_NAME_DIGITS]
        return Path(self.options.keep) / f"{self.board.name}-{name}.log"


def choose_compiler(config: Config) -> Config:
    """The configuration with the compiler of compiled models spelled out, for a study to keep.

    Args:
        config: Where it names none, the compiler that is installed is taken, GCC before Clang; GCC where there is none.

    Example:
        >>> from tinynas.config import Config
        >>> choose_compiler(Config()).cost.compiler is None  # nothing is compiled
        True
    """
    from tinynas.hil.image import Toolchain

    if not config.aot or config.cost.compiler is not None:
        return config
    compiler: Compiler = next(iter(Toolchain.installed()), "gcc")
    return dataclasses.replace(config, cost=dataclasses.replace(config.cost, compiler=compiler))


def check_compiler(study: Study, config: Config) -> str | None:
    """Compare the compiler that a study began with to what is installed.

    Args:
        study: The study.
        config: Its configuration.

    Returns:
        A remark where a search here would take another compiler's code sizes; None where there is nothing to say.

    Raises:
        StudyError: Its images cannot be built here as they were before.
    """
    from tinynas.hil.image import Toolchain

    compiler, installed = config.cost.compiler, Toolchain.installed()
    if compiler is None or compiler in installed[:1] or (config.dask is not None and config.mode == "hil"):
        return None  # workers of a cluster are looked at by themselves
    here = f"here is {installed[0]}" if installed else "here is no compiler"
    if config.mode == "hil" and compiler not in installed:
        raise StudyError(
            f"the images of this study are built by {compiler}, {here}",
            where=str(study.folder),
            advice=f"install {compiler}, or begin a new study: sizes of two compilers do not compare",
        )
    return f"costs stay those of images built by {compiler}, with which this study began; {here}"


def check_rig(board: Board, config: Config) -> None:
    """Fail fast if nothing can be measured.

    Args:
        board: The board.
        config: The search's configuration, of mode "hil".

    Raises:
        ToolchainMissing: There is no compiler, or not the one that the configuration names.
        BoardError: No such board is attached, or nothing flashes it; or virtual boards are not installed.
        ConfigError: The options contradict each other or the board.
    """
    from tinynas.hil.image import Toolchain
    from tinynas.hil.power import check_trigger

    options = config.hil
    if options.meter is not None:
        check_trigger(board, options.meter)
    toolchain = Toolchain.detect(config.cost.compiler if config.aot else "gcc")
    rigs = _pool(board, options, toolchain).rigs()
    if options.meter is not None and len(rigs) > 1:
        advice = "choose the board that it supplies: hil.probe"
        raise ConfigError(f"{len(rigs)} boards fit, and the meter is in the supply of one", where="hil", advice=advice)


def count_boards(board: Board, config: Config) -> int | None:
    """How many measurements this computer makes at a time.

    Args:
        board: The board.
        config: The search's configuration.

    Returns:
        The number of attached boards, at least 1; None where they are virtual, or nothing is measured.
    """
    if config.mode != "hil" or config.hil.link == "virtual":
        return None
    try:
        return max(1, len(_pool(board, config.hil, None).rigs()))
    except BoardError:  # the first measurement says what is wrong
        return 1


def look_at_boards(board: Board, config: Config) -> list[BoardNote]:
    """What the boards are that this computer measures on; none where it measures nothing.

    Args:
        board: The board.
        config: The search's configuration.

    Raises:
        TinynasError: They cannot be looked at.
    """
    if config.mode != "hil" or config.dask is not None:
        return []
    if config.hil.link == "virtual":
        return [BoardNote(board.name, "virtual", "one for each measurement")]
    found = _pool(board, config.hil, None).look()
    return [BoardNote(one.key, one.state, one.detail, one.since) for one in found]


def _pool(board: Board, options: HilOptions, toolchain: Toolchain | None) -> BoardPool:
    from tinynas.hil.pool import BoardPool

    return BoardPool(
        board,
        options.link,
        flasher=options.flasher,
        probe_id=options.probe,
        recover=options.recover,
        toolchain=toolchain,
    )


def check_toolchain(study: Study, measured: Measurement) -> None:
    """Refuse figures that do not compare with earlier ones: a search may be resumed on another machine.

    Raises:
        StudyError: Another compiler or library has built the image.
    """
    earlier = _toolchain(study, {measured.source})
    if earlier not in (None, measured.toolchain):
        raise StudyError(
            f"images are built by {measured.toolchain}, those of earlier trials were by {earlier}",
            where=str(study.folder),
            advice="go on with the compiler and library of before, or begin a new study",
        )


def known_toolchain(study: Study, config: Config) -> str | None:
    """What has built the images that a study's figures come from; None before a board has measured anything."""
    return _toolchain(study, {"virtual", "hil"}) if config.mode == "hil" else None


def _toolchain(study: Study, sources: Collection[str]) -> str | None:
    costs = (trial.measurement or {} for trial in study.trials())
    known = (cost.get("toolchain") for cost in costs if cost.get("source") in sources)
    return next(filter(None, known), None)  # it stands for all: each was held against it
