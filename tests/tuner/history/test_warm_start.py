import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ConfigValueError, Tuner

SPACE = {"x": st.uniform(0, 1), "n": range(10), "c": ["a", "b"]}
CONF = {"seed": 0, "sense": "minimize", "log_progress": False}


def score(p):
    return (p["x"] - 0.4) ** 2 + (p["n"] - 6) ** 2 / 10 + (p["c"] == "b")


def objective(batch):
    return [score(p) for p in batch]


def earlier(**conf):
    tuner = Tuner(SPACE, objective, CONF | {"num_iteration": 10} | conf)
    return tuner, tuner.minimize()


def test_a_results_dictionary_of_the_same_problem():
    _, results = earlier()
    tuner = Tuner(SPACE, conf_dict=CONF)
    assert tuner.warm_start(results) == 12
    assert tuner.best == (results["best_params"], results["best_objective"])
    assert tuner.asked == 0
    [p] = tuner.ask()
    assert p not in results["params_tried"]
    assert score(p) < 0.5  # no random start: what is known leads on


def test_another_tuner_with_all_that_was_told():
    first = Tuner(SPACE, conf_dict=CONF)
    first.tell({"x": 0.1, "n": 1, "c": "a"}, 1.0, constraints={"s": -1, "r": 2})
    first.tell({"x": 0.2, "n": 2, "c": "a"}, 2.0, constraints={"s": -1, "r": -2}, fidelity=0.25)
    first.tell({"x": 0.3, "n": 3, "c": "a"}, failed=True)
    second = Tuner(SPACE, conf_dict=CONF)
    assert second.warm_start(first) == 3
    assert second.state_dict()["observations"] == first.state_dict()["observations"]
    assert second.state_dict()["constraint_names"] == ["r", "s"]
    third = Tuner(SPACE, conf_dict=CONF)
    assert third.warm_start(first, fidelity=0.5) == 2  # without the failure
    assert [item["fidelity"] for item in third.state_dict()["observations"]] == [0.5, 0.25]


def test_pairs_and_longer_records():
    tuner = Tuner(SPACE, conf_dict=CONF)
    p = {"x": 0.1, "n": 1, "c": "a"}
    assert tuner.warm_start([(p, 1.0, [-1.0]), [p, 2.0, [1.0], 0.5]]) == 2
    assert tuner.best == (p, 1.0)


def test_a_related_problem_informs_without_taking_its_points():
    _, results = earlier(num_iteration=20)
    tuner = Tuner(SPACE, conf_dict=CONF)
    tuner.warm_start(results, fidelity=0.5)
    assert tuner.best is None
    small = Tuner({"n": range(3)}, conf_dict={"seed": 0})
    small.warm_start([({"n": n}, 1.0 * n) for n in range(3)], fidelity=0.3)
    assert sorted(p["n"] for p in small.ask(5)) == [0, 1, 2]


@pytest.mark.parametrize(
    "alien", [{"x": 0.1, "n": 1}, {"x": 0.1, "n": 1, "c": "z"}, {"x": 0.1, "n": 1.5, "c": "a"}, {"y": 1}]
)
def test_points_of_another_space(alien):
    good = {"x": 0.1, "n": 1, "c": "a"}
    tuner = Tuner(SPACE, conf_dict=CONF)
    with pytest.raises(SpaceError):
        tuner.warm_start([(good, 1.0), (alien, 2.0)])
    assert tuner.observations == []
    assert tuner.warm_start([(good, 1.0), (alien, 2.0)], strict=False) == 1
    assert tuner.observations == [(good, 1.0)]


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"params_tried": [{"x": 0.1, "n": 1, "c": "a"}]},
        {"params_tried": [{"x": 0.1, "n": 1, "c": "a"}], "objective_values": []},
        [1, 2],
        [({"x": 0.1, "n": 1, "c": "a"},)],
        [({"x": 0.1, "n": 1, "c": "a"}, "good")],
    ],
)
def test_what_is_no_result(results):
    tuner = Tuner(SPACE, conf_dict=CONF)
    with pytest.raises(ConfigTypeError):
        tuner.warm_start(results)
    assert tuner.observations == []


@pytest.mark.parametrize("fidelity", [0, 2, -1])
def test_a_fidelity_out_of_range(fidelity):
    with pytest.raises(ConfigValueError):
        Tuner(SPACE, conf_dict=CONF).warm_start([], fidelity=fidelity)


def test_pending_points_stay_pending():
    tuner = Tuner(SPACE, conf_dict=CONF)
    [p] = tuner.ask()
    tuner.warm_start([(p, 1.0)], fidelity=0.5)
    assert tuner.pending == [p]


def test_every_later_run_starts_from_it():
    _, results = earlier()
    tuner = Tuner(SPACE, objective, CONF | {"num_iteration": 4, "initial_random": 1})
    tuner.warm_start(results)
    first = tuner.minimize()
    assert len(first["params_tried"]) == 5
    assert not any(p in results["params_tried"] for p in first["params_tried"])
    assert first["best_objective"] < results["best_objective"]
    assert len(tuner.observations) == 17
    assert tuner.minimize()["params_tried"].tolist() == first["params_tried"].tolist()
    tuner.clear()
    assert len(tuner.observations) == 12
