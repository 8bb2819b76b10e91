"""Searches in no time: workers that only pretend to train, and a clock that moves when they do."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from tests.search.conftest import Watcher
from tinynas.config import Config
from tinynas.cost import Engine, estimate
from tinynas.measurement import Measurement
from tinynas.network import Architecture
from tinynas.objective import Limits, score
from tinynas.search.rungs import next_pause
from tinynas.search.workers import Step
from tinynas.study import Trial, TrialState

__all__ = ["PretendingWorkers", "simulate", "survive"]

#: Error of a network after a share of its training.
Curve = Callable[[Mapping[str, Any], float, int], float]
#: Seconds of so many epochs of a network with so many multiplications.
Cost = Callable[[int, float], float]


class _Stage(Future[Sequence[Step]]):
    """A stage that notices when its end is taken note of."""

    noticed = False

    def result(self, timeout: float | None = None) -> Sequence[Step]:
        self.noticed = True
        return super().result(timeout)


class PretendingWorkers:
    """Runs stages by a formula. A stage that began takes its time on the clock, beside those of other workers.

    Args:
        config: Of the search.
        limits: Of the board; of several boards a list.
        curve: What networks achieve.
        cost: What trainings take.
        count: How many workers.
    """

    def __init__(
        self, config: Config, limits: Limits | Sequence[Limits], curve: Curve, cost: Cost, count: int = 1
    ) -> None:
        self.config, self.curve, self.cost, self.count = config, curve, cost, count
        self.limits = [limits] if isinstance(limits, Limits) else list(limits)
        self.trained: list[tuple[int, int]] = []
        self.given: dict[tuple[int, TrialState], list[bytes]] = {}
        self.now = 0.0
        self.trained_s = 0.0
        self._order = 0
        self._running: list[tuple[float, int, _Stage, Sequence[Step]]] = []
        self._ended: _Stage | None = None

    def clock(self) -> float:
        """The time."""
        return self.now

    def rigs(self, _board: int, /) -> None:
        """Nothing is measured."""

    def submit(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Future[Sequence[Step]]:
        self.given[trial.id, trial.state] = list(files.values())
        seconds, step = self._run(trial, self.limits[board])
        self._order += 1
        future = _Stage()
        heapq.heappush(self._running, (self.now + seconds, self._order, future, [step]))
        return future

    def listen(self) -> None:
        """Let the time pass until a stage ends; not before the search has noticed the end of the last one."""
        if self._running and (self._ended is None or self._ended.noticed):
            self.now, _, self._ended, steps = heapq.heappop(self._running)
            self._ended.set_result(steps)

    def restart(self, _stage: Future[Sequence[Step]], /) -> bool:
        raise AssertionError("nothing hangs here")

    def close(self) -> None:
        pass

    def _run(self, trial: Trial, limits: Limits) -> tuple[float, Step]:
        if trial.state in (TrialState.COSTED, TrialState.PAUSED):
            cost = Measurement.from_dict(trial.measurement)
            if not limits.admits(cost):
                value = score(None, cost, limits, self.config.objective).value
                return 0.0, Step(TrialState.INFEASIBLE, objective=value, feasible=False)
            return self._train(trial, limits)
        if trial.state is TrialState.PROPOSED:
            cost = estimate(Architecture.from_dict(trial.architecture), Engine.tflm(), "int8")
            return 0.0, Step(TrialState.COSTED, measurement=cost.to_dict())
        if trial.state is TrialState.TRAINED:
            return 0.0, Step(TrialState.CONVERTED, artefacts={"tflite": b"model"})
        if trial.state is TrialState.CONVERTED:
            return 0.0, Step(TrialState.MEASURED, metrics={"error_int8": trial.metrics["error_float"]})
        found = self._score(trial, trial.metrics["error_int8"], limits)
        return 0.0, Step(TrialState.DONE, objective=found.value, feasible=found.feasible)

    def _train(self, trial: Trial, limits: Limits) -> tuple[float, Step]:
        total = self.config.training.epochs if trial.final_of is None else self.config.final.epochs
        total = total or self.config.training.epochs
        until = next_pause(trial, self.config)
        epochs = until or total
        seconds = self.cost(epochs - trial.epochs_kept, trial.measurement["macs"])
        self.trained_s += seconds
        self.trained.append((trial.id, epochs))
        error = self.curve(trial.architecture, epochs / total, trial.seed)
        spent = seconds + sum(rung["seconds"] for rung in trial.rungs)
        metrics: dict[str, Any] = {"error_float": error, "epochs": epochs, "train_seconds": spent}
        if until is None:
            return seconds, Step(TrialState.TRAINED, metrics=metrics, artefacts={"weights": b"weights"})
        rung = {"epochs": epochs, "fidelity": epochs / total, "error": error, "seconds": seconds}
        rung["objective"] = self._score(trial, error, limits).value
        files = {"checkpoint": f"weights of {trial.id} after {epochs}".encode()}
        return seconds, Step(TrialState.PAUSED, metrics={**metrics, "rungs": [*trial.rungs, rung]}, artefacts=files)

    def _score(self, trial: Trial, error: float, limits: Limits) -> Any:
        return score(error, Measurement.from_dict(trial.measurement), limits, self.config.objective)


def simulate(monkeypatch: Any, workers: PretendingWorkers) -> None:
    """Let `run_search` hire these workers, and end without the evaluation of a network that nobody trained."""
    from tinynas.search import loop

    monkeypatch.setattr(loop, "hire", lambda *_args, **_options: workers)
    monkeypatch.setattr(loop, "load_tensorflow", lambda _threads: None)
    monkeypatch.setattr(loop, "_conclude", _conclude)


def survive(search: Callable[[list[Any]], Any], observers: int = 1, news: int = 3, sessions: int = 200) -> Any:
    """Run a search that is killed again and again, each session after so much news of its trials.

    Args:
        search: Runs a session with such observers, on what earlier ones left.
        observers: How many it takes.
        news: Of all observers together; the first states of a session are those that the earlier one stored.
        sessions: At most.

    Returns:
        What the session returns that comes to the end.
    """
    for _ in range(sessions):
        heard = _Killer(news)
        with suppress(KeyboardInterrupt):
            return search([heard] * observers)
    raise AssertionError(f"the search did not end in {sessions} sessions")


class _Killer(Watcher):
    """An observer that interrupts after so many states."""

    def __init__(self, news: int) -> None:
        super().__init__()
        self.news = news

    def state(self, trial: Trial) -> None:
        super().state(trial)
        if len(self.states) == self.news:
            raise KeyboardInterrupt


def _conclude(sides: Sequence[Any], _task: Any, budget: Any, early: Sequence[str | None]) -> None:
    for side, why in zip(sides, early, strict=True):
        side.study.set_summary({"seconds": budget.spent_s, "ended_early": why})
