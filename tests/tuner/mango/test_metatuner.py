import math
import time

import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import ConfigTypeError, ConfigValueError, MetaTuner, scheduler
from tinynas.tuner.mango.arms import expected_improvement

LINES = [{"x": st.uniform(-10, 22)}, {"x": st.uniform(-10, 47)}, {"x": st.uniform(-10, 47)}]


@scheduler.serial
def cube(x):
    return x**3


@scheduler.serial
def square(x):
    return x * x


@scheduler.serial
def steep(x):
    return 37 * abs(x)


OBJECTIVES = [cube, square, steep]
QUIET = {"log_progress": False}


@pytest.mark.parametrize("rule", ["student", "mango"])
def test_the_results_are_those_of_mango(rule):
    meta = MetaTuner(LINES, OBJECTIVES, n_iter=5, n_init=2, rule=rule, seed=3, **QUIET)
    results = meta.run()
    assert len(results["params_tried"]) == len(results["objective_values"]) == len(results["objective_fid"]) == 11
    assert results["random_objective_fid"] == [0, 0, 1, 1, 2, 2]
    assert results["params_tried"][:6] == results["random_params"]
    best = int(np.argmax(results["objective_values"]))
    assert results["best_objective"] == results["objective_values"][best]
    assert results["best_params"] == results["params_tried"][best]
    assert results["best_objective_fid"] == results["objective_fid"][best]
    for index, params, value in zip(
        results["objective_fid"], results["params_tried"], results["objective_values"], strict=True
    ):
        assert OBJECTIVES[index]([params]) == [value]


def test_bad_starts_do_not_decide():
    # The cube ends at 1728, the others at 1369: but it starts at its bottom, and they start near their tops.
    for seed in range(3):
        meta = MetaTuner(LINES, seed=seed)
        rng = np.random.default_rng([7, seed])
        for index, (low, high) in enumerate([(-10, 0), (18, 37), (18, 37)]):
            for x in rng.uniform(low, high, size=2):
                meta.tell(index, {"x": x}, OBJECTIVES[index]([{"x": x}])[0])
        for _ in range(34):
            [(index, point)] = meta.ask()
            meta.tell(index, point, OBJECTIVES[index]([point])[0])
        assert meta.best[0] == 0
        assert meta.best[2] > 1700


def test_a_hopeless_arm_is_looked_at_ever_more_rarely():
    meta = MetaTuner([{"x": st.uniform(0, 1)}] * 2, seed=0)
    looked = []
    for number in range(-3, 50):
        [(index, point)] = meta.ask()
        value = point["x"] - 5 if index == 0 else math.sin(9 * point["x"]) - point["x"]
        meta.tell(index, point, value)
        if index == 0 and number > 0:
            looked.append(number)
    assert {6, 12, 24, 48} <= set(looked)
    assert len(looked) <= 10


def test_minimising_is_maximising_the_negative():
    spaces = [{"a": range(30)}, {"b": st.uniform(0, 1)}]
    scores = [lambda ps: [abs(p["a"] - 7) for p in ps], lambda ps: [1 + p["b"] for p in ps]]
    flipped = [lambda ps, f=f: [-v for v in f(ps)] for f in scores]
    low = MetaTuner(spaces, scores, n_iter=15, seed=4, **QUIET).minimize()
    high = MetaTuner(spaces, flipped, n_iter=15, seed=4, **QUIET).maximize()
    assert low["params_tried"] == high["params_tried"]
    assert low["objective_values"] == [-v for v in high["objective_values"]]
    assert low["best_objective"] == 0


def test_an_arm_that_always_fails_leaves_the_budget_to_the_others():
    def broken(points):
        raise RuntimeError("no such model")

    results = MetaTuner([LINES[1], LINES[1]], [broken, square], n_iter=15, seed=0, **QUIET).run()
    assert set(results["objective_fid"]) == {1}
    assert len(results["objective_values"]) >= 12


@pytest.mark.parametrize("rule", ["student", "mango"])
def test_an_arm_that_always_fails_costs_little(rule):
    meta = MetaTuner([LINES[1], LINES[1]], rule=rule, seed=0)
    asked = [0, 0]
    for _ in range(30):
        [(index, point)] = meta.ask()
        asked[index] += 1
        meta.tell(index, point, None if index == 0 else point["x"])
    assert asked[0] <= 6


def test_an_arm_that_fails_now_and_then_counts_by_its_successes():
    # Two arms alike, but for the failures of the first: no point of it is worth as much.
    meta = MetaTuner([{"x": st.uniform(0, 1)}] * 2, seed=0)
    rng = np.random.default_rng(0)
    asked = [0, 0]
    for _ in range(40):
        [(index, point)] = meta.ask()
        asked[index] += 1
        failed = index == 0 and rng.random() < 0.7
        meta.tell(index, point, math.sin(8 * point["x"]) + point["x"], failed=failed)
    assert asked[0] < asked[1]


