"""The rungs of a search: where trainings pause, one leg of a training, and what a trial was worth at each rung."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from tinynas.config import Config, Training
from tinynas.network import Architecture, Checkpoint, Donor
from tinynas.search.store import Weights
from tinynas.study import Trial, TrialState

if TYPE_CHECKING:
    from tinynas.network import TrainingData

__all__ = ["Leg", "Outcome", "list_outcomes", "next_pause", "run_leg"]


@dataclass(frozen=True)
class Leg:
    """What a piece of a training, from one pause to the next or to the end, came to.

    Attributes:
        weights: The best so far, batch norm folded.
        history: Validation RMSE after every epoch, earlier legs included.
        best_epoch: When the weights were found.
        seconds: Time that this leg took.
        checkpoint: What the next leg goes on from; None where the training has ended.
    """

    weights: Weights
    history: tuple[float, ...]
    best_epoch: int
    seconds: float
    checkpoint: bytes | None

    @property
    def epochs(self) -> int:
        """Passes over the training windows, earlier legs included."""
        return len(self.history)


@dataclass(frozen=True)
class Outcome:
    """What a tuner is told of a trial.

    Attributes:
        time_s: Unix time at which it was known.
        value: f_opt; None of a failure.
        fidelity: Share of a training that it comes from.
    """

    time_s: float
    value: float | None
    fidelity: float = 1.0


def next_pause(trial: Trial, config: Config) -> int | None:
    """Epochs after which a trial's training pauses next; None where it goes on to the end."""
    if trial.final_of is not None:
        return None
    done = trial.rungs[-1]["epochs"] if trial.rungs else 0
    return next((pause for pause in config.pauses if pause > done), None)


def run_leg(
    architecture: Architecture,
    data: TrainingData,
    recipe: Training,
    *,
    seed: int,
    until: int | None,
    checkpoint: bytes | None,
    donor: bytes | None = None,
    anew: bool = False,
    on_epoch: Callable[[int, float], None],
) -> Leg:
    """Train a network up to its next pause.

    Args:
        architecture: The network.
        data: What it learns from.
        recipe: Length and speed of the whole training.
        seed: Of the trial.
        until: Epochs after which it pauses; None: it goes on to the end.
        checkpoint: Of the leg before; None: there was none.
        donor: Checkpoint of the network that this one inherits from; None: it begins from scratch.
        anew: Begin again, from scratch, in place of going on from the leg before.
        on_epoch: Called with epoch and validation RMSE.

    Raises:
        TrainingDiverged: The first epoch already has no error.
        StudyError: The checkpoint cannot be read.
    """
    from tinynas.network import fold, train

    started = perf_counter()
    earlier = None if checkpoint is None else _recall(checkpoint)
    fit = train(
        architecture,
        data,
        recipe,
        rng=np.random.default_rng(seed),
        on_epoch=on_epoch,
        until=until,
        checkpoint=None if anew else earlier,
        donor=None if donor is None else _read_donor(donor),
        built=earlier.network if anew and earlier is not None else None,
    )
    weights = fold(architecture, fit.weights)
    kept = None if fit.checkpoint is None else _keep(fit.checkpoint)
    return Leg(weights, fit.history, fit.best_epoch, perf_counter() - started, kept)


# Networks whose training pauses, by the hash of their checkpoint: what goes on in the process that it paused in needs
# no second building of its graphs, which takes as long as many epochs of a small network.
_live: OrderedDict[str, Checkpoint] = OrderedDict()
_MOST_LIVE = 8


def _keep(checkpoint: Checkpoint) -> bytes:
    content = checkpoint.to_bytes()
    _live[hashlib.sha256(content).hexdigest()] = checkpoint
    while len(_live) > _MOST_LIVE:
        _live.popitem(last=False)
    return content


def _recall(content: bytes) -> Checkpoint:
    # Taken out: a network in training is no longer what was kept.
    return _live.pop(hashlib.sha256(content).hexdigest(), None) or Checkpoint.from_bytes(content)


def _read_donor(content: bytes) -> Donor:
    checkpoint = Checkpoint.from_bytes(content)
    return Donor(Architecture.from_dict(checkpoint.facts["architecture"]), checkpoint.best)


def list_outcomes(trial: Trial) -> list[Outcome]:
    """What is known of a trial: the outcome of every rung, then the end; empty before the first."""
    names = ["paused", *(f"paused_{number}" for number in range(2, len(trial.rungs) + 1))]
    # A trial that is answered from an earlier one has its figures, and never paused itself.
    rungs = zip(names, trial.rungs, strict=False) if trial.duplicate_of is None else ()
    found = [Outcome(trial.times[name], rung["objective"], rung["fidelity"]) for name, rung in rungs]
    if trial.state.is_finished:
        value = None if trial.state is TrialState.FAILED else trial.objective
        found.append(Outcome(max(trial.times.values()), value))
    return found
