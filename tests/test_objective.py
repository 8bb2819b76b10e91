"""f_opt: the formula, the direction of each term, and that what does not fit never wins."""

import json
import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.objective import Limits, Objective, Score, score


@dataclass(frozen=True)
class Use:
    """What a candidate takes."""

    sram_bytes: int
    flash_bytes: int


LIMITS = Limits(sram_bytes=131_072, flash_bytes=524_288)
BYTES = st.integers(0, 10**8)
ERRORS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
PENALTIES = st.floats(1e-6, 1e6)
WEIGHTS = st.builds(Objective, **{name: st.floats(0, 1e6) for name in ("l1", "l2", "l3")}, penalty=PENALTIES)
SOUND = st.floats(0, 9.9)


def fitting(draw_from=LIMITS):
    return st.tuples(st.integers(0, draw_from.sram_bytes), st.integers(0, draw_from.flash_bytes))


@given(SOUND, fitting(), st.floats(0, 5), st.floats(0, 5), st.floats(0, 5))
def test_a_fitting_candidate_scores_by_the_formula(error, use, l1, l2, l3):
    found = score(error, Use(*use), LIMITS, Objective(l1=l1, l2=l2, l3=l3, penalty=10.0))
    sram, flash = -use[0] / LIMITS.sram_bytes, -use[1] / LIMITS.flash_bytes
    assert found == Score(
        pytest.approx(l1 * error + l2 * flash + l3 * sram), True, error, {"flash": flash, "sram": sram}
    )


@pytest.mark.parametrize(
    ("use", "terms"),
    [
        ((131_073, 262_144), (10.0, -0.5, 10.0)),
        ((65_536, 524_289), (10.0, 10.0, -0.5)),
        ((10**9, 10**9), (10.0, 10.0, 10.0)),
    ],
)
def test_what_does_not_fit_scores_the_penalty(use, terms):
    found = score(0.1, Use(*use), LIMITS)
    assert (found.error, found.terms["flash"], found.terms["sram"]) == terms
    assert not found.feasible
    assert found.value == pytest.approx(10.0 + max(0.0, 0.01 * terms[1] + 0.01 * terms[2]))


def test_defaults_are_tinyodoms_weights():
    assert Objective() == Objective(l1=1.0, l2=0.01, l3=0.01, penalty=10.0)
    assert score(0.5, Use(131_072, 524_288), LIMITS).value == pytest.approx(0.48)


def test_a_candidate_may_use_all_there_is_and_not_a_byte_more():
    assert LIMITS.admits(Use(131_072, 524_288))
    assert not LIMITS.admits(Use(131_073, 0))
    assert not LIMITS.admits(Use(0, 524_289))
    assert score(0.2, Use(131_072, 524_288), LIMITS).feasible


@given(SOUND, SOUND, fitting(), WEIGHTS)
def test_a_smaller_error_is_never_worse(a, b, use, weights):
    low, high = sorted((a, b))
    assert score(low, Use(*use), LIMITS, weights).value <= score(high, Use(*use), LIMITS, weights).value


@given(st.floats(0, 5), st.integers(1, 100_000), fitting())
def test_a_clearly_smaller_error_is_better(error, thousandths, use):
    assert score(error, Use(*use), LIMITS).value < score(error + thousandths / 25_000, Use(*use), LIMITS).value


@given(SOUND, fitting(), fitting(), WEIGHTS)
def test_of_equally_accurate_networks_the_fuller_one_is_never_worse(error, a, b, weights):
    (little, much), (small, large) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    for less, more in (((little, a[1]), (much, a[1])), ((a[0], small), (a[0], large))):
        assert score(error, Use(*more), LIMITS, weights).value <= score(error, Use(*less), LIMITS, weights).value


@given(SOUND, st.integers(1, 131_072), st.integers(1, 524_288))
def test_of_equally_accurate_networks_the_fuller_one_wins(error, sram, flash):
    best = score(error, Use(131_072, 524_288), LIMITS).value
    assert best <= score(error, Use(sram, flash), LIMITS).value
    assert (best < score(error, Use(sram, flash), LIMITS).value) == ((sram, flash) != (131_072, 524_288))


@given(ERRORS, fitting(), ERRORS, BYTES, BYTES, WEIGHTS)
def test_an_infeasible_candidate_never_beats_a_feasible_one(error, use, other_error, sram, flash, weights):
    feasible = score(error, Use(*use), LIMITS, weights)
    assert feasible.feasible
    assert math.isfinite(feasible.value)
    for sizes in ((131_073 + sram, flash), (sram, 524_289 + flash)):
        infeasible = score(other_error, Use(*sizes), LIMITS, weights)
        assert not infeasible.feasible
        assert feasible.value <= weights.l1 * weights.penalty <= infeasible.value < math.inf


@given(ERRORS, fitting(), SOUND, fitting())
def test_a_trained_network_that_fits_beats_every_one_that_does_not(error, use, other, fits):
    assert score(other, Use(*fits), LIMITS).value < score(error, Use(use[0] + 131_073, use[1]), LIMITS).value


@pytest.mark.parametrize("error", [None, math.nan, math.inf, 10.0, 1e300])
def test_errors_beyond_the_penalty_count_as_the_penalty(error):
    found = score(error, Use(1000, 1000), LIMITS)
    assert found.error == 10.0
    assert found.feasible
    assert found.value < 10.0


@pytest.mark.parametrize("error", [-0.5, -math.inf])
def test_no_error_is_below_zero(error):
    assert score(error, Use(1000, 1000), LIMITS).error == 0.0


@given(ERRORS, BYTES, BYTES)
def test_the_error_of_what_does_not_fit_does_not_matter(error, sram, flash):
    assert score(error, Use(131_073 + sram, flash), LIMITS) == score(None, Use(131_073 + sram, flash), LIMITS)


def test_the_penalty_is_the_configurations():
    weights = replace(Objective(), penalty=3.0)
    assert score(None, Use(10**6, 10**7), LIMITS, weights).value == pytest.approx(3.0 + 0.01 * 3 + 0.01 * 3)


def test_a_score_survives_json():
    found = score(0.25, Use(1000, 2000), LIMITS)
    assert Score(**json.loads(json.dumps(found.to_dict()))) == found
