import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.tuner import Space
from tinynas.tuner.kernel import matern52, squared_distances


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
