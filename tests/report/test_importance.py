"""Importance: what a figure was made of is found, what it was not made of is not, and few trials say nothing."""

from types import SimpleNamespace

import numpy as np

from tinynas.report.importance import FEWEST_TRIALS, importance, importances


def view(trials):
    return SimpleNamespace(trials=tuple(trials))


def trial(params, error, **more):
    known = {"duplicate_of": None, "final_of": None, "measurement": {"sram_bytes": 1024 * (1 + len(str(params)))}}
    return SimpleNamespace(params=params, metrics={"error_int8": error}, **(known | more))


def made(count, seed=0):
    """Errors that hang on `a` alone, and a little on the text `b`."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        params = {"a": float(rng.uniform()), "b": str(rng.choice(["x", "y"])), "c": int(rng.integers(9)), "same": 1}
        yield trial(params, 1.0 + 4 * params["a"] + 0.5 * (params["b"] == "x"))


def test_what_the_error_was_made_of_comes_first():
    found = importance(view(made(80)))
    assert list(found.shares)[:2] == ["a", "b"]
    assert found.shares["a"] > 0.8
    assert found.shares["c"] < 0.05
    assert "same" not in found.shares
    assert abs(sum(found.shares.values()) - 1) < 1e-9
    assert found.trials == 80
    assert found.explained > 0.8


def test_the_same_study_gives_the_same():
    assert importance(view(made(20))) == importance(view(made(20)))


def test_repeated_and_few_trials_count_nothing():
    rows = list(made(FEWEST_TRIALS - 1))
    again = [trial(row.params, 9.0, duplicate_of=0) for row in rows] + [trial(rows[0].params, 9.0, final_of=0)]
    assert importance(view(rows + again)) is None
    assert importance(view([trial({"a": 1}, 0.5) for _ in range(20)])) is None, "nothing differs"
    assert importance(view([trial(None, 0.5) for _ in range(20)])) is None
    assert importances(view([])) == []


def test_parameters_that_some_trials_lack():
    rows = [trial({"family": "x", "k": n % 5} if n % 2 else {"family": "y"}, 1.0 + n % 2) for n in range(40)]
    assert next(iter(importance(view(rows)).shares)) in ("family", "k")
