"""Trials at work."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tinynas.search.running import RunningTrials
from tinynas.search.workers import Step
from tinynas.study import Study, Trial, TrialState

_NEXT = {
    TrialState.PROPOSED: Step(TrialState.COSTED, measurement={"sram_bytes": 1}),
    TrialState.COSTED: Step(TrialState.TRAINED, metrics={"error_float": 0.5}),
    TrialState.TRAINED: Step(TrialState.CONVERTED),
    TrialState.CONVERTED: Step(TrialState.MEASURED),
    TrialState.MEASURED: Step(TrialState.DONE, objective=1.0, feasible=True),
}


class Crew:
    """Workers whose trainings all end at the same time: when the last one was begun. Other stages take no time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.training: dict[int, Future[Sequence[Step]]] = {}
        self.lost: list[Future[Sequence[Step]]] = []

    def rigs(self, _board: int, /) -> None:
        """Nothing is measured."""

    def submit(self, trial: Trial, _files: Mapping[str, bytes], _board: int = 0) -> Future[Sequence[Step]]:
        future: Future[Sequence[Step]] = Future()
        if trial.state is TrialState.COSTED:
            self.training[trial.id] = future
        else:
            future.set_result([_NEXT[trial.state]])
        return future

    def listen(self) -> None:
        if len(self.training) == self.count:
            for future in self.training.values():
                future.set_result([_NEXT[TrialState.COSTED]])
            self.training = {}

    def restart(self, _stage: Future[Sequence[Step]], /) -> bool:
        return True

    def close(self) -> None:
        pass


def _begin(study: Study, crew: Crew) -> RunningTrials:
    running = RunningTrials([study], crew, lambda *_news: None)
    for number in range(crew.count):
        running.add(study.propose(params={}, architecture={}, key=str(number), seed=number))
    return running


def test_of_many_that_end_at_once_the_first_are_finished_before_the_last_are_looked_at(tmp_path: Path) -> None:
    with Study.create(tmp_path / "study", config={}, board={}, provenance={}) as study:
        running = _begin(study, Crew(40))
        first = [trial.id for _, trial in running.finished()]
        assert first == list(range(len(first)))
        assert 0 < len(first) < 40
        assert study.trial(39).state is TrialState.COSTED
        rest = [trial.id for _ in range(40) for _, trial in running.finished()]
        assert rest == list(range(len(first), 40))
        assert study.counts()[TrialState.DONE] == 40


def test_what_ended_before_the_workers_were_lost_begins_again(tmp_path: Path) -> None:
    class Breaking(Crew):
        """Trial 0 breaks the pool, once; what the others came to at the same moment is gone."""

        broken = 0

        def listen(self) -> None:
            if len(self.training) == self.count and not self.broken:
                self.broken += 1
                self.training[0].set_exception(BrokenProcessPool("gone"))
                for number in range(1, self.count):
                    self.training[number].set_result([_NEXT[TrialState.COSTED]])
                self.training = {}
            super().listen()

    with Study.create(tmp_path / "study", config={}, board={}, provenance={}) as study:
        crew = Breaking(20)
        running = _begin(study, crew)
        found = [trial for _ in range(20) for _, trial in running.finished()]
        assert sorted(trial.id for trial in found) == list(range(20))
        assert {trial.state for trial in found} == {TrialState.DONE}
        assert crew.broken == 1
