"""Final trainings in a report: which belong together, and how far seeds lie apart."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from tinynas.report import model_card, print_result, result
from tinynas.study import Study

Make = Callable[..., Study]


def train_again(study: Study, of: int, errors: list[float]) -> None:
    for seed, error in enumerate(errors):
        network = study.trial(of)
        trial = study.propose(
            params={"final_of": of}, architecture=network.architecture, key=network.key, seed=1000 + seed
        )
        study.advance(trial.id, "costed", measurement=network.measurement)
        for state in ("trained", "converted", "measured"):
            study.advance(trial.id, state, metrics={"error_int8": error})
        study.advance(trial.id, "done", objective=9.0, feasible=True)


def test_seeds_of_one_network_have_a_mean_and_a_spread(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    best = study.best()
    assert best is not None
    train_again(study, best.id, [0.10, 0.12, 0.14])
    [row] = result(study)["final"]
    assert (row["of"], row["trials"], row["error_int8"]) == (best.id, [10, 11, 12], [0.10, 0.12, 0.14])
    assert row["mean"] == pytest.approx(0.12)
    assert row["spread"] == pytest.approx(0.02)
    words = f"network of trial {best.id}, 3 seeds: 0.120 \N{PLUS-MINUS SIGN} 0.020 m/s on validation"
    stream = io.StringIO()
    print_result(result(study), Console(file=stream))
    assert f"final training: {words}\n" in stream.getvalue()
    assert f"Final training: {words}." in model_card(study)


def test_a_single_seed_has_no_spread(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    best = study.best()
    assert best is not None
    train_again(study, best.id, [0.3])
    [row] = result(study)["final"]
    assert row["spread"] is None


def test_a_search_without_final_training_lists_none(make_study: Make) -> None:
    assert result(make_study(5))["final"] == []


def test_networks_that_seeds_do_not_tell_apart_are_named(make_study: Make) -> None:
    """Three networks: one is best, one within the spread of the seeds, one beyond it."""
    study = make_study(10, recordings=["walk"])
    first, second, third = [trial for trial in study.trials() if trial.feasible][:3]
    train_again(study, first.id, [0.10, 0.12, 0.14])
    train_again(study, second.id, [0.12, 0.14, 0.16])
    train_again(study, third.id, [0.20, 0.22, 0.24])
    rows = {row["of"]: row for row in result(study)["final"]}
    # Pooled deviation 0.02 with 6 degrees of freedom: t = 2.447, so 2.447 * 0.02 * sqrt(2 / 3) = 0.040.
    assert [rows[trial.id]["like_best"] for trial in (first, second, third)] == [True, True, False]
    assert [rows[trial.id]["best"] for trial in (first, second, third)] == [True, False, False]
    stream = io.StringIO()
    print_result(result(study), Console(file=stream, width=200))
    said = [line for line in stream.getvalue().splitlines() if "not told from the best by its seeds" in line]
    assert len(said) == 1
    assert f"network of trial {second.id}," in said[0]


def test_the_border_is_that_of_the_t_test(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    first, second, third = [trial for trial in study.trials() if trial.feasible][:3]
    for trial, shift in ((first, 0.0), (second, 0.0399), (third, 0.0401)):
        train_again(study, trial.id, [0.10 + shift, 0.12 + shift, 0.14 + shift])
    rows = {row["of"]: row["like_best"] for row in result(study)["final"]}
    assert (rows[second.id], rows[third.id]) == (True, False)


def test_one_seed_each_leaves_it_unknown(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    first, second = [trial for trial in study.trials() if trial.feasible][:2]
    train_again(study, first.id, [0.1])
    train_again(study, second.id, [0.3])
    assert [row["like_best"] for row in result(study)["final"]] == [None, None]
