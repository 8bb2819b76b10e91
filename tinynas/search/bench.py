"""The board on which a search measures its candidates: attached, or virtual."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinynas.board import Board
from tinynas.config import Config, HilOptions
from tinynas.cost import Compiler, lower
from tinynas.deploy import convert, quantize, read_graph
from tinynas.errors import BoardError, StudyError, TinynasError
from tinynas.measurement import Measurement
from tinynas.search.task import Array
from tinynas.study import Study
from tinynas.tcn import Architecture

if TYPE_CHECKING:
    from tinynas.hil.engines import EngineName

__all__ = ["Bench", "check_compiler", "check_rig", "check_toolchain", "choose_compiler"]

_TRIES = 3
_PAUSE_S = 2.0


@dataclass(frozen=True)
class Bench:
    """Measures models on one board; what its rig does wrong is tried again, and never scored.

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
        self, architecture: Architecture, foreseen: Measurement, windows: Array, rng: np.random.Generator
    ) -> Measurement:
        """Measure a candidate that is not trained yet, with every weight and bias moved off its initial value.

        As they are initialised, zero biases would be left out, and the board would be found faster than it is.

        Args:
            architecture: The candidate.
            foreseen: Its costs by the resource model.
            windows: Normalised windows (n, window, channels): ranges of the activations; the last one is run.
            rng: For the weights.

        Raises:
            FlashOverflow, RamOverflow: It does not fit.
            BoardError: The rig fails, again and again.
            ParityError: The board computes something else than the host.
        """
        from tinynas.tcn.network import fold, inference_function, initial_weights, perturbed

        weights = fold(architecture, perturbed(initial_weights(architecture, rng), rng))
        folded = dataclasses.replace(architecture, norm="none")
        model = convert(inference_function(folded, weights), lower(architecture), windows)
        return self.measured(model, foreseen, windows[-1])

    def measured(self, model: bytes, foreseen: Measurement, window: Array) -> Measurement:
        """Measure a model.

        Args:
            model: An int8 .tflite model.
            foreseen: Its costs by the resource model.
            window: The normalised window (window, channels) that is run.

        Raises:
            As `untrained`.
        """
        return dataclasses.replace(self._tried(model, window), tflite_bytes=len(model)).beside(foreseen)

    def _tried(self, model: bytes, window: Array) -> Measurement:
        from tinynas.hil.image import Toolchain
        from tinynas.hil.measure import measure

        toolchain = None if self.compiler is None else Toolchain.detect(self.compiler)
        graph = read_graph(model)
        quantized = quantize(window, graph.tensors[graph.inputs[0]])
        for attempt in range(1, _TRIES + 1):
            try:
                return measure(
                    self.board,
                    model,
                    engine=self.engine,
                    tflm_root=self.options.tflm_root,
                    toolchain=toolchain,
                    link=self.options.link,
                    flasher=self.options.flasher,
                    probe_id=self.options.probe,
                    meter=self.options.meter,
                    window=quantized,
                )
            except TinynasError as error:
                if error.disposition != "retry":
                    raise
                if attempt == _TRIES:
                    raise BoardError(
                        f"set aside after {_TRIES} tries: {error.message}", where=error.where, advice=error.advice
                    ) from error
            self.sleep(_PAUSE_S * attempt)
        raise AssertionError("unreachable")


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
    if compiler is None or compiler in installed[:1]:
        return None
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
    from tinynas.hil.boards import rig_for
    from tinynas.hil.image import Toolchain
    from tinynas.hil.power import check_trigger

    options = config.hil
    if options.meter is not None:
        check_trigger(board)
    Toolchain.detect(config.cost.compiler if config.aot else "gcc")
    rig_for(board, options.link, flasher=options.flasher, probe_id=options.probe)


def check_toolchain(study: Study, measured: Measurement) -> None:
    """Refuse figures that do not compare with earlier ones: a search may be resumed on another machine.

    Raises:
        StudyError: Another compiler or library has built the image.
    """
    costs = (trial.measurement or {} for trial in study.trials())
    known = (cost.get("toolchain") for cost in costs if cost.get("source") == measured.source)
    earlier = next(filter(None, known), None)  # it stands for all: each was held against it
    if earlier not in (None, measured.toolchain):
        raise StudyError(
            f"images are built by {measured.toolchain}, those of earlier trials were by {earlier}",
            where=str(study.folder),
            advice="go on with the compiler and library of before, or begin a new study",
        )
