import logging

import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import ConfigError
from tinynas.tuner import ConfigTypeError, Tuner, scheduler

SPACE = {"x": range(-10, 11), "y": range(-10, 11)}
QUIET = {"log_progress": False, "seed": 0}


def bowl(batch):
    return [(p["x"] - 4) ** 2 + (p["y"] + 2) ** 2 for p in batch]


def test_results_have_mangos_form():
    results = Tuner(SPACE, bowl, QUIET | {"num_iteration": 15}).minimize()
    tried, values = results["params_tried"], results["objective_values"]
    assert isinstance(tried, np.ndarray)
    assert tried.dtype == object
    assert len(tried) == len(values) == len(results["surrogate_values"]) == 17
    assert values.tolist() == bowl(tried)
    assert results["best_objective"] == values.min() < 5
    assert results["best_params"] == tried[int(values.argmin())]
    assert results["best_params"] in tried
    assert results["random_params"].tolist() == tried[:2].tolist()
    assert results["random_params_objective"].tolist() == values[:2].tolist()


def test_surrogate_values_are_predictions_in_the_users_sign():
    results = Tuner(SPACE, bowl, QUIET | {"num_iteration": 25}).minimize()
    late = slice(15, None)
    assert np.corrcoef(results["surrogate_values"][late], results["objective_values"][late])[0, 1] > 0.8
    assert results["surrogate_values"][:2].tolist() == results["objective_values"][:2].tolist()


@pytest.mark.slow
def test_runs_in_both_senses_on_one_tuner_start_afresh():
    tuner = Tuner(SPACE, bowl, QUIET | {"num_iteration": 12})
    low, high, again = tuner.minimize(), tuner.maximize(), tuner.minimize()
    assert low["best_objective"] < 10
    assert high["best_objective"] > 250
    assert tuner.results is again
    assert again["objective_values"].tolist() == low["objective_values"].tolist()
    assert not tuner.maximize_objective
    assert tuner.run()["best_objective"] > 250


def test_batches_have_the_size_asked_for():
    sizes = []

    def objective(batch):
        sizes.append(len(batch))
        return bowl(batch)

    Tuner(SPACE, objective, QUIET | {"num_iteration": 4, "batch_size": 3, "initial_random": 5}).minimize()
    assert sizes == [5, 3, 3, 3, 3]


def test_the_batch_size_of_a_scheduler_wins():
    sizes = []

    @scheduler.custom(n_jobs=2)
    def objective(batch):
        sizes.append(len(batch))
        return bowl(batch)

    Tuner(SPACE, objective, QUIET | {"num_iteration": 3, "batch_size": 5}).minimize()
    assert sizes == [2, 2, 2, 2]


def test_the_random_optimiser_draws_without_initial_points():
    results = Tuner(SPACE, bowl, QUIET | {"optimizer": "Random", "num_iteration": 30}).minimize()
    assert len(results["params_tried"]) == 30
    assert set(results) == {"params_tried", "objective_values", "best_objective", "best_params"}
    assert len({(p["x"], p["y"]) for p in results["params_tried"]}) == 30


@pytest.mark.parametrize("optimizer", ["Bayesian", "Random"])
def test_a_grid_smaller_than_the_budget_is_tried_once(optimizer):
    conf = QUIET | {"optimizer": optimizer, "num_iteration": 50, "batch_size": 4}
    results = Tuner({"x": range(3), "y": [False, True]}, lambda b: [p["x"] for p in b], conf).maximize()
    assert sorted((p["x"], p["y"]) for p in results["params_tried"]) == [
        (x, y) for x in range(3) for y in (False, True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "conf",
    [
        {"acquisition": "ucb"},
        {"acquisition": "ucb", "alpha": None},
        {"domain_size": 50},
        {"fixed_domain": True},
        {"design_size": 2},
        {"exploration": 0.3, "scale_params": True},
        {"parallel_strategy": "clustering", "batch_size": 2},
    ],
    ids=str,
)
def test_every_setting_finds_the_bottom_of_a_bowl(conf):
    space = {"x": range(-100, 101), "y": st.uniform(-10, 20)}
    results = Tuner(space, bowl, QUIET | {"num_iteration": 18} | conf).minimize()
    assert results["best_objective"] < 4  # the median of the best of 27 random points is about 24


def test_early_stopping_sees_a_copy_and_stops_at_once():
    def stop(results):
        results["params_tried"][0]["x"] = "spoilt"
        return len(results["params_tried"]) >= 5

    for optimizer in ("Bayesian", "Random"):
        conf = QUIET | {"optimizer": optimizer, "initial_random": 1, "early_stopping": stop}
        results = Tuner(SPACE, bowl, conf).minimize()
        assert len(results["params_tried"]) == 5
        assert results["params_tried"][0]["x"] != "spoilt"


def test_initial_points_to_evaluate_come_first():
    first = [{"x": -10, "y": 10}, {"x": 10, "y": 10}]
    results = Tuner(SPACE, bowl, QUIET | {"initial_custom": first, "num_iteration": 3}).minimize()
    assert results["params_tried"][:2].tolist() == results["random_params"].tolist() == first
    assert len(results["params_tried"]) == 5


def test_evaluated_initial_points_are_not_evaluated_again():
    calls = []

    def objective(batch):
        calls.extend(batch)
        return bowl(batch)

    known = [({"x": -10, "y": 10}, 340.0), ({"x": 30, "y": 0}, 680.0)]
    results = Tuner(SPACE, objective, QUIET | {"initial_custom": known, "num_iteration": 3}).minimize()
    assert results["objective_values"][:2].tolist() == [340.0, 680.0]
    assert all(point in results["params_tried"] for point, _ in known)
    assert len(calls) == 3


def test_recorded_values_belong_to_recorded_points_when_some_fail():
    rng = np.random.default_rng(0)

    def objective(batch):
        good = [p for p in batch if rng.random() < 0.6]
        return list(reversed(good)), list(reversed(bowl(good)))

    results = Tuner(SPACE, objective, QUIET | {"num_iteration": 12, "batch_size": 3}).minimize()
    assert results["objective_values"].tolist() == bowl(results["params_tried"])
    assert 8 <= len(results["params_tried"]) < 38


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), "raise"])
def test_bad_values_and_exceptions_are_failures(bad, caplog):
    def objective(batch):
        if bad == "raise" and batch[0]["x"] > 0:
            raise RuntimeError("the board is on fire")
        return [bad if p["x"] > 0 and bad != "raise" else value for p, value in zip(batch, bowl(batch), strict=True)]

    with caplog.at_level(logging.WARNING, logger="tinynas.tuner"):
        results = Tuner(SPACE, objective, QUIET | {"num_iteration": 20}).minimize()
    assert len(results["params_tried"]) < 22
    assert np.all(np.isfinite(results["objective_values"]))
    assert results["best_objective"] <= 25
    assert bad == "raise" or all(p["x"] <= 0 for p in results["params_tried"])
    assert ("on fire" in caplog.text) == (bad == "raise")


