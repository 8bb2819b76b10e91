"""The surrogate's mean: coefficients by the formula, and a trend that goes on where nothing was observed."""

import numpy as np

from tests.tuner.surrogate._numeric import differentiate
from tinynas.tuner.surrogate.kernel import Kernel
from tinynas.tuner.surrogate.likelihood import log_posterior
from tinynas.tuner.surrogate.mean import basis, estimate
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit


def _problem(n=20, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.random((n, 4))
    y = 3.0 * Z[:, 3] + 0.3 * np.sin(9 * Z[:, 0])
    return Z, (y - y.mean()) / y.std(), np.arange(3)


def test_columns_without_a_group_are_the_trends():
    Z, _, groups = _problem()
    np.testing.assert_array_equal(basis(Z, groups), np.column_stack([np.ones(20), Z[:, 3]]))
    np.testing.assert_array_equal(basis(Z, np.arange(4)), np.ones((20, 1)))


def test_the_coefficients_are_those_of_highest_posterior_density():
    Z, y, groups = _problem()
    kernel, noise = Kernel(np.array([0.5, 1.0, 2.0]), groups, 0.7), 1e-2
    K = kernel(Z, Z) + noise * np.eye(20)
    B = basis(Z, groups)
    precision = np.diag([1.0, 1.0 / 4.0])
    whole = B.T @ np.linalg.inv(K) @ B + precision
    expected = np.linalg.inv(whole) @ (B.T @ np.linalg.inv(K) @ y + precision @ [0.0, -2.0])
    ours = GaussianProcess.of(Z, y, kernel, noise)
    np.testing.assert_allclose(ours.mean, expected, rtol=1e-8)
    X = np.random.default_rng(1).random((9, 4))
    mean = basis(X, groups) @ expected + kernel(X, Z) @ np.linalg.inv(K) @ (y - B @ expected)
    np.testing.assert_allclose(ours.predict(X)[0], mean, rtol=1e-7)


def test_without_observations_the_prior_decides():
    np.testing.assert_array_equal(estimate(np.zeros((2, 2)), np.zeros(2)), [0.0, -2.0])
    np.testing.assert_array_equal(estimate(np.zeros((1, 1)), np.zeros(1)), [0.0])


def test_the_gradient_of_the_posterior_matches_finite_differences_with_a_trend():
    Z, y, groups = _problem()
    theta = np.array([-0.5, 0.2, 0.4, -0.3, -4.0, 0.3])
    _, gradient = log_posterior(theta, Z, y, groups)
    numeric = differentiate(lambda theta: log_posterior(theta, Z, y, groups)[0], theta)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4)


def test_a_trend_goes_on_where_nothing_was_observed():
    Z, y, groups = _problem(n=8)
    low = Z[:, 3] < 0.6
    model = fit(Z[low], y[low], groups)
    far = np.column_stack([np.full((2, 3), 0.5), [0.5, 2.0]])
    near, beyond = model.predict(far)[0]
    assert beyond - near > 2.0
    plain = fit(Z[low][:, :3], y[low], groups)
    assert plain.predict(far[:, :3])[0][0] == plain.predict(far[:, :3])[0][1]


def test_a_trend_that_explains_nothing_has_little_slope():
    rng = np.random.default_rng(3)
    Z = rng.random((40, 2))
    y = np.sin(6 * Z[:, 0])
    model = fit(Z, (y - y.mean()) / y.std(), np.arange(1))
    assert abs(model.mean[1]) < 0.2


def test_more_observations_at_once_are_as_those_one_by_one():
    Z, y, groups = _problem(n=30)
    kernel, noise = Kernel(np.array([0.5, 1.0, 2.0]), groups, 0.7), 1e-2
    whole, grown = GaussianProcess.of(Z, y, kernel, noise), GaussianProcess.of(Z[:20], y[:20], kernel, noise)
    X = np.random.default_rng(1).random((9, 4))
    np.testing.assert_allclose(grown.condition(Z[20:], y[20:]).predict(X)[0], whole.predict(X)[0], atol=1e-9)


def test_gradients_leave_the_trend_out():
    Z, y, groups = _problem()
    model = fit(Z, y, groups)
    X = np.random.default_rng(2).random((5, 4))
    mean, _, d_mean, d_deviation = model.predict_gradient(X)
    assert d_mean.shape == d_deviation.shape == (5, 3)
    np.testing.assert_allclose(mean, model.predict(X)[0])
    for j in range(3):
        step = 1e-6 * np.eye(4)[j]
        numeric = (model.predict(X + step)[0] - model.predict(X - step)[0]) / 2e-6
        np.testing.assert_allclose(d_mean[:, j], numeric, atol=1e-5)
