"""The trials at work: their stages go to workers one after another, and what comes back is stored at once.

Of a search for several boards a trial is in several studies under one number. It is trained for one of them, and the
others take over what that came to.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from time import monotonic
from typing import NamedTuple

from tinynas.errors import HostError
from tinynas.measurement import Measurement
from tinynas.search.bench import check_toolchain
from tinynas.search.sharing import Sharing
from tinynas.search.workers import StageLost, Step, Workers
from tinynas.study import Study, Trial, TrialState

__all__ = ["AtWork", "RunningTrials"]

# How often trainings are listened to, in seconds.
_POLL_S = 0.25
# A stage that takes so many times as long as the longest one of its kind so far hangs; before any has ended, what no
# stage takes.
_PATIENCE = 20
_PATIENCE_S = (900.0, 4 * 3600.0)
# So often a stage is begun that a worker died in, or that did not end.
_TRIES = 3
# What each stage reads of the trial's files.
_READS = {
    TrialState.COSTED: ("donor",),
    TrialState.PAUSED: ("checkpoint",),
    TrialState.TRAINED: ("weights",),
    TrialState.CONVERTED: ("tflite",),
}
# So many stages that ended are looked at before new ones begin.
_AT_ONCE = 16
_PLACES = {state: place for place, state in enumerate(TrialState)}
_WITH_BOARD = {TrialState.PROPOSED, TrialState.CONVERTED}


class AtWork(NamedTuple):
    """A trial of one board's study."""

    board: int
    trial: Trial


