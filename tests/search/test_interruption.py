"""A search that is stopped, however and wherever, goes on as if it had not been."""

import errno
import sys

import pytest

from tinynas.errors import StudyError
from tinynas.study import Study

STEPS = 6  # states of a trial that is trained


def steps(trials):
    """A trial without what depends on the clock."""
    return [
        (
            t.id,
            t.state,
            t.seed,
            t.params,
            t.architecture,
            t.measurement,
            t.objective,
            {name: value for name, value in (t.metrics or {}).items() if name != "train_seconds"},
            t.artefacts["weights"],
            t.artefacts["tflite"],
        )
        for t in trials
    ]


@pytest.fixture(scope="module")
def uninterrupted(finished):
    with Study.open(finished[0], readonly=True) as study:
        return steps(study.trials())


@pytest.fixture
def interrupting(watcher):
    class Interrupting(watcher):
        """Presses Ctrl-C when told of the n-th state, or of the n-th epoch."""

        def __init__(self, state=0, epoch=0):
            super().__init__()
            self.at_state, self.at_epoch = state, epoch

        def state(self, trial):
            super().state(trial)
            if len(self.states) == self.at_state:
                raise KeyboardInterrupt

        def epoch(self, trial, epoch, rmse, /):
            super().epoch(trial, epoch, rmse)
            if len(self.epochs) == self.at_epoch:
                raise KeyboardInterrupt

    return Interrupting


def trials_of(folder):
    with Study.open(folder, readonly=True) as study:
        return study.trials()


@pytest.mark.slow
def test_interrupted_at_every_transition(search, configure, tmp_path, interrupting, uninterrupted):
    """One search stopped after each of its transitions in turn: 24 sessions, none of which repeats a finished step."""
    seen = []
    for _session in range(4 * STEPS + 1):
        # A session begins with the state that the earlier one stored last, unless that was the end of a trial.
        begins = 1 if not seen or seen[-1][1] == "done" else 2
        observer = interrupting(state=begins)
        try:
            search(tmp_path / "study", configure(), observer)
        except KeyboardInterrupt:
            fresh = observer.states[begins - 1 :]
            assert len(fresh) == 1
            seen += fresh
        else:
            break
    assert len(seen) == 4 * STEPS
    assert seen == [
        (trial, state)
        for trial in range(4)
        for state in ("proposed", "costed", "trained", "converted", "measured", "done")
    ]
    assert steps(trials_of(tmp_path / "study")) == uninterrupted


@pytest.mark.slow
def test_interrupted_in_a_training_it_trains_that_network_anew(
    search, configure, tmp_path, interrupting, uninterrupted
):
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "study", configure(), interrupting(epoch=3))
    assert [trial.state for trial in trials_of(tmp_path / "study")] == ["done", "done", "costed"]
    assert steps(search(tmp_path / "study", configure())) == uninterrupted


def test_a_finished_search_that_is_resumed_stays_as_it_is(search, configure, tmp_path, watcher):
    config = configure(trials=1)
    before = search(tmp_path / "study", config)
    observer = watcher()
    evaluated = trials_of(tmp_path / "study")
    assert search(tmp_path / "study", config, observer) == evaluated
    assert steps(before) == steps(evaluated)
    assert observer.states == []


def test_interrupted_in_the_final_evaluation(search, configure, tmp_path, monkeypatch):
    config = configure(trials=1)

    def interrupt(self, *_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tinynas.study.Study.set_summary", interrupt)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "study", config)
    search(tmp_path / "study", config)
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert study.summary["test"]["error_int8"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("last", [(0, "costed"), (1, "trained")])
def test_a_disk_that_is_full_loses_nothing(search, configure, tmp_path, monkeypatch, watcher, uninterrupted, last):
    """The first trial's weights cannot be stored; the second one's model."""

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    class Filling(watcher):
        def state(self, trial):
            super().state(trial)
            if (trial.id, trial.state) == last:
                patch.setattr("tinynas.study.artefacts.os.fsync", full)

    config = configure(trials=2)
    with monkeypatch.context() as patch, pytest.raises(StudyError, match=r"full.*free some space"):
        search(tmp_path / "study", config, Filling())
    stopped = trials_of(tmp_path / "study")[-1]
    assert (stopped.id, stopped.state) == last
    assert list((tmp_path / "study" / "artefacts").rglob("*.part")) == []
    assert steps(search(tmp_path / "study", config)) == uninterrupted[:2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_a_file_that_may_not_grow_loses_nothing(search, configure, tmp_path, watcher, uninterrupted):
    """The real thing, for artefacts and database alike: the operating system refuses to write on."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Filling(watcher):
        def state(self, trial):
            super().state(trial)
            if (trial.id, trial.state) == (1, "proposed"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))

    config = configure(trials=2)
    try:
        with pytest.raises(StudyError, match="full"):
            search(tmp_path / "study", config, Filling())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [trial.state for trial in trials_of(tmp_path / "study")] == ["done", "proposed"]
    assert steps(search(tmp_path / "study", config)) == uninterrupted[:2]
