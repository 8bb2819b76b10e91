"""An observer that tells of a search beside its study, so that a dashboard can follow a training."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from types import TracebackType

from tinynas.search.observer import Observer
from tinynas.study import LiveNotes, Trial, clear_live, write_live

__all__ = ["Beacon"]

# Epochs of small networks end many times a second; nobody reads that fast.
_PAUSE_S = 0.5


class Beacon:
    """Passes on what a search tells, and writes it into the study's folder (`study.write_live`) while the search runs.

    Args:
        observer: Who else watches.
        folder: Of the study.
        planned: Trials that the search will make, final trainings included; None: as many as there is time for.
        epochs: The most epochs of a training.
        workers: Processes or remote workers; None where that is not known.
    """

    def __init__(
        self, observer: Observer, folder: Path, *, planned: int | None, epochs: int, workers: int | None
    ) -> None:
        self._observer, self._folder = observer, folder
        self._notes = LiveNotes(running=True, planned=planned, workers=workers, epochs=epochs, started=time.time())
        self._curves: dict[int, tuple[float, ...]] = {}
        self._written = 0.0

    def __enter__(self) -> Beacon:
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        clear_live(self._folder)

    def epoch(self, trial: int, epoch: int, rmse: float) -> None:
        """An epoch ended."""
        self._observer.epoch(trial, epoch, rmse)
        # A training that began anew, on another worker, begins its curve anew.
        self._curves[trial] = (*self._curves.get(trial, ())[:epoch], rmse)
        if time.monotonic() - self._written >= _PAUSE_S:
            self._write()

    def state(self, trial: Trial) -> None:
        """A trial was proposed or entered another state."""
        self._observer.state(trial)
        if trial.at_rest:
            self._curves.pop(trial.id, None)
        self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        finite = {trial: tuple(v for v in curve if v == v and abs(v) < 1e9) for trial, curve in self._curves.items()}
        write_live(self._folder, dataclasses.replace(self._notes, curves=finite))
