"""What limits a study, and which of its best cannot be told apart: held against figures by hand."""

from __future__ import annotations

import pytest

from tinynas.explain import explain_study


def explain(made):
    return explain_study(made.view, made.config)


def test_an_empty_study_is_explained_too(make):
    found = explain(make())
    assert (dict(found.trials), found.best, found.importances) == ({}, None, ())
    assert [step.why for step in found.steps] == ["no network has been trained that fits"]


def test_a_resource_binds_where_networks_exceed_it_or_the_best_takes_it_all(make):
    made = make(objective={"limits": {"flash_bytes": 110_000}})
    made.add(0.3)
    made.add(filters=60, kernel_size=9)
    bounds = {bound.cost: bound for bound in explain(made).bounds}
    assert (bounds["flash"].exceeded, bounds["flash"].binds) == (1, True)
    assert (bounds["sram"].exceeded, bounds["sram"].binds) == (0, False)
    used = made.study.best().measurement["flash_bytes"]
    assert bounds["flash"].share == pytest.approx(used / 110_000)
    full = make(objective={"limits": {"flash_bytes": used}})
    full.add(0.3)
    assert {bound.cost for bound in explain(full).bounds if bound.binds} == {"flash"}


def test_networks_within_chance_of_the_best_are_named(make):
    made = make(final={"candidates": 2, "seeds": 2})
    trials = [made.add(error, filters=4 + 4 * index) for index, error in enumerate((0.30, 0.31, 0.34, 0.50))]
    for of, error in ((0, 0.30), (0, 0.32), (1, 0.29), (1, 0.31)):  # both pairs: standard deviation 0.01 sqrt 2
        made.add(error, final_of=trials[of])
    found = explain(made)
    assert found.tie.spread_m_s == pytest.approx(0.01 * 2**0.5)
    assert found.tie.trainings == 4
    # Two trainings differ by chance by up to 1.96 sqrt 2 0.0141 = 0.039.
    assert found.tie.trials == (0, 1)
    assert any(step.why == "2 of the best networks cannot be told apart" for step in found.steps)
    assert explain(make()).tie.spread_m_s is None


def test_the_steps_follow_from_what_was_found(make):
    made = make(space={"filters": [4, 16], "kernel_size": [2, 9], "dilations": [1, 2], "blocks": [1, 2]})
    for error in (0.5, 0.4, 0.45, 0.42):
        made.add(error, filters=8)
    made.add(0.3, filters=16, metrics={"epochs": 5, "best_epoch": 4, "error_float": 0.29})
    made.study.set_summary({"baselines": {"zero": {"validation": 0.25}}})
    told = {step.why: step.what for step in explain(made).steps}
    assert told["the best network (0.300 m/s) is no better than standing still (0.250 m/s)"].startswith(
        "check the data"
    )
    assert told["the best network's best epoch is its last of 5"] == "raise training.epochs"
    assert told["the best network has the space's most filters (16)"] == "raise space.filters"
    assert told["the best network has the space's most blocks (2)"] == "raise space.blocks"
    assert "the best network came late: 5 of 5" in told
    assert any("final.candidates" in what for what in told.values())
    assert not any("int8" in why for why in told)


def test_failures_are_counted_by_their_reason(make):
    made = make()
    for reason in ("diverged", "the disk is full", "diverged"):
        made.add(reason=reason)
    found = explain(made)
    assert list(found.reasons.items()) == [("diverged", 2), ("the disk is full", 1)]
    assert found.steps[0].what == "mend the most frequent reason first"


def test_what_moved_the_error_is_the_parameter_that_did(make):
    made = make()
    for index in range(24):
        filters = 2 + index
        made.add(0.6 - 0.02 * filters, filters=filters, kernel_size=2 + (index * 7) % 5)
    [error] = [one for one in explain(made).importances if one.figure == "error"]
    assert error.shares["filters"] > 0.9