def test_when_everything_fails_it_says_so():
    def broken(points):
        raise RuntimeError("no such model")

    with pytest.raises(ConfigValueError, match="not one evaluation succeeded") as caught:
        MetaTuner(LINES[:1], [broken], n_iter=3, seed=0, **QUIET).run()
    assert str(caught.value.__cause__) == "no such model"


@pytest.mark.parametrize("rule", ["student", "mango"])
def test_an_arm_without_an_allowed_point_is_left_out(rule, caplog):
    nothing = [lambda ps: [False] * len(ps), None]
    results = MetaTuner(LINES[:2], OBJECTIVES[:2], n_iter=3, seed=0, rule=rule, constraints=nothing, **QUIET).run()
    assert results["objective_fid"] == [1] * 5
    assert "space 0 is left out" in caplog.text
    with pytest.raises(SpaceError, match="no point satisfies the constraint"):
        MetaTuner(LINES[:1], OBJECTIVES[:1], seed=0, constraints=nothing[:1], **QUIET).run()


def test_what_has_no_point_left_is_not_searched_again():
    calls = []

    def nothing(points):
        calls.append(len(points))
        return [False] * len(points)

    meta = MetaTuner(LINES[:2], seed=0, constraints=[nothing, None])
    meta.ask(2)
    searched = len(calls)
    meta.ask(4)
    assert len(calls) == searched


def test_partial_answers_and_batches():
    @scheduler.custom(n_jobs=3)
    def half(points):
        kept = points[: max(1, len(points) // 2)]
        return kept, [p["x"] for p in kept]

    meta = MetaTuner(LINES[:2], [half, half], n_iter=4, seed=0, **QUIET)
    assert meta.config.batch_size == 3
    results = meta.run()
    assert 6 <= len(results["objective_values"]) < 2 * 2 + 4 * 3


def test_finite_arms_are_evaluated_once_and_then_skipped():
    spaces = [{"a": range(3)}, {"b": ["x", "y"]}]
    results = MetaTuner(spaces, [lambda ps: [p["a"] for p in ps], lambda ps: [0] * len(ps)], n_iter=20, seed=1, **QUIET)
    results = results.run()
    assert len(results["params_tried"]) == 5
    meta = MetaTuner(spaces, seed=1)
    assert len(meta.ask(9)) == 5
    with pytest.raises(SpaceError):
        meta.ask()


def test_constraints_hold_in_every_arm():
    limits = [lambda ps: [p["x"] > 0 for p in ps], None, lambda ps: [p["x"] < 5 for p in ps]]
    results = MetaTuner(LINES, OBJECTIVES, n_iter=10, seed=2, constraints=limits, **QUIET).run()
    tried = list(zip(results["objective_fid"], results["params_tried"], strict=True))
    assert all(params["x"] > 0 for index, params in tried if index == 0)
    assert all(params["x"] < 5 for index, params in tried if index == 2)


def test_early_stopping():
    stop = {"early_stopping": lambda results: len(results["params_tried"]) >= 9}
    assert len(MetaTuner(LINES, OBJECTIVES, n_iter=20, seed=2, **stop, **QUIET).run()["params_tried"]) == 9


@pytest.mark.parametrize("rule", ["student", "mango"])
def test_a_saved_state_goes_on_as_before(rule, tmp_path):
    # No seeds: they are drawn, and come with the state.
    first, second = (MetaTuner(LINES, rule=rule) for _ in range(2))
    for _ in range(14):
        [(index, point)] = first.ask()
        first.tell(index, point, OBJECTIVES[index]([point])[0])
    waiting = first.ask()
    first.save(tmp_path / "state.json")
    second.load(tmp_path / "state.json")
    assert second.best == first.best
    assert second.pending == first.pending == waiting
    for _ in range(4):
        asked = first.ask(2)
        assert second.ask(2) == asked
        for index, point in asked:
            first.tell(index, point, OBJECTIVES[index]([point])[0])
            second.tell(index, point, OBJECTIVES[index]([point])[0])


def test_a_state_that_is_not_its_own_is_refused_and_changes_nothing():
    meta = MetaTuner(LINES, seed=9)
    for index, point in meta.ask(6):
        meta.tell(index, point, OBJECTIVES[index]([point])[0])
    state, asked = meta.state_dict(), meta.ask()
    later = MetaTuner(LINES, seed=1)
    later.load_state_dict(state)
    before = later.state_dict()
    damaged = [
        (None, "not a saved state"),
        ({}, "not a saved state"),
        ({**state, "format": 0}, "another format"),
        ({**state, "arms": state["arms"][:2]}, "other spaces"),
        ({**state, "arms": [state["arms"][1]] * 2 + [{}]}, "not a saved state of a tuner"),
        ({**state, "chosen": [3]}, "damaged"),
        ({**state, "chosen": [True]}, "damaged"),
        ({**state, "seed": None}, "damaged"),
    ]
    for wrong, message in damaged:
        with pytest.raises(ConfigValueError, match=message):
            later.load_state_dict(wrong)
    assert later.state_dict() == before
    assert later.ask() == asked


def test_the_spaces_in_the_terms_of_mango():
    meta = MetaTuner(LINES, OBJECTIVES, n_iter=4, seed=3, **QUIET)
    assert [domain.get_random_sample(1)[0].keys() for domain in meta.ds] == [space.keys() for space in LINES]


def test_points_that_will_never_be_told_are_forgotten():
    meta = MetaTuner([{"a": range(2)}], seed=0)
    asked = meta.ask(2)
    with pytest.raises(SpaceError):
        meta.ask()
    meta.forget(*asked[0])
    assert meta.pending == asked[1:]
    assert meta.ask() == asked[:1]
    for index in (1, -1, "0"):
        with pytest.raises((ConfigTypeError, ConfigValueError)):
            meta.tell(index, {"a": 0}, 1.0)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"n_itr": 3}, ConfigTypeError),
        ({"rule": "best"}, ConfigValueError),
        ({"n_init": 0}, ConfigValueError),
        ({"objective_list": [cube]}, ConfigValueError),
        ({"constraints": [None]}, ConfigValueError),
        ({"param_dict_list": {}}, ConfigTypeError),
        ({"param_dict_list": []}, ConfigValueError),
        ({"objective_list": cube}, ConfigTypeError),
        ({"objective_list": [cube, square, 1]}, ConfigTypeError),
        ({"constraints": 7}, ConfigTypeError),
        ({"sense": ["maximize", "minimize"]}, ConfigValueError),
        ({"seed": -1}, ConfigValueError),
        ({"batch_size": 0}, ConfigValueError),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(error):
        MetaTuner(**{"param_dict_list": LINES, **arguments})


