"""The trials at work: their stages go to workers one after another, and what comes back is stored at once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from time import monotonic

from tinynas.errors import HostError
from tinynas.measurement import Measurement
from tinynas.search.bench import check_toolchain
from tinynas.search.workers import StageLost, Step, Workers
from tinynas.study import Study, Trial, TrialState

__all__ = ["RunningTrials"]

# How often trainings are listened to, in seconds.
_POLL_S = 0.25
# A stage that takes so many times as long as the longest one of its kind so far hangs; before any has ended, what no
# stage takes.
_PATIENCE = 20
_PATIENCE_S = (900.0, 4 * 3600.0)
# So often a stage is begun that a worker died in, or that did not end.
_TRIES = 3
# What each stage reads of the trial's files.
_READS = {TrialState.PAUSED: ("checkpoint",), TrialState.TRAINED: ("weights",), TrialState.CONVERTED: ("tflite",)}
_WITH_BOARD = {TrialState.PROPOSED, TrialState.CONVERTED}


@dataclass
class RunningTrials:
    """Trials on their way to a final state, or to the next pause of their training.

    A trial is always in one place only: running, waiting, or at rest.

    Attributes:
        study: Where every step is stored.
        workers: Who runs the stages.
        on_state: Called after every stored step.
    """

    study: Study
    workers: Workers
    on_state: Callable[[Trial], None]
    _running: dict[Future[Sequence[Step]], tuple[Trial, float]] = field(default_factory=dict)
    _waiting: deque[Trial] = field(default_factory=deque)
    _tries: Counter[int] = field(default_factory=Counter)
    _longest: dict[TrialState, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._running) + len(self._waiting)

    @property
    def ids(self) -> set[int]:
        """Numbers of the trials at work."""
        return {trial.id for trial, _ in self._running.values()} | {trial.id for trial in self._waiting}

    def add(self, trial: Trial) -> None:
        """Take a trial up, from whatever state it is in; one that pauses goes on with its training."""
        self._waiting.append(trial)

    def finished(self) -> list[Trial]:
        """Work until a trial is finished or pauses; return it, and all that come to rest at the same time.

        Raises:
            TinynasError: What concerns the search as a whole.
        """
        found: list[Trial] = []
        while len(self) and not found:
            found += self._submit_waiting()
            self.workers.listen()
            if not self._running:
                continue
            done, _ = wait(self._running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            self.workers.listen()
            # In the order of proposal: which of two that ended at once comes first must not be chance.
            for future in sorted(done, key=lambda one: self._running[one][0].id):
                if future in self._running:  # else a restart has put its trial back among the waiting ones
                    found += self._take(future)
            if not done:
                self._restart_hung()
        return found

    def _submit_waiting(self) -> list[Trial]:
        """Begin what can begin; trials answered from an earlier one of the same network are finished at once."""
        answered, later = [], deque[Trial]()
        while self._waiting:
            trial = self._waiting.popleft()
            if trial.state is TrialState.PROPOSED and trial.final_of is None:
                earlier = self.study.find(trial.key)
                if earlier is not None:
                    answered.append(self.study.answer(trial.id, earlier.id))
                    self.on_state(answered[-1])
                    continue
                if any(other.key == trial.key for other, _ in self._running.values()):
                    later.append(trial)  # the same network is being tried: its results will do
                    continue
            if trial.state in _WITH_BOARD and not self._has_board():
                later.append(trial)
                continue
            self._running[self.workers.submit(trial, self._files(trial))] = (trial, monotonic())
        self._waiting = later
        return answered

    def _files(self, trial: Trial) -> dict[str, bytes]:
        """What the trial's next stage reads, by SHA-256."""
        hashes = [trial.artefacts[kind] for kind in _READS.get(trial.state, ()) if kind in trial.artefacts]
        return {sha256: self.study.artefact(sha256) for sha256 in hashes}

    def _has_board(self) -> bool:
        """Whether a board is free. Stages that need one wait here: a stage that was begun has a deadline."""
        boards = self.workers.boards
        return boards is None or sum(trial.state in _WITH_BOARD for trial, _ in self._running.values()) < boards

    def _take(self, future: Future[Sequence[Step]]) -> list[Trial]:
        """Store what a stage learned; the trial, if that was its last stage."""
        trial, since = self._running.pop(future)
        try:
            steps = future.result()
        except (BrokenProcessPool, StageLost) as error:
            what = "a worker died" if isinstance(error, BrokenProcessPool) else str(error)
            self._restart(future, trial, f"{what} while it took trial {trial.id} from '{trial.state}' on", error)
            return []
        self._longest[trial.state] = max(self._longest.get(trial.state, 0.0), monotonic() - since)
        for step in steps:
            if step.measurement is not None and step.measurement.get("toolchain") is not None:
                check_toolchain(self.study, Measurement.from_dict(step.measurement))
            trial = self.study.advance(
                trial.id,
                step.state,
                measurement=step.measurement,
                metrics=step.metrics,
                objective=step.objective,
                feasible=step.feasible,
                reason=step.reason,
                artefacts=step.artefacts,
            )
            self.on_state(trial)
        if trial.at_rest:
            return [trial]
        # Before what was not begun yet: what is nearly finished informs the next suggestion.
        self._waiting.appendleft(trial)
        return []

    def _restart_hung(self) -> None:
        now = monotonic()
        for future, (trial, since) in list(self._running.items()):
            least, first = _PATIENCE_S
            longest = self._longest.get(trial.state)
            if now - since > (first if longest is None else max(_PATIENCE * longest, least)):
                del self._running[future]
                self._restart(future, trial, f"trial {trial.id} hangs in '{trial.state}'", None)
                return

    def _restart(self, stage: Future[Sequence[Step]], culprit: Trial, what: str, cause: Exception | None) -> None:
        """Begin a lost stage again, and what was lost with it. Nothing of it is scored.

        Raises:
            HostError: It was not the first time.
            TinynasError: As before, where workers have reported it.
        """
        self._tries[culprit.id] += cause.tries if isinstance(cause, StageLost) else 1
        if self._tries[culprit.id] >= _TRIES:
            if isinstance(cause, StageLost) and cause.error is not None:
                raise cause.error
            raise HostError(
                f"{what}, {self._tries[culprit.id]} times",
                where=str(self.study.folder),
                advice="see that there is enough memory, or use fewer --workers, then resume the search",
            ) from cause
        lost = [culprit]
        if self.workers.restart(stage):
            others = [trial for trial, _ in self._running.values()]
            self._running.clear()
            # Of a pool that broke nobody knows which stage broke it: each counts.
            self._tries.update(trial.id for trial in others if cause)
            lost += others
        self._waiting.extendleft(sorted(lost, key=lambda trial: -trial.id))
