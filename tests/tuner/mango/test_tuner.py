import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ConfigValueError, ExhaustedError, Tuner

MIXED = {
    "n": range(2, 40),
    "rate": st.uniform(0, 0.4),
    "flag": [False, True],
    "norm": ["none", "batch", "layer"],
    "mix": st.dirichlet([1.0, 1.0, 1.0]),
}


def _score(p):
    return (p["n"] - 20) ** 2 / 100 + (p["rate"] - 0.1) ** 2 * 20 + p["flag"] + len(p["norm"]) / 5 + p["mix"][0]


def _few_large(points):
    return [p["n"] * (1 + p["flag"]) < 45 for p in points]


CONF = {"sense": "minimize", "seed": 5, "constraint": _few_large}


def _drive(tuner, evaluations, score=_score, batch=1):
    while len(tuner.observations) < evaluations:
        for point in tuner.ask(batch):
            tuner.tell(point, score(point))
    return tuner


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["penalty", "clustering"])
@pytest.mark.parametrize("batch", [1, 4])
def test_every_suggestion_is_new_allowed_and_of_the_right_types(strategy, batch):
    tuner = _drive(Tuner(MIXED, conf_dict=CONF | {"parallel_strategy": strategy}), 24, batch=batch)
    points = [point for point, _ in tuner.observations]
    assert all(_few_large(points))
    assert len({tuner.space.code(point) for point in points}) == 24
    for point in points:
        assert type(point["n"]) is int
        assert type(point["rate"]) is float
        assert type(point["flag"]) is bool
        assert 0 <= point["rate"] <= 0.4
        assert sum(point["mix"]) == pytest.approx(1)


def test_the_search_goes_downhill_through_a_constraint():
    tuner = _drive(Tuner(MIXED, conf_dict=CONF), 35)
    point, value = tuner.best
    assert value == min(v for _, v in tuner.observations)
    assert value < 0.9  # the minimum is 0.8, a random point has about 3
    assert point["flag"] is False


def test_maximise_and_minimise_mirror_each_other():
    up = _drive(Tuner(MIXED, conf_dict=CONF | {"sense": "maximize"}), 16, lambda p: -_score(p))
    down = _drive(Tuner(MIXED, conf_dict=CONF), 16)
    assert [p for p, _ in up.observations] == [p for p, _ in down.observations]
    assert up.best[0] == down.best[0]


def test_the_seed_decides():
    first, again = (_drive(Tuner(MIXED, conf_dict=CONF), 12).observations for _ in range(2))
    other = _drive(Tuner(MIXED, conf_dict=CONF | {"seed": 6}), 12).observations
    assert first == again
    assert first != other


def test_no_global_randomness_is_used_or_changed():
    np.random.seed(0)  # noqa: NPY002 (the global state is what is tested)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = _drive(Tuner(MIXED, conf_dict=CONF), 12).observations
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert _drive(Tuner(MIXED, conf_dict=CONF), 12).observations == first


def test_a_batch_starts_with_the_point_asked_for_alone():
    one, many = (_drive(Tuner(MIXED, conf_dict=CONF), 12) for _ in range(2))
    batch = many.ask(3)
    assert batch[0] == one.ask()[0]
    assert len({str(point) for point in batch}) == 3


def test_the_order_of_parameters_does_not_matter():
    backwards = dict(reversed(MIXED.items()))
    a, b = _drive(Tuner(MIXED, conf_dict=CONF), 14), _drive(Tuner(backwards, conf_dict=CONF), 14)
    assert a.observations == b.observations
    assert list(b.observations[0][0]) == list(backwards)


def _interrupted(seed):
    """A search with failures and pending points, stopped in the middle."""
    tuner = Tuner(MIXED, conf_dict=CONF | {"seed": seed})
    rng = np.random.default_rng(seed)
    waiting = []
    for _ in range(14):
        waiting += tuner.ask(int(rng.integers(1, 3)))
        while len(waiting) > 2:
            point = waiting.pop(int(rng.integers(len(waiting))))
            tuner.tell(point, None if rng.random() < 0.2 else _score(point))
    return tuner


