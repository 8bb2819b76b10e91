from __future__ import annotations

import itertools

import pytest

from tinynas.errors import StudyError
from tinynas.study import TrialState
from tinynas.study.trial import check_transition

# The contract, written a second time.
FORWARD = {
    ("proposed", "costed"),
    ("costed", "infeasible"),
    ("costed", "trained"),
    ("costed", "paused"),
    ("paused", "paused"),
    ("paused", "trained"),
    ("trained", "converted"),
    ("converted", "measured"),
    ("measured", "done"),
}
FINAL = {"done", "infeasible", "failed"}


@pytest.mark.parametrize("current", TrialState)
def test_every_pair_of_states(current: TrialState) -> None:
    for target in TrialState:
        failed = current.value not in FINAL and target.value == "failed"
        if (current.value, target.value) in FORWARD or failed:
            check_transition(3, current, target, "because")
        else:
            with pytest.raises(StudyError, match=f"trial 3: cannot go from '{current.value}' to '{target.value}'"):
                check_transition(3, current, target, "because")


def test_the_final_states() -> None:
    assert {state.value for state in TrialState if state.is_finished} == FINAL


def test_every_state_can_be_reached_from_the_first() -> None:
    reached = {TrialState.PROPOSED}
    for _ in TrialState:
        reached |= set(itertools.chain.from_iterable(state.followers for state in reached))
    assert reached == set(TrialState)
