import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.tuner.surrogate.warp import Warp

values = hs.lists(hs.floats(-1e6, 1e6), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(values)
def test_the_order_is_kept_and_the_result_is_finite(y):
    y = np.array(y)
    t = Warp.fit(y).forward(y)
    assert np.all(np.isfinite(t))
    order = np.argsort(y, kind="stable")
    assert np.all(np.diff(t[order]) >= -1e-9)


@settings(deadline=None, max_examples=40)
@given(hs.lists(hs.integers(-99, 99), min_size=2, max_size=40), hs.floats(1e-3, 1e3), hs.floats(-1e3, 1e3))
def test_units_of_the_objective_do_not_matter(y, scale, shift):
    y = np.array(y, dtype=float)
    np.testing.assert_allclose(
        Warp.fit(y).forward(y), Warp.fit(scale * y + shift).forward(scale * y + shift), atol=1e-4
    )


def test_the_inverse_undoes_the_map():
    y = np.random.default_rng(0).lognormal(size=60)
    warp = Warp.fit(y)
    np.testing.assert_allclose(warp.inverse(warp.forward(y)), y, rtol=1e-9)


def test_skewed_values_become_normal():
    y = np.random.default_rng(1).lognormal(sigma=1.5, size=300)
    before, after = st.skew(y), st.skew(Warp.fit(y).forward(y))
    assert before > 3
    assert abs(after) < 0.5


def test_the_standardisation_matches_scipy_at_the_same_power():
    y = np.random.default_rng(2).normal(size=50) ** 3
    warp = Warp.fit(y)
    reference = st.yeojohnson((y - warp.center) / warp.scale, lmbda=warp.power)
    np.testing.assert_allclose(warp.forward(y), (reference - reference.mean()) / reference.std(), rtol=1e-9)


@pytest.mark.parametrize("outlier", [1e3, 1e12, 1e30, 1e300])
def test_one_penalty_does_not_flatten_the_rest(outlier):
    y = np.append(np.linspace(0.0, 1.0, 20), outlier)
    t = Warp.fit(y).forward(y)
    assert np.ptp(t[:20]) > 1.0


@pytest.mark.parametrize("y", [[3.0], [0.0, 0.0], [5.0] * 30, [1e300, -1e300], [1e-300, 2e-300], [0.0] * 9 + [1.0]])
def test_degenerate_values(y):
    t = Warp.fit(np.array(y)).forward(np.array(y))
    assert np.all(np.isfinite(t))
    assert (np.ptp(t) > 0) == (np.ptp(np.array(y) / 2) > 0)