@pytest.mark.slow
@settings(deadline=None, max_examples=2)
@given(hs.integers(0, 1000))
def test_a_tuner_rebuilt_from_its_records_goes_on_the_same(seed):
    tuner = _interrupted(seed)
    records = json.loads(json.dumps([tuner.observations, tuner.pending, tuner.asked]))
    rebuilt = Tuner(MIXED, conf_dict=CONF | {"seed": seed})
    rebuilt.restore(*records)
    loaded = Tuner(MIXED, conf_dict=CONF | {"seed": 999})
    loaded.load_state_dict(json.loads(json.dumps(tuner.state_dict())))
    expected = tuner.ask(2)
    assert rebuilt.ask(2) == expected
    assert loaded.ask(2) == expected
    assert loaded.state_dict() == rebuilt.state_dict() == tuner.state_dict()


def test_suggestions_do_not_depend_on_what_was_computed_before():
    # Asking for predictions after every observation fits surrogates that the other tuner never fits.
    busy, calm = Tuner(MIXED, conf_dict=CONF), Tuner(MIXED, conf_dict=CONF)
    for _ in range(16):
        [point] = calm.ask()
        calm.tell(point, _score(point))
    for point, value in calm.observations:
        busy.tell(point, value)
        busy.predict([point])
    calm.restore(calm.observations, asked=0)
    assert busy.ask() == calm.ask()


@pytest.mark.slow
def test_another_process_with_other_threads_suggests_the_same():
    program = (
        "import json, sys; import scipy.stats as st; from tinynas.tuner import Tuner\n"
        "space = {'n': range(2, 40), 'rate': st.uniform(0, 0.4), 'flag': [False, True]}\n"
        "tuner = Tuner(space, conf_dict={'sense': 'minimize', 'seed': 3})\n"
        "for _ in range(14):\n"
        "    [p] = tuner.ask(); tuner.tell(p, (p['n'] - 9) ** 2 + p['rate'] + p['flag'])\n"
        "print(json.dumps(tuner.state_dict()))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads, "PATH": ""},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())["observations"]) == 14


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"format": 3}, "state:format"),
        ({"space": []}, "state:space"),
        ({"sense": "maximize"}, "state:sense"),
        ({"asked": -1}, "state"),
        ({"asked": None}, "state"),
        ({"observations": [{"point": [1], "value": 0.0}]}, "state"),
        ({"observations": [{"point": [True, [0.1, 0.2], 3, 0, 0.1], "value": 0.0}]}, "state"),
        ({"observations": [{"point": [0, [0.1, 0.2, 0.7], 3, 9, 0.1], "value": 0.0}]}, "state"),
        ({"observations": [{"point": [0, [0.1, 0.2, 0.7], 3, 0, 0.1], "value": float("nan")}]}, "state"),
        ({"pending": 3}, "state"),
    ],
)
def test_a_foreign_or_damaged_state_is_refused_and_changes_nothing(change, where):
    tuner = _drive(Tuner(MIXED, conf_dict=CONF), 3)
    before = tuner.state_dict()
    with pytest.raises(ConfigValueError) as caught:
        tuner.load_state_dict(before | change)
    assert caught.value.where == where
    assert tuner.state_dict() == before


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), "failed"])
def test_failures_are_kept_and_never_suggested_again(bad):
    tuner = Tuner({"a": range(6), "b": [False, True]}, conf_dict={"seed": 0})
    for i in range(12):
        [point] = tuner.ask()
        if i % 2:
            tuner.tell(point, 1.0 if bad == "failed" else bad, failed=bad == "failed")
        else:
            tuner.tell(point, float(point["a"]))
    assert [value is None for _, value in tuner.observations] == [False, True] * 6
    assert len({tuple(point.values()) for point, _ in tuner.observations}) == 12


