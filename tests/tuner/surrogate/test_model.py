import numpy as np
import pytest
import scipy.stats as st

from tests.tuner.builders import observed
from tinynas.tuner import Tuner
from tinynas.tuner.acquire.polish import polished
from tinynas.tuner.history.observation import Observation
from tinynas.tuner.space.space import Space
from tinynas.tuner.surrogate.limits import log_feasibility
from tinynas.tuner.surrogate.model import Model
from tinynas.tuner.surrogate.scalar import scalarised

SQUARE = {"x": st.uniform(0, 1), "y": st.uniform(0, 1)}
NOTHING = np.empty((0, 2))


def _bowl(point):
    return (point["x"] - 0.3) ** 2 + 3 * (point["y"] - 0.6) ** 2 + (point["x"] - 0.3) * (point["y"] - 0.6)


def _model(score, n=9, seed=0, noise=0.0):
    space, rng = Space(SQUARE), np.random.default_rng(seed)
    codes = space.codes(space.sample(rng, n))
    values = [score(space.params(code)) + noise * rng.standard_normal() for code in codes]
    return Model.fit(space, observed(codes, values), (1.0,))


def test_a_polish_finds_the_bottom_of_a_quadratic_within_its_reach():
    model = _model(_bowl, n=12)
    row = polished(model, NOTHING)
    np.testing.assert_allclose(row, [0.3, 0.6], atol=2e-3)


def test_a_polish_stays_within_bounds():
    row = polished(_model(lambda p: p["x"] + p["y"], n=12), NOTHING)
    assert np.all((row >= 0) & (row <= 1))


@pytest.mark.parametrize("why", ["noise", "few", "pending", "flat"])
def test_a_polish_holds_back(why):
    model = _model(_bowl, n=5 if why == "few" else 60 if why == "noise" else 12, noise=0.3 if why == "noise" else 0.0)
    pending = NOTHING
    if why == "pending":
        pending = polished(model, NOTHING)[None, :]
    if why == "flat":
        model = _model(lambda p: 1.0, n=12)
    assert polished(model, pending) is None


def test_learned_constraints_are_respected_where_they_are_known():
    tuner = Tuner(SQUARE, conf_dict={"sense": "minimize", "seed": 2})
    violated = 0
    for k in range(30):
        [point] = tuner.ask()
        limit = 0.5 - point["x"]  # the optimum of the objective, x = 0.3, is not allowed
        violated += k >= 15 and limit > 0
        tuner.tell(point, _bowl(point), constraints=[limit])
    point, value = tuner.best
    assert point["x"] >= 0.5
    assert value < 0.045  # on the line x = 0.5 the minimum is 0.0367
    assert violated <= 9  # half of the square is forbidden, and the objective draws there


def test_without_a_feasible_point_feasibility_comes_first():
    tuner = Tuner(SQUARE, conf_dict={"sense": "minimize", "seed": 0})
    for x in (0.05, 0.2, 0.35, 0.5):
        for y in (0.2, 0.8):
            tuner.tell({"x": x, "y": y}, _bowl({"x": x, "y": y}), constraints={"memory": 0.9 - x})
    assert tuner.best is None
    [point] = tuner.ask()
    assert point["x"] > 0.6


def test_the_gradient_of_the_feasibility_matches_finite_differences():
    mean, deviation, h = np.array([-3.0, 0.0, 4.0]), np.array([0.5, 1.0, 2.0]), 1e-6
    _, by_mean, by_deviation = log_feasibility(mean, deviation)
    numeric = [
        (log_feasibility(mean + h, deviation)[0] - log_feasibility(mean - h, deviation)[0]) / (2 * h),
        (log_feasibility(mean, deviation + h)[0] - log_feasibility(mean, deviation - h)[0]) / (2 * h),
    ]
    np.testing.assert_allclose([by_mean, by_deviation], numeric, rtol=1e-6, atol=1e-12)


def test_low_fidelity_informs_without_counting():
    space, rng = Space(SQUARE), np.random.default_rng(3)
    codes = space.codes(space.sample(rng, 40))
    cheap = [Observation(code, (_bowl(space.params(code)) + 0.5,), fidelity=0.3) for code in codes[:30]]
    dear = [Observation(code, (_bowl(space.params(code)),)) for code in codes[30:36]]
    both, alone = Model.fit(space, cheap + dear, (1.0,)), Model.fit(space, dear, (1.0,))
    tests = space.codes(space.sample(rng, 200))
    truth = np.array([_bowl(space.params(code)) for code in tests])
    assert np.abs(both.predict(tests)[0] - truth).mean() < 0.7 * np.abs(alone.predict(tests)[0] - truth).mean()
    assert len(both.known) == 6


def test_several_objectives_spread_over_the_front():
    tuner = Tuner(SQUARE, conf_dict={"sense": ["minimize", "maximize"], "seed": 1})
    for _ in range(40):
        [point] = tuner.ask()
        distance = (point["y"] - 0.5) ** 2
        tuner.tell(point, (point["x"] ** 2 + distance, -((point["x"] - 1) ** 2) - distance))
    front = np.array([[params["x"], params["y"]] for params, _ in tuner.front])
    assert np.abs(front[:, 1] - 0.5).mean() < 0.1
    assert front[:, 0].min() < 0.15
    assert front[:, 0].max() > 0.85
    mean, deviation = tuner.predict([{"x": 0.5, "y": 0.5}])
    np.testing.assert_allclose(mean, [[0.25, -0.25]], atol=0.05)
    assert deviation.shape == (1, 2)


def test_a_run_with_several_senses():
    def both(points):
        return [(p["x"], p["y"]) for p in points]

    tuner = Tuner(
        SQUARE, both, {"sense": ["minimize", "maximize"], "seed": 1, "num_iteration": 8, "log_progress": False}
    )
    results = tuner.run()
    assert results["objective_values"].shape == (10, 2)
    assert len(results["front_params"]) == len(results["front_values"]) >= 1


def test_one_scalar_for_several_losses():
    losses = np.random.default_rng(0).random((50, 3))
    for seed in range(5):
        best = int(scalarised(losses, np.random.default_rng(seed)).argmin())
        assert not np.any(np.all(losses < losses[best], axis=1))
    np.testing.assert_array_equal(scalarised(losses[:, :1], None), losses[:, 0])
