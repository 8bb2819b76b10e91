import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs
from scipy.integrate import quad

from tests.tuner.builders import observed
from tinynas.tuner import Space, TunerConfig
from tinynas.tuner.acquire.acquisition import ACQUISITIONS
from tinynas.tuner.acquire.log_ei import log_expected_improvement
from tinynas.tuner.acquire.scorer import weigh
from tinynas.tuner.acquire.ucb import confidence_factor
from tinynas.tuner.surrogate.model import Model


def test_against_the_textbook_formula():
    mean, deviation, best = np.linspace(-2, 2, 21), np.full(21, 0.7), 0.1
    z = (best - mean) / deviation
    expected = (best - mean) * st.norm.cdf(z) + deviation * st.norm.pdf(z)
    np.testing.assert_allclose(np.exp(log_expected_improvement(mean, deviation, best)[0]), expected, rtol=1e-10)


def _log_h(z):
    # h(z) = density(z) * integral of u exp(-u^2 / 2 + z u) over u > 0: a form in which nothing cancels for z < 0.
    t = max(1.0, -z)
    integral, _ = quad(lambda v: v / t**2 * np.exp(-0.5 * (v / t) ** 2 + z * v / t), 0, np.inf, epsabs=0, epsrel=1e-11)
    return st.norm.logpdf(z) + np.log(integral)


@settings(deadline=None, max_examples=40)
@given(hs.floats(-1e5, 5), hs.floats(1e-3, 1e3))
def test_against_quadrature_far_into_the_tail(z, deviation):
    value = log_expected_improvement(np.array([-z * deviation]), np.array([deviation]), 0.0)[0][0]
    assert value == pytest.approx(_log_h(z) + np.log(deviation), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("z", [-1e6, -1e4, -1001.0, -999.0, -50.0, -5.0, -1.001, -0.999, 0.0, 3.0, 40.0])
def test_slopes_match_finite_differences(z):
    mean, deviation = np.array([-z]), np.array([1.0])
    value, by_mean, by_deviation = log_expected_improvement(mean, deviation, 0.0)
    h = 1e-6 * max(1.0, abs(z)) if abs(z) < 1e4 else 1e-2
    up, down = (
        log_expected_improvement(mean + h, deviation, 0.0)[0],
        log_expected_improvement(mean - h, deviation, 0.0)[0],
    )
    assert np.isfinite(value[0])
    assert by_mean[0] == pytest.approx((up - down)[0] / (2 * h), rel=1e-3, abs=1e-9)
    h = 1e-7
    up, down = (
        log_expected_improvement(mean, deviation + h, 0.0)[0],
        log_expected_improvement(mean, deviation - h, 0.0)[0],
    )
    assert by_deviation[0] == pytest.approx((up - down)[0] / (2 * h), rel=1e-3, abs=1e-6)


def test_the_confidence_schedule_grows_and_a_fixed_one_does_not():
    assert confidence_factor(None, 1000, 10) > confidence_factor(None, 1000, 1) > 1
    assert confidence_factor(1.5, 1000, 10) == 1.5


@pytest.mark.parametrize("kind", ACQUISITIONS)
@pytest.mark.parametrize("failures", [0, 6])
def test_gradients_by_the_coordinates_match_finite_differences(kind, failures):
    space = Space({"x": st.uniform(0, 1), "y": st.norm(), "n": range(5), "c": ["a", "b", "c"]})
    rng = np.random.default_rng(0)
    codes = space.codes(space.sample(rng, 15))
    values = [None if i < failures else float(i % 4) for i in range(15)]
    model = Model.fit(space, observed(codes, values), (1.0,))
    acquisition = weigh(model, np.empty((0, 4)), TunerConfig(acquisition=kind), 100)
    X = space.snap(0.1 + 0.8 * space.sample(rng, 8))
    value, gradient = acquisition.with_gradient(X)
    np.testing.assert_allclose(value, acquisition(X))
    for j in range(4):
        step = 1e-6 * np.eye(4)[j]
        numeric = (acquisition(X + step) - acquisition(X - step)) / 2e-6 if space.continuous[j] else 0.0
        np.testing.assert_allclose(gradient[:, j], numeric, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("acquisition", ACQUISITIONS.values(), ids=ACQUISITIONS)
def test_every_acquisition_prefers_lower_means_and_knows_its_derivatives(acquisition):
    mean, deviation = np.linspace(-2.0, 2.0, 9), np.full(9, 0.7)
    value, by_mean, by_deviation = acquisition(mean, deviation, 0.1, 2.0)
    assert np.all(np.diff(value) < 0)
    h = 1e-6
    up, down = acquisition(mean + h, deviation, 0.1, 2.0)[0], acquisition(mean - h, deviation, 0.1, 2.0)[0]
    np.testing.assert_allclose(by_mean, (up - down) / (2 * h), rtol=1e-4)
    up, down = acquisition(mean, deviation + h, 0.1, 2.0)[0], acquisition(mean, deviation - h, 0.1, 2.0)[0]
    np.testing.assert_allclose(by_deviation, (up - down) / (2 * h), rtol=1e-4)