def test_a_region_that_fails_is_left_alone():
    # The slope leads straight into the failing part, so the best point lies at its edge: a search blind to failures
    # would spend everything beyond it.
    tuner = Tuner({"x": st.uniform(0, 1), "y": st.uniform(0, 1)}, conf_dict={"seed": 1})
    for _ in range(40):
        [p] = tuner.ask()
        tuner.tell(p, None if p["x"] > 0.6 else p["x"] - (p["y"] - 0.5) ** 2)
    failures = sum(value is None for _, value in tuner.observations[10:])
    assert failures <= 20
    assert tuner.best[1] > 0.57


def test_nothing_but_failures_does_not_stop_the_suggestions():
    tuner = Tuner(MIXED, conf_dict=CONF)
    for _ in range(30):
        [point] = tuner.ask()
        tuner.tell(point, None)
    assert tuner.best is None
    assert np.isnan(tuner.predict([point])[0][0])
    assert len({tuner.space.code(point) for point, _ in tuner.observations}) == 30


def test_a_finite_space_is_evaluated_once_and_then_says_so():
    tuner = Tuner(
        {"a": range(7), "b": ["x", "y", "z"]}, conf_dict={"seed": 2, "constraint": lambda ps: [p["a"] != 3 for p in ps]}
    )
    seen = []
    while len(seen) < 18:
        points = tuner.ask(4)
        seen += [(p["a"], p["b"]) for p in points]
        for p in points[1:]:  # one of each batch stays pending
            tuner.tell(p, p["a"])
    assert len(set(seen)) == 18
    with pytest.raises(ExhaustedError):
        tuner.ask()
    assert issubclass(ExhaustedError, SpaceError)


@pytest.mark.parametrize("strategy", ["penalty", "clustering"])
def test_a_batch_larger_than_the_space_is_cut_short(strategy):
    tuner = Tuner({"a": range(5)}, conf_dict={"seed": 2, "parallel_strategy": strategy})
    tuner.tell({"a": 0}, 1.0)
    tuner.tell({"a": 4}, 2.0)
    assert sorted(p["a"] for p in tuner.ask(20)) == [1, 2, 3]


def test_a_single_point_space():
    tuner = Tuner({"a": [3], "b": ["only"]}, conf_dict={"seed": 0})
    assert tuner.ask() == [{"a": 3, "b": "only"}]
    with pytest.raises(ExhaustedError):
        tuner.ask()


def test_an_impossible_constraint_is_reported_at_the_first_question():
    tuner = Tuner(MIXED, conf_dict={"constraint": lambda points: [False] * len(points)})
    with pytest.raises(SpaceError, match="16384 random candidates"):
        tuner.ask()


def test_a_rare_feasible_region_is_found_and_searched():
    space = {"x": st.uniform(0, 1), "y": st.uniform(0, 1)}

    def thin(points):
        return [abs(p["x"] - p["y"]) < 0.003 for p in points]

    tuner = _drive(Tuner(space, conf_dict={"seed": 0, "constraint": thin}), 30, lambda p: -((p["x"] - 0.7) ** 2))
    assert all(thin([p for p, _ in tuner.observations]))
    assert tuner.best[1] > -1e-3


def test_only_what_the_users_sampler_draws_is_suggested():
    rng = np.random.default_rng(0)

    def multiples(param_dist, size):
        assert set(param_dist) == {"a", "b"}
        return [{"a": 7 * int(rng.integers(14)), "b": 5 * int(rng.integers(20))} for _ in range(size)]

    space = {"a": range(100), "b": range(100)}
    tuner = _drive(Tuner(space, conf_dict={"seed": 0, "param_sampler": multiples}), 25, lambda p: p["a"] + p["b"])
    assert all(p["a"] % 7 == 0 and p["b"] % 5 == 0 for p, _ in tuner.observations)
    assert tuner.best[1] >= 91 + 90


