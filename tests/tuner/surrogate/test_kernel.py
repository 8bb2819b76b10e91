from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.tuner import Space
from tinynas.tuner.surrogate.kernel import Kernel, matern52, squared_distances
from tinynas.tuner.surrogate.surrogate import GaussianProcess, fit


def test_the_kernel_slope_is_its_derivative():
    s = np.linspace(0.01, 9, 50)
    numeric = (matern52(s + 1e-6)[0] - matern52(s - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(matern52(s)[1], numeric, rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(hs.integers(0, 10**6), hs.integers(2, 30))
def test_the_kernel_is_positive_definite_over_mixed_points(seed, n):
    space = Space({"a": ["x", "y", "z"], "b": [False, True], "n": range(7), "m": range(3)})
    rng = np.random.default_rng(seed)
    Z = np.unique(space.features(space.sample(rng, n)), axis=0) / rng.uniform(0.1, 3.0, 4)[space.groups]
    K = matern52(squared_distances(Z, Z))[0]
    assert np.linalg.eigvalsh(K).min() > -1e-10


def test_distances_match_the_plain_formula():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(squared_distances(A, B), ((A[:, None] - B) ** 2).sum(axis=2), atol=1e-12)
    assert np.all(squared_distances(A, A) >= 0)


@settings(deadline=None, max_examples=30)
@given(hs.integers(0, 10**6), hs.integers(1, 6), hs.floats(0, 0.95))
def test_covariances_are_positive_definite_and_symmetric(seed, dimension, additive):
    rng = np.random.default_rng(seed)
    kernel = Kernel(np.exp(rng.uniform(-3, 1, dimension)), np.arange(dimension), 1.7, additive)
    Z = rng.random((25, dimension))
    K = kernel(Z, Z)
    np.testing.assert_allclose(K, K.T)
    np.testing.assert_allclose(np.diag(K), 1.7)
    assert np.linalg.eigvalsh(K).min() > -1e-9


@pytest.mark.parametrize("additive", [0.0, 0.4])
def test_the_gradient_of_the_kernel_matches_finite_differences(additive):
    rng = np.random.default_rng(1)
    kernel = Kernel(np.array([0.4, 0.9]), np.array([0, 1, 1]), 1.3, additive)
    A, B = rng.random((4, 3)), rng.random((5, 3))
    K, gradient = kernel.with_gradient(A, B)
    np.testing.assert_allclose(K, kernel(A, B))
    for j, step in enumerate(1e-6 * np.eye(3)):
        np.testing.assert_allclose(gradient[j], (kernel(A + step, B) - kernel(A - step, B)) / 2e-6, atol=1e-6)


def test_a_sum_of_single_effects_is_learnt_from_few_points():
    rng = np.random.default_rng(0)
    Z, X = rng.random((60, 5)), rng.random((200, 5))
    y, values = np.sin(9 * Z).sum(axis=1), np.sin(9 * X).sum(axis=1)
    process = fit(Z, (y - y.mean()) / y.std(), np.arange(5))
    product = GaussianProcess.of(process.Z, process.y, replace(process.kernel, additive=0.0), process.noise)
    truth = (values - y.mean()) / y.std()
    errors = [np.abs(one.predict(X)[0] - truth).mean() for one in (process, product)]
    assert process.kernel.additive > 0.5
    assert errors[0] < 0.25 * errors[1]
