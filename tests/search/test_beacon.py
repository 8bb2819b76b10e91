"""The beacon passes on what a search tells, and writes it beside the study while the search runs."""

import pytest

from tinynas.search import Beacon
from tinynas.study import Trial, TrialState, read_live


def make_trial(number, state):
    unknown = dict.fromkeys(("measurement", "metrics", "objective", "feasible", "reason", "duplicate_of", "params"))
    return Trial(id=number, architecture={}, state=state, seed=0, times={}, artefacts={}, key=str(number), **unknown)


class Heard:
    def __init__(self):
        self.told = []

    def epoch(self, *what):
        self.told.append(what)

    def state(self, trial):
        self.told.append((trial.id, trial.state))


def test_curves_grow_and_end_with_their_trials(tmp_path):
    heard = Heard()
    with Beacon(heard, tmp_path, planned=5, epochs=3, workers=2) as beacon:
        assert (read_live(tmp_path).planned, read_live(tmp_path).workers) == (5, 2)
        for epoch, rmse in enumerate((0.5, 0.25)):
            beacon.epoch(4, epoch, rmse)
        beacon.epoch(5, 0, float("nan"))
        beacon.state(make_trial(6, TrialState.COSTED))
        assert read_live(tmp_path).curves == {4: (0.5, 0.25), 5: ()}
        beacon.epoch(4, 0, 0.75)  # begun anew on another worker
        beacon.state(make_trial(5, TrialState.FAILED))
        assert read_live(tmp_path).curves == {4: (0.75,)}
    assert heard.told[:2] == [(4, 0, 0.5), (4, 1, 0.25)]
    assert heard.told[3] == (6, TrialState.COSTED)
    assert not read_live(tmp_path).running


def test_the_file_goes_also_when_the_search_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), Beacon(Heard(), tmp_path, planned=1, epochs=1, workers=None):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
