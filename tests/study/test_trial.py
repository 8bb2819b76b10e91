from __future__ import annotations

import itertools

import pytest

from tinynas.errors import StudyError
from tinynas.study import FINAL_STATES, STATES
from tinynas.study.trial import check_transition, duplicate_of

FORWARD = {
    ("proposed", "costed"),
    ("costed", "infeasible"),
    ("costed", "trained"),
    ("trained", "converted"),
    ("converted", "measured"),
    ("measured", "done"),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(STATES, STATES)))
def test_every_pair_of_states(current: str, target: str) -> None:
    stopped = current not in FINAL_STATES and target in {"failed", "pruned"}
    if (current, target) in FORWARD or stopped:
        check_transition(3, current, target, "because")
    else:
        with pytest.raises(StudyError, match="trial 3: cannot go from"):
            check_transition(3, current, target, "because")


@pytest.mark.parametrize(("current", "target"), list(itertools.product(STATES, STATES)))
def test_a_duplicate_may_only_skip_from_proposed_to_a_score(current: str, target: str) -> None:
    def legal(reason: str) -> bool:
        try:
            check_transition(0, current, target, reason)
        except StudyError:
            return False
        return True

    gained = legal("duplicate of 4") and not legal("because")
    assert gained == (current == "proposed" and target in {"done", "infeasible"})


def test_unknown_state_is_told_with_the_known_ones() -> None:
    with pytest.raises(StudyError, match="unknown state 'cooked'") as caught:
        check_transition(0, "proposed", "cooked", None)
    assert "converted" in str(caught.value.advice)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "duplicate of",
        "duplicate of -1",
        "duplicate of 1.",
        "a duplicate of 1",
        "duplicate of \N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_not_a_duplicate(text: str | None) -> None:
    assert duplicate_of(text) is None