@pytest.mark.slow
def test_students_improvement_agrees_with_an_integral():
    for mean, scale, freedom in [(0.0, 1.0, 3.0), (2.0, 0.7, 5.0), (-1.0, 2.0, 2.0)]:
        x = np.linspace(-4000, 0, 4_000_001)
        density = st.t.pdf((x - mean) / scale, freedom) / scale
        integral = float(np.sum(-x * density) * (x[1] - x[0]))
        assert expected_improvement(mean, scale, freedom) == pytest.approx(integral, rel=5e-3)


def test_a_suggestion_takes_little_time():
    meta = MetaTuner([{f"x{i}": st.uniform(0, 1) for i in range(d + 1)} for d in range(5)], seed=0)
    rng = np.random.default_rng(0)
    for index, tuner in enumerate(meta.tuners):
        for _ in range(16):
            meta.tell(index, tuner.space.params(tuner.space.codes(tuner.space.sample(rng, 1))[0]), rng.normal())
    meta.ask()
    fits = [tuner.model for tuner in meta.tuners]
    [(index, point)] = meta.ask()
    meta.tell(index, point, 1.0)
    start = time.process_time()
    meta.ask()
    assert time.process_time() - start < 1.0  # twenty times what it takes, so that a busy machine does not matter
    assert sum(tuner.model is not fit for tuner, fit in zip(meta.tuners, fits, strict=True)) == 1


def test_a_search_is_taken_up_from_its_records():
    """The same suggestions as without the interruption, wherever it was: what the rule has chosen is found again."""
    spaces = [{"x": st.uniform(0, 1)}, {"y": st.uniform(0, 1), "n": range(1, 9)}, {"z": range(1, 4)}]

    def new():
        return MetaTuner(spaces, n_init=2, sense="minimize", seed=4)

    def outcome(index, point):
        if index == 2:
            return None  # an arm that always fails
        return (point["x"] - 0.3) ** 2 if index == 0 else 0.1 + (point["y"] - 0.6) ** 2 + point["n"] / 50

    whole, events = new(), []
    for _ in range(14):
        [(index, point)] = whole.ask()
        events.append((index, point, outcome(index, point)))
        whole.tell(*events[-1])
    for cut in (0, 1, 5, 9, 13):
        again = new()
        under_way = [events[cut][:2]] if cut % 2 else []
        again.restore(events[:cut], under_way)
        for event in events[cut : cut + len(under_way)]:
            again.tell(*event)
        for event in events[cut + len(under_way) :]:
            assert again.ask() == [event[:2]]
            again.tell(*event)


def test_conditions_and_options_reach_each_arm():
    meta = MetaTuner(
        [{"depth": range(1, 4), "second": range(5)}, {"x": range(9)}],
        conditions=[{"second": {"depth": [2, 3]}}, None],
        arm_options={"exploration": 0.0},
        n_init=6,
        sense="minimize",
        seed=0,
    )
    found = []
    for number in range(24):
        [(index, point)] = meta.ask()
        meta.tell(index, point, float(number), fidelity=0.5 if number % 2 else 1.0)
        found.append((index, point))
    assert all(("second" in point) == (point["depth"] > 1) for index, point in found if index == 0)
    assert {point["depth"] for index, point in found if index == 0} == {1, 2, 3}