def test_integers_of_an_enormous_range_are_searched_finely():
    tuner = Tuner({"n": range(10**12)}, conf_dict={"seed": 0, "sense": "minimize"})
    _drive(tuner, 30, lambda p: (p["n"] / 10**12 - 0.3) ** 2)
    assert abs(tuner.best[0]["n"] / 10**12 - 0.3) < 1e-4


def test_replicates_and_foreign_points_may_be_told():
    tuner = Tuner({"n": range(10), "x": st.uniform(0, 1)}, conf_dict={"seed": 0})
    for value in (1.0, 1.2, 0.9):
        tuner.tell({"n": 4, "x": 0.5}, value)
    tuner.tell({"n": 25, "x": 0.5}, 5.0)
    assert len(tuner.ask(3)) == 3
    assert tuner.asked == 3


@pytest.mark.parametrize("value", ["good", [1.0, 2.0], {}])
def test_values_that_are_no_numbers(value):
    tuner = Tuner({"n": range(10)})
    with pytest.raises(ConfigTypeError):
        tuner.tell({"n": 1}, value)
    assert tuner.observations == []


def test_absurd_numbers_told_do_no_harm():
    tuner = Tuner({"n": range(10), "x": st.uniform(0, 1), "v": st.multivariate_normal([0, 0])}, conf_dict={"seed": 0})
    good = {"n": 4, "x": 0.5, "v": [0.0, 0.0]}
    for change in ({"n": 10**300}, {"n": -(10**18)}, {"x": 1e308}, {"v": [1e308, -1e308]}, {}, {"n": 5}, {"x": 0.1}):
        tuner.tell(good | change, 1e308 if change else -1e308)
    assert len(tuner.ask(3)) == 3
    with pytest.raises(SpaceError):
        tuner.tell(good | {"n": 10**400}, 1.0)


def test_misuse_is_refused():
    tuner = Tuner({"n": range(10)})
    with pytest.raises(ConfigValueError):
        tuner.ask(0)
    with pytest.raises(ConfigTypeError):
        tuner.ask(1.5)
    with pytest.raises(SpaceError):
        tuner.tell({"m": 1}, 0.0)
    with pytest.raises(ConfigTypeError):
        Tuner({"n": range(10)}, objective=3)
    with pytest.raises(ConfigTypeError, match="no objective"):
        tuner.maximize()


def test_pending_points_push_the_next_ones_away():
    tuner = _drive(Tuner({"x": st.uniform(0, 1)}, conf_dict={"seed": 0}), 6, lambda p: -((p["x"] - 0.3) ** 2))
    points = [p["x"] for p in tuner.ask(4)]
    gaps = np.abs(np.subtract.outer(points, points))[np.triu_indices(4, 1)]
    assert gaps.min() > 1e-4


def test_predictions_are_in_the_users_units():
    tuner = Tuner({"x": st.uniform(0, 1)}, conf_dict={"seed": 0, "sense": "maximize"})
    for x in np.linspace(0, 1, 12):
        tuner.tell({"x": x}, 100 + 50 * np.sin(3 * x))
    mean, deviation = tuner.predict([{"x": 0.33}, {"x": 0.71}])
    np.testing.assert_allclose(mean, 100 + 50 * np.sin([0.99, 2.13]), atol=1.0)
    assert np.all((deviation > 0) & (deviation < 3))


def test_exploration_brings_random_points_in():
    conf = {"seed": 0, "sense": "minimize", "exploration": 1.0, "exploration_decay": 1.0}
    tuner = _drive(Tuner({"x": st.uniform(0, 1)}, conf_dict=conf), 40, lambda p: (p["x"] - 0.3) ** 2)
    far = np.mean([abs(p["x"] - 0.3) > 0.1 for p, _ in tuner.observations[4:]])
    assert far > 0.5


def test_importing_the_package_is_light():
    program = "import sys, tinynas.tuner; print(sorted({'sklearn','joblib','scipy','tensorflow'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert out.strip() == "[]"
