import json

import numpy as np
import pytest
import scipy.stats as st

from tinynas.tuner import ConfigTypeError, ConfigValueError, ExhaustedError, Tuner

SPACE = {"n": range(-30, 31), "c": ["a", "b", "c"], "x": st.uniform(-3, 6)}


class Quadratic:
    """Least squares on squares, with the distance to the data for a deviation: as plain a surrogate as there is."""

    def __init__(self):
        self.fits = []

    def fit(self, X, y):
        self.fits.append((X.copy(), y.copy()))
        self.X = X
        self.weights = np.linalg.lstsq(self._features(X), y, rcond=1e-8)[0]
        return self

    def predict(self, X, return_std=False):
        mean = self._features(X) @ self.weights
        distance = np.sqrt(((X[:, None] - self.X) ** 2).sum(axis=2).min(axis=1))
        return (mean, 0.05 * distance) if return_std else mean

    @staticmethod
    def _features(X):
        return np.hstack([np.ones((len(X), 1)), X, X**2])


def score(p):
    return ((p["n"] - 12) / 10) ** 2 + (p["x"] - 1) ** 2 + (p["c"] != "b")


def objective(batch):
    return [score(p) for p in batch]


CONF = {"seed": 0, "sense": "minimize", "log_progress": False}


def drive(tuner, evaluations, batch=1):
    while len(tuner.observations) < evaluations:
        for point in tuner.ask(batch):
            tuner.tell(point, score(point))
    return tuner


@pytest.mark.slow
@pytest.mark.parametrize("acquisition", ["log_ei", "ucb"])
@pytest.mark.parametrize("strategy", ["penalty", "clustering"])
def test_it_guides_a_run(acquisition, strategy):
    surrogate = Quadratic()
    conf = CONF | {
        "surrogate": surrogate,
        "acquisition": acquisition,
        "parallel_strategy": strategy,
        "exploration": 0.0,
    }
    tuner = Tuner(SPACE, objective, conf | {"batch_size": 2, "num_iteration": 14})
    results = tuner.minimize()
    assert results["best_objective"] < 0.15  # the best of 30 random points has about 0.7
    assert tuner.Optimizer.surrogate is surrogate
    assert len({tuner.space.code(p) for p in results["params_tried"]}) == 30


def test_it_sees_mangos_columns_and_values_to_be_maximised():
    surrogate = Quadratic()
    tuner = drive(Tuner(SPACE, conf_dict=CONF | {"surrogate": surrogate}), 8)
    tuner.ask()
    X, y = surrogate.fits[-1]
    points = [p for p, _ in tuner.observations]
    np.testing.assert_array_equal(X, tuner.ds.convert_GP_space(points))
    assert X.shape[1] == 5
    assert y.tolist() == [-score(p) for p in points]
    mean, deviation = tuner.predict(points[:3])
    assert mean == pytest.approx([score(p) for p in points[:3]], abs=0.7)
    assert deviation.tolist() == [0.0] * 3


def test_scaled_columns_on_request():
    surrogate = Quadratic()
    tuner = drive(Tuner(SPACE, conf_dict=CONF | {"surrogate": surrogate, "scale_params": True}), 8)
    tuner.ask()
    assert surrogate.fits[-1][0].min() > -0.1
    assert surrogate.fits[-1][0].max() < 1.1


def test_failures_are_left_out_and_infeasible_points_made_bad():
    surrogate = Quadratic()
    tuner = Tuner({"n": range(40)}, conf_dict={"seed": 0, "surrogate": surrogate, "design_size": 3})
    for n, value, limit in ((1, 10.0, -1), (2, 99.0, +1), (3, 20.0, -1), (4, None, -1)):
        tuner.tell({"n": n}, value, constraints=[limit])
    tuner.ask()
    assert surrogate.fits[-1][0].ravel().tolist() == [1, 2, 3]
    assert surrogate.fits[-1][1].tolist() == [10, 10, 20]


def test_constraints_hold_and_pending_points_are_not_repeated():
    def odd(points):
        return [p["n"] % 2 == 1 for p in points]

    conf = CONF | {"surrogate": Quadratic(), "constraint": odd, "domain_size": 40}
    tuner = drive(Tuner({"n": range(-30, 31), "c": ["a", "b"], "x": [1]}, conf_dict=conf), 12)
    pending = tuner.ask(5) + tuner.ask(2)
    assert all(odd(pending))
    assert len({tuner.space.code(p) for p in pending}) == 7


def test_a_finite_space_is_used_up():
    tuner = drive(Tuner({"n": range(5), "c": ["a", "b"], "x": [1]}, conf_dict=CONF | {"surrogate": Quadratic()}), 10, 3)
    with pytest.raises(ExhaustedError):
        tuner.ask()


def test_suggestions_follow_from_the_history_alone():
    calm, busy = (Tuner(SPACE, conf_dict=CONF | {"surrogate": Quadratic()}) for _ in range(2))
    drive(calm, 10)
    busy.load_state_dict(json.loads(json.dumps(calm.state_dict())))
    busy.predict([busy.observations[0][0]])
    assert busy.ask(2) == calm.ask(2)


def test_bad_surrogates_are_refused():
    with pytest.raises(ConfigTypeError, match="'fit' and 'predict'"):
        Tuner(SPACE, objective, {"surrogate": object()})
    with pytest.raises(ConfigValueError, match="one objective"):
        Tuner(SPACE, objective, {"surrogate": Quadratic(), "sense": ["minimize", "maximize"]})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learns_own():
    pytest.importorskip("sklearn")
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    surrogate = GaussianProcessRegressor(Matern(nu=2.5), normalize_y=True, alpha=1e-6, random_state=1)
    conf = CONF | {"surrogate": surrogate, "scale_params": True, "domain_size": 500, "num_iteration": 12}
    results = Tuner({"x": st.uniform(-3, 6)}, lambda b: [(p["x"] - 1) ** 2 for p in b], conf).minimize()
    assert results["best_objective"] < 1e-3
