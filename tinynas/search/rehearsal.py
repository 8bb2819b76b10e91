"""What a search would do, and how long it would take: measured on a few of its own networks."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import islice, pairwise
from time import perf_counter
from typing import Any

import numpy as np

from tinynas.config import Config
from tinynas.cost import lower
from tinynas.deploy import convert, load_tensorflow
from tinynas.errors import SpaceError
from tinynas.network import TrainingData
from tinynas.search.family_tuner import make_tuner
from tinynas.search.known import first_candidates
from tinynas.search.outcome import predict_deployed
from tinynas.search.problem import Problem

__all__ = ["Rehearsal", "rehearse"]

# Networks that are timed, and suggestions that are looked at for them.
_NETWORKS, _TRIES = 3, 30
# Steps of an epoch that are timed; the first epoch also traces the graph.
_STEPS, _EPOCHS = 12, 3


@dataclass(frozen=True)
class Rehearsal:
    """What a search would do.

    Attributes:
        trials: Networks of the search; where minutes limit it, so many as they allow.
        finals: Final trainings after it.
        workers: Processes that train.
        windows: Training, validation and test windows.
        inputs: (window, channels) of a network, in the first frame and window of those chosen from.
        frame: Of these inputs.
        infeasible_share: Of the search space, by random networks of it.
        sram_bytes, flash_bytes: What a network may use.
        networks: How many were timed: the first ones that the search would try.
        train_s: Seconds that one training takes on the average of these networks.
        rest_s: Seconds for conversion and measurement of one.
        spread: How much the slowest of the networks takes of the mean: the search may choose slower ones.
        seconds: The whole search, with the workers; None with hardware in the loop or a cluster, whose time is unknown.
    """

    trials: int
    finals: int
    workers: int
    windows: tuple[int, int, int]
    inputs: tuple[int, int]
    frame: str
    infeasible_share: float
    sram_bytes: int
    flash_bytes: int
    networks: int
    train_s: float
    rest_s: float
    spread: float
    seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


def rehearse(problem: Problem, *, workers: int) -> Rehearsal:
    """Time a few networks of a search without keeping anything.

    Each is trained for some steps on the search's own windows, converted and run on the validation windows.

    Args:
        problem: The board, the data, the configuration.
        workers: Processes that the search would have.

    Raises:
        TinynasError: A network of the space cannot be trained or converted.
    """
    config, task = problem.config, problem.task
    load_tensorflow(config.training.threads)
    first = list(islice(_first(problem), _NETWORKS)) or [problem.require_feasible()]
    tensors = cache(lambda task: task.training_data(config.training.augment))  # made once for each frame and window
    timed = [_time(problem, params, tensors(task.of(params))) for params in first]
    step, start, valid, rest = (float(np.mean(column)) for column in zip(*timed, strict=True))
    steps = max(1, len(task.train) // config.training.batch_size)
    totals = [steps * one[0] + one[2] for one in timed]
    train = start + _epochs(config) * (steps * step + valid)
    longer = start + (config.final.epochs or config.training.epochs) * (steps * step + valid)
    finals = config.final.candidates * config.final.seeds + int(config.final.refit)
    trials, after = config.most_trials, finals * (longer + rest)
    if config.minutes is not None:
        left = workers * 60.0 * config.minutes - after
        trials = max(1, min(trials, int(left / (train + rest))))
    whole = trials * (train + rest) + after
    known = config.mode != "hil" and config.dask is None
    return Rehearsal(
        trials=trials,
        finals=finals,
        workers=workers,
        windows=(len(task.train), len(task.valid), len(task.test)),
        inputs=(task.train.spec.window, task.channels),
        frame=task.train.frame,
        infeasible_share=problem.infeasible_share(),
        sram_bytes=problem.limits.sram_bytes,
        flash_bytes=problem.limits.flash_bytes,
        networks=len(timed),
        train_s=train,
        rest_s=rest,
        spread=max(totals) / float(np.mean(totals)),
        seconds=whole / workers if known else None,
    )


def _epochs(config: Config) -> float:
    """Epochs of a training on the average: at each pause one of `fidelity.keep` goes on."""
    ends = [*config.pauses, config.training.epochs]
    return float(sum((end - begin) / config.fidelity.keep**n for n, (begin, end) in enumerate(pairwise([0, *ends]))))


def _first(problem: Problem) -> Iterator[Mapping[str, Any]]:
    """The first suggestions of the search that fit. Random networks are smaller than those that it mostly tries."""
    tuner = make_tuner(problem, first_candidates(problem, []))
    with suppress(SpaceError):  # a space may have fewer
        for _ in range(_TRIES):
            [params] = tuner.ask()
            if problem.fits(problem.architecture(params), params):  # what does not is not trained
                yield params


def _time(problem: Problem, params: Mapping[str, Any], whole: TrainingData) -> tuple[float, float, float, float]:
    """Seconds of a training step, of a training's start, of a validation, and of all that follows a training."""
    from tinynas.network import fold, inference_function, predict, train

    config, task, architecture = problem.config, problem.task.of(params), problem.architecture(params)
    rng, batch = np.random.default_rng(config.seed), config.training.batch_size
    data = copy.copy(whole)
    data.windows = min(data.windows, _STEPS * batch)
    steps = max(1, data.windows // batch)
    ends = [perf_counter()]
    recipe = replace(config.training, epochs=_EPOCHS, patience=None)
    fit = train(architecture, data, recipe, rng=rng, on_epoch=lambda *_: ends.append(perf_counter()))
    weights, inputs = fold(architecture, fit.weights), task.inputs(task.valid)
    predict(architecture, weights, inputs)
    began = perf_counter()
    predict(architecture, weights, inputs)
    valid = perf_counter() - began
    epoch = float(np.mean(np.diff(ends[1:])))
    precision = config.conversion.precision
    began = perf_counter()
    windows = task.representative(config.conversion.calibration_windows, rng)
    model = convert(
        inference_function(architecture, weights), lower(architecture, precision), windows, precision=precision
    )
    predict_deployed(model, inputs, config.deploy.turns)
    rest = perf_counter() - began
    return max(epoch - valid, 0.0) / steps, max(ends[1] - ends[0] - epoch, 0.0), valid, rest
