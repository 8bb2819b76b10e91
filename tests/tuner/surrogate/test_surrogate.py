import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from tests.tuner.surrogate._numeric import differentiate
from tinynas.tuner.surrogate.kernel import Kernel
from tinynas.tuner.surrogate.likelihood import log_posterior
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit


def _problem(n=25, d=4, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.random((n, d))
    y = np.sin(6 * Z[:, 0]) + Z[:, 1] ** 2
    return Z, (y - y.mean()) / y.std(), np.arange(d)


@settings(deadline=None, max_examples=25)
@given(hs.integers(0, 10**6))
def test_the_gradient_of_the_posterior_matches_finite_differences(seed):
    rng = np.random.default_rng(seed)
    Z, y, _ = _problem(n=12, d=5, seed=seed)
    groups = np.array([0, 1, 1, 2, 2])
    theta = np.concatenate([rng.uniform(-2, 1, 3), [rng.uniform(-1, 1), rng.uniform(-6, -1), rng.uniform(-3, 3)]])
    _, gradient = log_posterior(theta, Z, y, groups)
    numeric = differentiate(lambda theta: log_posterior(theta, Z, y, groups)[0], theta)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4)


def test_predictions_agree_with_scikit_learn():
    Z, y, groups = _problem()
    lengths = np.array([0.3, 0.6, 1.0, 2.0])
    ours = GaussianProcess.of(Z, y, Kernel(lengths, groups, 1.7), 1e-3)
    kernel = ConstantKernel(1.7, "fixed") * Matern(lengths, "fixed", nu=2.5)
    theirs = GaussianProcessRegressor(kernel, alpha=1e-3, optimizer=None).fit(Z, y - ours.mean[0])
    X = np.random.default_rng(1).random((40, 4))
    mean, deviation = theirs.predict(X, return_std=True)
    np.testing.assert_allclose(ours.predict(X)[0], mean + ours.mean[0], atol=1e-8)
    np.testing.assert_allclose(ours.predict(X)[1], deviation, atol=1e-7)


def test_gradients_of_the_prediction_match_finite_differences():
    Z, y, groups = _problem()
    model = fit(Z, y, groups)
    X = np.random.default_rng(2).random((6, 4))
    mean, deviation, d_mean, d_deviation = model.predict_gradient(X)
    np.testing.assert_allclose(model.predict(X)[0], mean)
    np.testing.assert_allclose(model.predict(X)[1], deviation)
    for j, step in enumerate(1e-6 * np.eye(4)):
        up, down = model.predict(X + step), model.predict(X - step)
        np.testing.assert_allclose(d_mean[:, j], (up[0] - down[0]) / 2e-6, atol=1e-5)
        np.testing.assert_allclose(d_deviation[:, j], (up[1] - down[1]) / 2e-6, atol=1e-5)


def test_the_fit_finds_which_inputs_matter():
    Z, y, groups = _problem(n=40)
    lengths = fit(Z, y, groups).kernel.length_scales
    assert lengths[0] < lengths[1] < min(lengths[2:])


def test_the_fit_tells_noise_from_signal():
    rng = np.random.default_rng(5)
    Z = rng.random((120, 1))
    clean = np.sin(5 * Z[:, 0])
    quiet = fit(Z, clean / clean.std(), np.array([0])).noise
    noisy = clean / clean.std() + 0.5 * rng.standard_normal(120)
    loud = fit(Z, noisy / noisy.std(), np.array([0])).noise
    assert quiet < 1e-3
    assert loud == pytest.approx(0.2, rel=0.5)


def test_the_fit_is_a_pure_function():
    Z, y, groups = _problem()
    first = fit(Z, y, groups)
    fit(Z[::-1] ** 2, -y, groups)
    np.testing.assert_array_equal(first.weights, fit(Z, y, groups).weights)


@pytest.mark.parametrize(
    ("Z", "y"),
    [
        (np.zeros((1, 2)), np.zeros(1)),
        (np.zeros((2, 2)), np.array([-1.0, 1.0])),
        (np.zeros((30, 2)), np.zeros(30)),
        (np.zeros((30, 2)), np.linspace(-1, 1, 30)),
        (np.tile(np.random.default_rng(0).random((5, 2)), (6, 1)), np.random.default_rng(1).normal(size=30)),
        (1e-12 * np.random.default_rng(0).random((30, 2)), np.random.default_rng(1).normal(size=30)),
    ],
    ids=["one", "two-alike", "constant", "same-place", "replicates", "almost-same-place"],
)
def test_hard_cases_stay_finite(Z, y):
    model = fit(Z, y, np.arange(2))
    mean, deviation = model.predict(np.vstack([Z[:3], np.ones((1, 2))]))
    assert np.all(np.isfinite(mean))
    assert np.all(deviation > 0)


def test_hallucinated_points_keep_the_mean_and_take_the_uncertainty():
    Z, y, groups = _problem()
    model = fit(Z, y, groups)
    X = np.random.default_rng(3).random((3, 4))
    more = model.condition(X)
    grid = np.random.default_rng(4).random((50, 4))
    np.testing.assert_allclose(more.predict(grid)[0], model.predict(grid)[0], atol=1e-4)
    assert np.all(more.predict(grid)[1] <= model.predict(grid)[1] + 1e-9)
    assert np.all(more.predict(X)[1] < 0.5 * model.predict(X)[1])
    assert model.condition(np.empty((0, 4))) is model


def test_a_thousand_observations_are_within_reach():
    rng = np.random.default_rng(0)
    Z = rng.random((1000, 10))
    y = np.sin(4 * Z[:, 0]) + Z[:, 1]
    model = fit(Z, (y - y.mean()) / y.std(), np.arange(10))
    X = rng.random((50, 10))
    expected = (np.sin(4 * X[:, 0]) + X[:, 1] - y.mean()) / y.std()
    assert np.sqrt(np.mean((model.predict(X)[0] - expected) ** 2)) < 0.1


@pytest.mark.parametrize("noise", [1e-7, 1e-2])
def test_conditioning_on_more_is_the_posterior_of_all(noise):
    """The extended factor gives what a factor of the whole matrix gives, close pairs of points included."""
    rng = np.random.default_rng(4)
    Z = rng.random((30, 2))
    Z[20:] = Z[:10] + 1e-9
    y = np.sin(5 * Z.sum(axis=1))
    kernel = Kernel(np.array([0.3, 0.5]), np.array([0, 1]), 1.0, 0.2)
    whole = GaussianProcess.of(Z, y, kernel, noise)
    extended = GaussianProcess.of(Z[:20], y[:20], kernel, noise).condition(Z[20:], y[20:])
    grid = rng.random((40, 2))
    for expected, found in zip(whole.predict(grid), extended.predict(grid), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-4 if noise < 1e-6 else 1e-9)
