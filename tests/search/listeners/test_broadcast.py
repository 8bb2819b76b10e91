"""Nothing that a listener does stops or slows a search."""

import logging
import threading
from types import SimpleNamespace

import pytest

from tinynas.config import Config
from tinynas.search.listeners import Broadcast, broadcast
from tinynas.search.listeners.interface import Watched
from tinynas.study import Study, TrialState


class Silent:
    def epoch(self, *_):
        pass

    def state(self, *_):
        pass


class Notebook:
    """A listener that writes down what it hears, and may fail or hang on the way."""

    def __init__(self, fails_at=None, hangs_at=None):
        self.heard, self.fails_at, self.hangs_at = [], fails_at, hangs_at
        self.let_go = threading.Event()
        self.closed = "not"

    def epoch(self, trial, epoch, rmse):
        if epoch == self.fails_at:
            raise ValueError("the disk is full")
        if epoch == self.hangs_at:
            assert self.let_go.wait(60)
        self.heard.append((trial, epoch, rmse))

    def state(self, trial):
        self.heard.append(trial.state.value)

    def close(self, summary):
        self.closed = summary


@pytest.fixture
def study(tmp_path):
    with Study.create(tmp_path / "walks", config={}, board={}, provenance={}) as study:
        yield study


@pytest.fixture
def listening(study, monkeypatch):
    """Broadcast to listeners of the test's."""

    def begin(*listeners):
        waiting = iter(listeners)
        monkeypatch.setattr(broadcast, "_MAKERS", {"mlflow": lambda place, watched: next(waiting)})
        monkeypatch.setattr(broadcast, "find_spec", lambda name: name)
        return Broadcast(Silent(), Config(listeners=("mlflow",) * len(listeners)), study)

    return begin


def tell(told, epochs=5):
    for epoch in range(epochs):
        told.epoch(3, epoch, 0.5)


def test_it_hears_everything_in_order_and_the_summary_at_the_end(listening, study):
    listener = Notebook()
    trial = study.propose(params=None, architecture={}, key="k", seed=0)
    with listening(listener) as told:
        told.state(trial)
        tell(told)
        study.set_summary({"best_trial": 3})
    assert listener.heard == [TrialState.PROPOSED.value, *((3, epoch, 0.5) for epoch in range(5))]
    assert listener.closed == {"best_trial": 3}


def test_one_that_fails_hears_no_more_and_the_others_hear_all(listening, caplog):
    failing, sound = Notebook(fails_at=2), Notebook()
    with caplog.at_level(logging.WARNING), listening(failing, sound) as told:
        tell(told)
    assert len(sound.heard) == 5
    assert sound.closed == {}
    assert failing.heard == [(3, 0, 0.5), (3, 1, 0.5)]
    assert failing.closed == "not"
    (warning,) = caplog.messages
    assert warning == "the listener mlflow is told no more of this search: ValueError: the disk is full"


def test_one_that_hangs_is_left_behind(listening, monkeypatch, caplog):
    monkeypatch.setattr(broadcast, "_PATIENCE_S", 0.2)
    hanging = Notebook(hangs_at=1)
    with listening(hanging) as told:
        tell(told)  # returns at once, although the listener does not
    assert "does not end within 0.2 s" in caplog.text
    hanging.let_go.set()


def test_what_it_has_not_heard_yet_does_not_fill_the_memory(listening, monkeypatch, caplog):
    monkeypatch.setattr(broadcast, "_ROOM", 10)
    hanging = Notebook(hangs_at=0)
    with listening(hanging) as told:
        tell(told, epochs=100)
        assert "it hangs" in caplog.text
    hanging.let_go.set()


def test_of_a_search_that_is_interrupted_there_is_no_summary(listening):
    listener = Notebook()
    with pytest.raises(KeyboardInterrupt), listening(listener):
        raise KeyboardInterrupt
    assert listener.closed is None


def test_without_listeners_there_is_no_thread(study):
    before = threading.active_count()
    with Broadcast(Silent(), Config(), study) as told:
        told.state(SimpleNamespace(id=1, state=TrialState.PROPOSED, note=""))
        assert threading.active_count() == before


@pytest.mark.parametrize(("provenance", "name"), [({}, "f4"), ({"boards": ["f4", "l4"]}, "walks/f4")])
def test_boards_of_one_search_are_named_with_it(tmp_path, provenance, name):
    """Two searches for the same boards in one log would be one otherwise."""
    with Study.create(tmp_path / "walks" / "f4", config={}, board={}, provenance=provenance) as study:
        assert Watched.of(study).name == name