def test_an_objective_that_never_works_ends_with_its_own_reason():
    def objective(batch):
        raise RuntimeError("no licence")

    with pytest.raises(ValueError, match="No valid configuration") as caught:
        Tuner(SPACE, objective, QUIET).maximize()
    assert "no licence" in repr(caught.value.__cause__)
    assert isinstance(caught.value, ConfigError)


def test_best_is_present_without_any_iteration():
    results = Tuner(SPACE, bowl, QUIET | {"num_iteration": 0}).minimize()
    assert results["best_objective"] == min(results["random_params_objective"])


def test_the_users_dictionaries_are_not_shared():
    def objective(batch):
        values = bowl(batch)
        for p in batch:
            p.clear()
        return values

    results = Tuner(SPACE, objective, QUIET | {"num_iteration": 3}).minimize()
    assert results["objective_values"].tolist() == bowl(results["params_tried"])


@pytest.mark.parametrize("answer", [3.0, None, [1.0, 2.0, 3.0], ([{"x": 1, "y": 1}], []), (1.0, 2.0), ([], [], [])])
def test_answers_of_the_wrong_shape(answer):
    with pytest.raises(ConfigTypeError, match="the objective"):
        Tuner(SPACE, lambda batch: answer, QUIET).maximize()


def test_a_run_does_not_silently_drop_what_was_told_by_hand():
    tuner = Tuner(SPACE, bowl, QUIET)
    tuner.tell({"x": 1, "y": 1}, 3.0)
    with pytest.raises(ConfigError, match="by hand"):
        tuner.minimize()


def test_interrupts_pass_through():
    def objective(batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tuner(SPACE, objective, QUIET).minimize()


def test_a_multivariate_parameter_in_batches_with_half_of_all_evaluations_failing():
    rng = np.random.default_rng(1)

    def objective(batch):
        good = [p for p in batch if rng.random() < 0.5]
        return good, [p["a"] + p["b"] + p["mix"][0] for p in good]

    space = {"a": range(1, 100), "b": range(1, 100), "mix": st.dirichlet([1.0, 1.0])}
    conf = QUIET | {"num_iteration": 20, "batch_size": 3, "initial_random": 4}
    results = Tuner(space, objective, conf).maximize()
    assert results["best_params"]["a"] >= 97
    assert results["best_params"]["b"] >= 97


class Bar:
    """Stands in for the bar, whose steps and lines it counts."""

    def __init__(self):
        self.loops, self.lines = [], []

    def __call__(self, steps):
        self.loops.append(len(steps))
        return steps

    def write(self, line):
        self.lines.append(line)


@pytest.mark.parametrize("optimizer", ["Bayesian", "Random"])
@pytest.mark.parametrize("wanted", [True, False])
def test_progress_is_shown_only_when_wanted(monkeypatch, optimizer, wanted):
    bar = Bar()
    monkeypatch.setattr("tinynas.tuner.mango.tuner.tqdm", bar)
    conf = {"seed": 0, "num_iteration": 3, "log_progress": wanted, "optimizer": optimizer}
    results = Tuner(SPACE, bowl, conf).minimize()
    assert bar.loops == ([3] if wanted else [])
    assert len(bar.lines) == (3 if wanted else 0)
    if wanted:
        assert bar.lines[-1] == f"Best score: {results['best_objective']:.6g}"


def test_the_bar_itself(capsys):
    Tuner(SPACE, bowl, {"seed": 0, "num_iteration": 2}).minimize()
    shown = capsys.readouterr()
    assert "2/2" in shown.err
    assert shown.out.count("Best score:") == 2
