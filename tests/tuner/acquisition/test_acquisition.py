import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs
from scipy.integrate import quad

from tinynas.tuner import ConfigValueError, Tuner, TunerConfig
from tinynas.tuner.acquisition import ACQUISITIONS, confidence_factor, log_expected_improvement, register


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


@pytest.fixture
def mean_only(monkeypatch):
    """An acquisition function of the user's: the mean alone."""
    monkeypatch.setattr("tinynas.tuner.acquisition.registry.ACQUISITIONS", ACQUISITIONS)
    monkeypatch.setitem(ACQUISITIONS, "mean", None)

    @register("mean")
    class MeanOnly:
        label, logarithmic, polishes, exploration = "mean", False, False, 0.25

        def __call__(self, mean, deviation, best, factor):
            return -mean, np.full_like(mean, -1.0), np.zeros_like(mean)

    return ACQUISITIONS["mean"]


def test_a_new_acquisition_needs_nothing_but_its_class(mean_only):
    assert TunerConfig(acquisition="mean").exploration == 0.25
    tuner = Tuner(
        {"x": range(40)}, conf_dict={"acquisition": "mean", "exploration": 0.0, "sense": "minimize", "seed": 0}
    )
    for x in (0, 13, 26, 39):
        tuner.tell({"x": x}, (x - 21) ** 2)
    # The mean of a smooth surrogate through a parabola has its minimum there, uncertain or not.
    assert abs(tuner.ask()[0]["x"] - 21) <= 2


def test_a_name_that_nothing_registered_is_refused():
    with pytest.raises(ConfigValueError, match="'log_ei', 'ucb'"):
        TunerConfig(acquisition="ei")


def test_each_acquisition_comes_with_its_own_share_of_random_suggestions():
    assert {name: TunerConfig(acquisition=name).exploration for name in ("log_ei", "ucb")} == {
        "log_ei": 0.0,
        "ucb": 1.0,
    }
    assert TunerConfig(acquisition="ucb", exploration=0.5).exploration == 0.5
