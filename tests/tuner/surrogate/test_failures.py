import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.tuner.surrogate.failures import blame, success_odds


def test_odds_follow_the_neighbourhood():
    rng = np.random.default_rng(1)
    told = rng.random((60, 2))
    left, right = success_odds(np.array([[0.1, 0.5], [0.9, 0.5]]), told, told[:, 0] > 0.5, 0.28)
    assert left < 0.3
    assert right > 0.7


def test_a_failing_region_takes_the_blame_and_random_failures_do_not():
    rng = np.random.default_rng(2)
    told = rng.random((200, 2))
    assert np.mean(blame(told, told[:, 0] > 0.5, 0.1)) > 0.6
    assert np.mean(blame(told, rng.random(200) > 0.5, 0.1)) < 0.3


def test_a_lone_first_failure_is_suspicious():
    told = np.array([[0.1, 0.1], [0.2, 0.1], [0.9, 0.9]])
    assert blame(told, np.array([True, True, False]), 0.28)[0] > 0.5


@settings(deadline=None, max_examples=40)
@given(hs.integers(0, 10**6), hs.integers(1, 20))
def test_shares_and_odds_are_probabilities(seed, n):
    rng = np.random.default_rng(seed)
    told, succeeded = rng.random((n, 3)), rng.random(n) < 0.5
    succeeded[0] = False
    share = blame(told, succeeded, 0.3)
    assert share.shape == (np.sum(~succeeded),)
    assert np.all((share >= 0) & (share <= 1))
    odds = success_odds(rng.random((5, 3)), told, succeeded, 0.3)
    assert np.all((odds > 0) & (odds < 1))