@dataclass
class RunningTrials:
    """Trials on their way to a final state, or to the next pause of their training.

    A trial is always in one place only: running, waiting, or at rest.

    Attributes:
        studies: Where every step is stored, board by board.
        workers: Who runs the stages.
        on_state: Called after every stored step, with the number of the board.
        sharing: What the boards' studies have in common; None for one board.
        find_donor: Says of a board's candidate that costs so much which trial's weights it begins with, or None.
    """

    studies: Sequence[Study]
    workers: Workers
    on_state: Callable[[int, Trial], None]
    sharing: Sharing | None = None
    find_donor: Callable[[int, Trial, Measurement], Trial | None] | None = None
    _running: dict[Future[Sequence[Step]], tuple[AtWork, float]] = field(default_factory=dict)
    _ends: SimpleQueue[Future[Sequence[Step]]] = field(default_factory=SimpleQueue)
    _ended: list[tuple[int, int, int, int, Future[Sequence[Step]]]] = field(default_factory=list)
    _waiting: deque[AtWork] = field(default_factory=deque)
    _tries: Counter[tuple[int, int]] = field(default_factory=Counter)
    _longest: dict[TrialState, float] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many networks are at work, for however many boards."""
        return len(self.ids)

    @property
    def ids(self) -> set[int]:
        """Numbers of the trials at work."""
        return {one.trial.id for one, _ in self._running.values()} | {one.trial.id for one in self._waiting}

    def add(self, trial: Trial, board: int = 0) -> None:
        """Take a trial up, from whatever state it is in; one that pauses goes on with its training.

        Args:
            trial: The trial.
            board: Number of the study that it is of.
        """
        self._waiting.append(AtWork(board, trial))

    def finished(self) -> list[AtWork]:
        """Work until a trial is finished or pauses; return it, and all that come to rest at the same time.

        Raises:
            TinynasError: What concerns the search as a whole.
        """
        found: list[AtWork] = []
        while len(self) and not found:
            found += self._submit_waiting()
            self.workers.listen()
            if not self._running:
                continue
            ended = self._wait_for_ends()
            self.workers.listen()
            for future in ended:
                if future in self._running:  # else a restart has put its trial back among the waiting ones
                    found += self._take(future)
            if not ended:
                self._restart_hung()
        return found

    @staticmethod
    def _order(one: AtWork) -> tuple[int, int]:
        return one.trial.id, one.board

    def _wait_for_ends(self) -> list[Future[Sequence[Step]]]:
        """Wait for a stage to end, but not long. Returns those that are looked at before new ones begin.

        Which of two that ended at once comes first must not be chance. Of many only some are looked at, those first
        that are nearly finished: where hundreds end at once, some workers are busy again before all had their turn.
        """
        with suppress(Empty):
            self._note_end(self._ends.get(timeout=0 if self._ended else _POLL_S))
            while True:
                self._note_end(self._ends.get_nowait())
        return [heappop(self._ended)[-1] for _ in range(min(len(self._ended), _AT_ONCE))]

    def _note_end(self, future: Future[Sequence[Step]]) -> None:
        if future in self._running:
            one, _ = self._running[future]
            heappush(self._ended, (-_PLACES[one.trial.state], *self._order(one), id(future), future))

    def _submit_waiting(self) -> list[AtWork]:
        """Begin what can begin; what others have done for a trial already is taken over at once."""
        rested, later = [], deque[AtWork]()
        while self._waiting:
            one = self._waiting.popleft()
            step = None if self.sharing is None else self.sharing.find(*one)
            if step is not None:
                stored = AtWork(one.board, self._store(one, step))
                if stored.trial.at_rest:
                    rested.append(stored)
                else:
                    self._waiting.appendleft(stored)
            elif (answered := self._answer(one)) is not None:
                rested.append(answered)
            elif self._has_to_wait(one, later):
                later.append(one)
            else:
                board, trial = one
                future = self.workers.submit(trial, self._files(one), board)
                self._running[future] = (one, monotonic())
                future.add_done_callback(self._ends.put)
        self._waiting = later
        return rested

    def _answer(self, one: AtWork) -> AtWork | None:
        """A trial that an earlier one of the same network answers, finished; None: there is none."""
        board, trial = one
        if trial.state is not TrialState.PROPOSED or trial.final_of is not None:
            return None
        earlier = self.studies[board].find(trial.key)
        if earlier is None:
            return None
        answered = AtWork(board, self.studies[board].answer(trial.id, earlier.id))
        self.on_state(*answered)
        return answered

    def _has_to_wait(self, one: AtWork, later: Sequence[AtWork]) -> bool:
        """Whether a stage waits: for a board, or because another trial at work learns what this one needs."""
        board, trial = one
        if trial.state is TrialState.PROPOSED and trial.final_of is None:
            before = self._at_work() if self.sharing is None else [*self._at_work(), *later]
            if any(other.board == board and other.trial.key == trial.key for other in before):
                return True  # the same network is being tried: its results will do
        if self.sharing is not None and self.sharing.waits(one, self._at_work()):
            return True
        return trial.state in _WITH_BOARD and not self._has_board(board)

    def _at_work(self) -> list[AtWork]:
        """Whose stages run."""
        return [one for one, _ in self._running.values()]

    def _files(self, one: AtWork) -> dict[str, bytes]:
        """What the trial's next stage reads, by SHA-256."""
        board, trial = one
        hashes = [trial.artefacts[kind] for kind in _READS.get(trial.state, ()) if kind in trial.artefacts]
        return {sha256: self.studies[board].artefact(sha256) for sha256 in hashes}

    def _has_board(self, board: int) -> bool:
        """Whether a board is free. Stages that need one wait here: a stage that was begun has a deadline."""
        most = self.workers.rigs(board)
        measuring = (one.board == board and one.trial.state in _WITH_BOARD for one, _ in self._running.values())
        return most is None or sum(measuring) < most

    def _take(self, future: Future[Sequence[Step]]) -> list[AtWork]:
        """Store what a stage learned; the trial, if that was its last stage."""
        one, since = self._running.pop(future)
        board, trial = one
        try:
            steps = future.result()
        except (BrokenProcessPool, StageLost) as error:
            what = "a worker died" if isinstance(error, BrokenProcessPool) else str(error)
            self._restart(future, one, f"{what} while it took trial {trial.id} from '{trial.state}' on", error)
            return []
        self._longest[trial.state] = max(self._longest.get(trial.state, 0.0), monotonic() - since)
        for step in steps:
            if step.measurement is not None and step.measurement.get("toolchain") is not None:
                check_toolchain(self.studies[board], Measurement.from_dict(step.measurement))
            # With the cost, so that a search which is killed has chosen already.
            trial = self._store(one, self._endow(one, step) if step is steps[-1] else step)
        if trial.at_rest:
            return [AtWork(board, trial)]
        # Before what was not begun yet: what is nearly finished informs the next suggestion.
        self._waiting.appendleft(AtWork(board, trial))
        return []

    def _store(self, one: AtWork, step: Step) -> Trial:
        """Store a step and tell of it."""
        trial = self.studies[one.board].advance(
            one.trial.id,
            step.state,
            measurement=step.measurement,
            metrics=step.metrics,
            objective=step.objective,
            feasible=step.feasible,
            reason=step.reason,
            artefacts=step.artefacts,
        )
        self.on_state(one.board, trial)
        return trial

    def _endow(self, one: AtWork, step: Step) -> Step:
        """The step with the weights that a candidate's training begins with, where it inherits any."""
        board, trial = one
        if step.state is not TrialState.COSTED or step.measurement is None or self.find_donor is None:
            return step
        donor = self.find_donor(board, trial, Measurement.from_dict(step.measurement))
        if donor is None:
            return step
        weights = self.studies[board].artefact(donor.artefacts["checkpoint"])
        return replace(step, metrics={"inherits_from": donor.id}, artefacts={"donor": weights})

    def _restart_hung(self) -> None:
        now = monotonic()
        for future, (one, since) in list(self._running.items()):
            least, first = _PATIENCE_S
            longest = self._longest.get(one.trial.state)
            if now - since > (first if longest is None else max(_PATIENCE * longest, least)):
                del self._running[future]
                self._restart(future, one, f"trial {one.trial.id} hangs in '{one.trial.state}'", None)
                return

    def _restart(self, stage: Future[Sequence[Step]], culprit: AtWork, what: str, cause: Exception | None) -> None:
        """Begin a lost stage again, and what was lost with it. Nothing of it is scored.

        Raises:
            HostError: It was not the first time.
            TinynasError: As before, where workers have reported it.
        """
        name = self._order(culprit)
        self._tries[name] += cause.tries if isinstance(cause, StageLost) else 1
        if self._tries[name] >= _TRIES:
            if isinstance(cause, StageLost) and cause.error is not None:
                raise cause.error
            raise HostError(
                f"{what}, {self._tries[name]} times",
                where=str(self.studies[culprit.board].folder),
                advice="see that there is enough memory, or use fewer --workers, then resume the search",
            ) from cause
        lost = [culprit]
        if self.workers.restart(stage):
            others = self._at_work()
            self._running.clear()
            # Of a pool that broke nobody knows which stage broke it: each counts.
            self._tries.update(self._order(one) for one in others if cause)
            lost += others
        self._waiting.extendleft(sorted(lost, key=self._order, reverse=True))
