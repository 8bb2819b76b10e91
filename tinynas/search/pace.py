"""What the next step of a search will cost in time, from what earlier steps have cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tinynas.study import Trial, TrialState

__all__ = ["Pace"]

Array = npt.NDArray[np.float64]
# Legs from which on the law of times has its three numbers.
_LAW = 3


@dataclass(frozen=True)
class _Piece:
    """A leg of a training that was timed."""

    epochs: int
    macs: float
    seconds: float


@dataclass
class Pace:
    """Learns how long trainings take, by their epochs and the size of the network, and what comes after them.

    A leg costs a constant (TensorFlow builds its graphs), and for each epoch a constant and a share of the network's
    multiplications: three numbers, not negative, that make the least relative errors over all legs so far.

    Attributes:
        pauses: Epochs after which trainings pause.
        epochs: Of a whole training.
    """

    pauses: tuple[int, ...]
    epochs: int
    _pieces: dict[int, list[_Piece]] = field(default_factory=dict)
    _finishing: dict[int, dict[int, float]] = field(default_factory=dict)
    _law: Array | None = None

    def learn(self, trial: Trial, board: int = 0) -> None:
        """Take down what a trial has cost so far.

        Args:
            trial: The trial.
            board: Number of the board whose study has it. What is trained for one board is finished for each.
        """
        if trial.duplicate_of is not None:
            return
        pieces = list(_pieces_of(trial))
        if pieces:
            self._pieces[trial.id], self._law = pieces, None
        if trial.state is TrialState.DONE and "trained" in trial.times:
            seconds = max(0.0, trial.times["done"] - trial.times["trained"])
            self._finishing.setdefault(board, {})[trial.id] = seconds

    @property
    def finishing_s(self) -> float:
        """Conversion, measurement and score of a trained network, in seconds."""
        return sum((float(np.mean(list(known.values()))) for known in self._finishing.values()), 0.0)

    def predict_fresh(self) -> float:
        """Seconds of a candidate that nobody has seen, up to its first pause; 0 while nothing is known."""
        first = [pieces[0] for pieces in self._pieces.values()]
        if not first:
            return 0.0
        to_the_end = self.finishing_s if not self.pauses else 0.0
        goal = self.pauses[0] if self.pauses else self.epochs
        same = [piece.seconds for piece in first if piece.epochs == goal]
        return to_the_end + float(np.mean(same or [self._seconds(goal, piece.macs) for piece in first]))

    @property
    def knows(self) -> bool:
        """Whether enough was timed to tell what networks take that nobody has trained."""
        return sum(len(own) for own in self._pieces.values()) >= _LAW

    def predict_unseen(self, macs: float) -> float:
        """Seconds of a network that nobody has trained, up to its first pause, or to its end.

        Args:
            macs: Its multiplications.
        """
        to_the_end = self.finishing_s if not self.pauses else 0.0
        return to_the_end + self._seconds(self.pauses[0] if self.pauses else self.epochs, macs)

    def predict_leg(self, trial: Trial) -> float:
        """Seconds of a paused trial up to its next pause, or to its end."""
        done = trial.rungs[-1]["epochs"] if trial.rungs else 0
        goal = next((pause for pause in self.pauses if pause > done), None)
        if goal is None:
            return self._of(trial, self.epochs - trial.epochs_kept) + self.finishing_s
        return self._of(trial, goal - trial.epochs_kept)

    def predict_end(self, trial: Trial) -> float:
        """Seconds of a trial up to its end, pauses included."""
        done = trial.rungs[-1]["epochs"] if trial.rungs else 0
        stops = [trial.epochs_kept, *(pause for pause in self.pauses if pause > done), self.epochs]
        return sum(self._of(trial, stop - start) for start, stop in pairwise(stops)) + self.finishing_s

    def predict_training(self, trial: Trial, epochs: int) -> float:
        """Seconds of another training of a trial's network, in one piece, and of what follows it."""
        return self._of(trial, epochs) + self.finishing_s

    def _of(self, trial: Trial, epochs: int) -> float:
        """Seconds of a leg of a known network: the law's, by how far the law was off for its earlier legs."""
        macs, own = _macs(trial), self._pieces.get(trial.id, [])
        expected = sum(self._seconds(piece.epochs, piece.macs) for piece in own)
        factor = sum(piece.seconds for piece in own) / expected if expected > 0 else 1.0
        return factor * self._seconds(epochs, macs)

    def _seconds(self, epochs: int, macs: float) -> float:
        if self._law is None:
            self._law = self._fit()
        return float(np.dot(self._law, _features(epochs, macs)))

    def _fit(self) -> Array:
        from scipy.optimize import nnls

        pieces = [piece for own in self._pieces.values() for piece in own]
        if len(pieces) < _LAW:
            rate = float(np.mean([piece.seconds / piece.epochs for piece in pieces])) if pieces else 0.0
            return np.array([0.0, rate, 0.0])
        rows = np.array([_features(piece.epochs, piece.macs) for piece in pieces])
        seconds = np.maximum([piece.seconds for piece in pieces], 1e-6)
        weights, _ = nnls(rows / seconds[:, None], np.ones(len(seconds)))
        return np.asarray(weights, np.float64)


def _features(epochs: int, macs: float) -> Sequence[float]:
    return 1.0, float(epochs), epochs * macs


def _pieces_of(trial: Trial) -> Iterator[_Piece]:
    done, spent, macs = 0, 0.0, _macs(trial)
    for number, rung in enumerate(trial.rungs):
        yield _Piece(rung["epochs"] - done, macs, rung["seconds"])
        anew = number == 0 and trial.inherits_from is not None
        done, spent = 0 if anew else rung["epochs"], spent + rung["seconds"]
    found = trial.metrics or {}
    if "train_seconds" in found and found.get("epochs", 0) > done:
        yield _Piece(found["epochs"] - done, macs, max(0.0, found["train_seconds"] - spent))


def _macs(trial: Trial) -> float:
    return float((trial.measurement or {}).get("macs") or 0.0)
