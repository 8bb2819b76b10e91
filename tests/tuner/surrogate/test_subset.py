"""Which observations a long run's surrogate uses."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.surrogate.subset import choose_subset


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 40))
def test_the_best_half_is_in_it_and_no_index_twice(seed, n, limit):
    rng = np.random.default_rng(seed)
    Z, y = rng.random((n, 3)), rng.random(n)
    chosen = choose_subset(Z, y, limit)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, limit)
    assert set(np.argsort(y)[: limit // 2].tolist()) <= set(chosen.tolist())
    assert np.all(np.diff(chosen) > 0)


def test_the_rest_covers_what_was_explored():
    """1,000 points in a corner and one at each of ten far places: all the ten are kept."""
    rng = np.random.default_rng(1)
    far = np.arange(1, 11)[:, None] * np.array([[10.0, 0.0]])
    Z = np.vstack([rng.random((1000, 2)), far])
    y = np.concatenate([rng.random(1000), np.full(10, 5.0)])
    assert set(range(1000, 1010)) <= set(choose_subset(Z, y, 40).tolist())


def test_points_that_all_lie_in_one_place_are_no_trouble():
    chosen = choose_subset(np.zeros((50, 2)), np.arange(50.0), 10)
    assert chosen[:5].tolist() == [0, 1, 2, 3, 4]
    assert len(set(chosen.tolist())) == 10


@pytest.fixture(scope="module")
def long_run():
    """A tuner that was told 1,000 values of a bowl with its minimum at 0.3 in five dimensions."""
    tuner = AskTell({f"x{i}": stats.uniform(0, 1) for i in range(5)}, TunerConfig(seed=1))
    for row in np.random.default_rng(0).random((1000, 5)):
        tuner.tell({f"x{i}": float(x) for i, x in enumerate(row)}, float(((row - 0.3) ** 2).sum()))
    return tuner


def test_a_long_run_still_predicts_well(long_run):
    """Values lie between 0 and 2.45; near the minimum and far from it the mean is right to 0.02."""
    rows = np.random.default_rng(7).random((50, 5))
    rows[:10] = 0.3 + 0.05 * rows[:10]
    mean, _ = long_run.predict([{f"x{i}": float(x) for i, x in enumerate(row)} for row in rows])
    np.testing.assert_allclose(mean, ((rows - 0.3) ** 2).sum(axis=1), atol=0.02)


def test_a_suggestion_among_a_thousand_observations_costs_no_cube(long_run):
    """The exact posterior of 1,000 takes several times as long as one of 400; asked for is 0.3 s."""
    long_run.tell(long_run.ask()[0], 1.0)
    started = process_time()
    long_run.ask()
    assert process_time() - started < 1.5  # a busy machine; 0.15 s on a free one


@pytest.mark.slow
def test_a_batch_of_64_holds_64_different_points(long_run):
    points = long_run.ask(64)
    assert len({tuple(point.values()) for point in points}) == 64
    for point in points:
        long_run.forget(point)
