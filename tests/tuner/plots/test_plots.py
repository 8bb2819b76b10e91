"""Figures say what the tuner knows, and drawing them changes nothing."""

import json
import math

import numpy as np
import pytest
import scipy.stats

from tinynas.tuner import ConfigTypeError, ConfigValueError, Tuner, scheduler
from tinynas.tuner.plots import batch_2d, convergence, surrogate_1d


def searched(params, value, count=8, failing=(), **conf):
    tuner = Tuner(params, conf_dict={"seed": 1, **conf})
    for number in range(count):
        [point] = tuner.ask()
        tuner.tell(point, None if number in failing else value(point))
    return tuner


def line(sense="minimize", **more):
    sign = 1.0 if sense == "minimize" else -1.0
    return searched({"x": scipy.stats.uniform(-2, 4)}, lambda p: sign * (p["x"] - 0.5) ** 2, sense=sense, **more)


def plane(**more):
    params = {"x": scipy.stats.uniform(-2, 4), "y": range(30)}
    return searched(params, lambda p: p["x"] ** 2 + (p["y"] / 10 - 1) ** 2, sense="minimize", **more)


def named(traces):
    return {trace.name: trace for trace in traces}


def test_every_evaluation_from_the_first_success_on_has_a_frame():
    figure = surrogate_1d(line(failing=(0, 4)))
    assert [frame.name for frame in figure.frames] == [str(count) for count in range(2, 9)]
    assert len(figure.layout.sliders[0].steps) == 7
    assert [len(named(frame.data)["evaluated"].x) for frame in figure.frames] == [1, 2, 3, 3, 4, 5, 6]
    assert [len(named(frame.data)["failed"].x) for frame in figure.frames] == [1, 1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("acquisition", ["log_ei", "ucb"])
def test_the_band_holds_the_mean_and_the_acquisition_is_scaled(acquisition):
    for frame in surrogate_1d(line(acquisition=acquisition)).frames:
        upper, lower, mean, _, _, scores, _ = frame.data
        assert np.all(np.asarray(lower.y) <= np.asarray(mean.y))
        assert np.all(np.asarray(mean.y) <= np.asarray(upper.y))
        assert max(scores.y) == 1.0
        assert min(scores.y) >= 0.0
        assert np.all(np.diff(mean.x) > 0)
        assert np.array_equal(mean.x, scores.x)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_the_last_frame_is_what_the_tuner_predicts_in_the_users_sign(sense):
    tuner = line(sense)
    figure = surrogate_1d(tuner, objective=lambda points: [(p["x"] - 0.5) ** 2 for p in points])
    curves = named(figure.data)
    mean, deviation = tuner.predict([{"x": x} for x in curves["mean"].x])
    assert np.allclose(curves["mean"].y, mean)
    assert np.allclose(curves["upper end"].y, mean + 2 * deviation)
    assert list(curves["evaluated"].y) == [value for _, value in tuner.observations]
    assert np.allclose(curves["objective"].y, (np.asarray(curves["objective"].x) - 0.5) ** 2)


def test_the_objective_may_be_a_scheduled_one_that_fails_at_some_points():
    @scheduler.serial
    def root(x):
        return math.sqrt(x - 3)

    tuner = searched({"x": range(10)}, lambda p: p["x"], count=3)
    curve = surrogate_1d(tuner, objective=root).data[-1]
    assert list(curve.x) == list(range(10))
    assert list(curve.y) == [None] * 3 + [math.sqrt(x - 3) for x in range(3, 10)]


def test_a_frame_shows_which_point_came_next_and_the_last_one_what_is_pending():
    tuner = line()
    pending = tuner.ask(2)
    figure = surrogate_1d(tuner)
    told = [point["x"] for point, _ in tuner.observations]
    upcoming = [frame.data[-1].x for frame in figure.frames]
    assert [x[0] for x in upcoming[:-1]] == told[1:]
    assert [upcoming[-1][0], upcoming[-1][3]] == [point["x"] for point in pending]


def test_the_next_point_is_where_the_acquisition_is_high():
    # The first suggestions are the design, and every second one polishes the best point instead.
    tuner = searched({"x": range(100)}, lambda p: math.sin(p["x"] / 9), count=7, sense="maximize")
    for frame in surrogate_1d(tuner).frames[3:-1]:
        _, _, _, _, _, scores, ahead = frame.data
        free = ~np.isin(scores.x, frame.data[3].x)
        highest = np.asarray(scores.y)[free].max()
        assert np.asarray(scores.y)[list(scores.x).index(ahead.x[0])] == pytest.approx(highest)


def test_a_log_uniform_parameter_has_a_logarithmic_axis():
    tuner = searched({"rate": scipy.stats.loguniform(1e-5, 1e-1)}, lambda p: -((math.log10(p["rate"]) + 3) ** 2))
    figure = surrogate_1d(tuner)
    assert figure.layout.xaxis.type == figure.layout.xaxis2.type == "log"
    assert min(figure.data[2].x) == pytest.approx(1e-5)
    assert figure.layout.xaxis.range[0] < -5
    assert figure.layout.xaxis.range[1] > -1
    assert surrogate_1d(line()).layout.xaxis2.type == "linear"


def test_one_of_several_parameters_is_cut_through_the_best_point():
    tuner = plane()
    figure = surrogate_1d(tuner, "x")
    best, value = tuner.best
    mean, _ = tuner.predict([best | {"x": x} for x in figure.data[2].x])
    assert np.allclose(figure.data[2].y, mean)
    through = [
        y for y, symbol in zip(figure.data[3].y, figure.data[3].marker.symbol, strict=True) if symbol == "circle"
    ]
    assert value in through
    assert len(through) < len(figure.data[3].y)


def test_a_run_in_another_sense_than_configured_is_drawn_in_its_own():
    tuner = Tuner(
        {"x": range(50)}, lambda points: [(p["x"] - 20) ** 2 for p in points],
        {"seed": 1, "num_iteration": 4, "log_progress": False, "initial_custom": [{"x": 3}]},
    )  # fmt: skip
    results = tuner.minimize()
    assert len(surrogate_1d(tuner).frames) == len(results["objective_values"])
    assert convergence(tuner).data[0].y[-1] == results["best_objective"]


def test_chosen_points_come_from_different_clusters():
    figure = batch_2d(plane(failing=(2,)), n=4)
    traces = named(figure.data)
    groups = [set(zip(trace.x, trace.y, strict=True)) for trace in figure.data if trace.name.startswith("cluster")]
    chosen = set(zip(traces["chosen"].x, traces["chosen"].y, strict=True))
    assert len(chosen) == len(groups) == 4
    assert all(len(group & chosen) == 1 for group in groups)
    assert len(traces["evaluated"].x) == 7
    assert len(traces["failed"].x) == 1


def test_the_first_chosen_point_is_where_the_contour_is_highest():
    tuner = searched({"x": range(12), "y": range(12)}, lambda p: (p["x"] - 3) ** 2 + p["y"], sense="minimize")
    figure = batch_2d(tuner, n=3)
    z, known = np.array(figure.data[0].z), figure.data[-4]
    for x, y in zip(known.x, known.y, strict=True):
        z[y, x] = -np.inf
    assert z[figure.data[-1].y[0], figure.data[-1].x[0]] == z.max()


def test_a_contour_is_blank_where_the_constraint_forbids():
    tuner = plane(constraint=lambda points: [p["y"] < 15 for p in points])
    figure = batch_2d(tuner, n=3)
    forbidden = np.asarray(figure.data[0].y) >= 15
    assert np.array_equal(np.isnan(np.array(figure.data[0].z)).all(axis=1), forbidden)
    assert max(figure.data[-1].y) < 15


@pytest.mark.parametrize("draw", [surrogate_1d, convergence])
def test_drawing_changes_nothing(draw):
    tuner = line()
    tuner.ask()
    before = tuner.state_dict()
    draw(tuner)
    assert tuner.state_dict() == before


def test_drawing_a_batch_leaves_nothing_pending():
    tuner, twin = plane(), plane()
    before = tuner.state_dict()
    batch_2d(tuner)
    assert tuner.state_dict() == before
    assert tuner.ask(3) == twin.ask(3)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_the_best_so_far_only_gets_better(sense):
    sign = 1.0 if sense == "minimize" else -1.0
    tuner = line(sense, failing=(0, 3))
    best, points, failed = convergence(tuner).data
    losses = sign * np.asarray(best.y)
    assert np.isnan(losses[0])
    assert np.all(np.diff(losses[1:]) <= 0)
    assert best.y[-1] == tuner.best[1]
    assert list(failed.x) == [1, 4]
    assert list(points.x) == [2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize(("best", "expected"), [(1.0, [3.0, 1.0, 1.0]), (3.0, [3.0, 3.0, 3.0])])
def test_results_tell_their_sense_by_their_best(best, expected):
    figure = convergence({"objective_values": np.array([3.0, 1.0, 2.0]), "best_objective": best})
    assert list(figure.data[0].y) == expected


@pytest.mark.parametrize(
    ("minimize", "minimum", "values"), [(True, 1.0, [5, 3, 1, 2]), (False, -1.0, [-5, -3, -1, -2])]
)
def test_regret_is_logarithmic_and_never_zero(minimize, minimum, values):
    figure = convergence({"objective_values": values}, minimize=minimize, minimum=minimum)
    assert figure.layout.yaxis.type == "log"
    assert np.allclose(figure.data[0].y, [4.0, 2.0, 0.1, 0.1])


def test_several_searches_keep_their_names_and_their_lengths():
    figure = convergence({"ours": line(), "theirs": {"objective_values": [2.0, np.nan, 1.0]}}, minimize=True)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [(trace.name, len(trace.x)) for trace in lines] == [("ours", 8), ("theirs", 3)]
    assert list(named(figure.data)["theirs failed"].x) == [2]
    assert [trace.name for trace in convergence([line(), line()]).data[::3]] == ["search 1", "search 2"]


def test_infeasible_and_unfaithful_evaluations_are_no_best():
    tuner = Tuner({"x": range(9)}, conf_dict={"sense": "minimize"})
    tuner.tell({"x": 5}, 5, constraints=[-1])
    tuner.tell({"x": 1}, 1, constraints=[1])
    tuner.tell({"x": 0}, 0, constraints=[-1], fidelity=0.5)
    best, points, _ = convergence(tuner).data
    assert list(best.y) == [5, 5, 5]
    assert list(points.marker.symbol) == ["circle", "circle-open", "circle-open"]


def test_figures_are_json():
    for figure in (surrogate_1d(line()), batch_2d(plane(), 3), convergence([line()], minimum=0.0)):
        assert json.loads(figure.to_json())["data"]


def test_what_does_not_fit_is_refused():
    untold = Tuner({"x": range(9)})
    senses = Tuner({"x": range(9)}, conf_dict={"sense": ["minimize", "maximize"]})
    senses.tell({"x": 1}, (1, 2))
    words = searched({"x": ["a", "b", "c"]}, lambda p: ord(p["x"]), count=2)
    for draw, message in (
        (lambda: surrogate_1d(untold), "succeeded"),
        (lambda: batch_2d(untold), "succeeded"),
        (lambda: convergence(untold), "succeeded"),
        (lambda: convergence([]), "succeeded"),
        (lambda: surrogate_1d(senses), "several senses"),
        (lambda: convergence(senses), "several senses"),
        (lambda: surrogate_1d(words), "not a number"),
        (lambda: surrogate_1d(plane()), "2 parameters"),
        (lambda: surrogate_1d(plane(), "z"), "not a parameter"),
        (lambda: surrogate_1d(plane(), "x", objective=len), "one parameter only"),
        (lambda: batch_2d(line()), "two parameters"),
        (lambda: batch_2d(plane(), 1), "at least 2"),
        (lambda: convergence({"objective_values": [1.0, 2.0]}), "minimises"),
        (lambda: convergence([line("minimize"), line("maximize")]), "some minimise"),
    ):
        with pytest.raises(ConfigValueError, match=message):
            draw()
    with pytest.raises(ConfigTypeError):
        surrogate_1d({"objective_values": []})
    with pytest.raises(ConfigTypeError):
        convergence([3])
