import numpy as np
import pytest
import scipy.stats as st

from tests.tuner.builders import observed
from tinynas.tuner import Space, TunerConfig
from tinynas.tuner.acquire import weigh
from tinynas.tuner.acquisition import ACQUISITIONS
from tinynas.tuner.surrogate import Model


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
