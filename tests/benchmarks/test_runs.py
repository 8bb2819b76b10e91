"""Adapters keep to the budget, seeds make runs repeatable, and no run is made twice."""

import json
from dataclasses import replace
from itertools import product

import functions
import numpy as np
import pytest
from _networks import NETWORKS
from _peers import NAMES, Optimiser, find
from _problems import Choice, Evaluations, Integers, Problem, Uniform, problem, random_params, seed_of
from _runs import Job, Run, append, collect, jobs_of, minimise, read, versions_elsewhere

SMALL = Problem(
    "small",
    {"a": Integers(1, 4), "b": Uniform(-1.0, 1.0), "c": Choice(("left", "right"))},
    lambda p: p["a"] + p["b"] ** 2 + (p["c"] == "left"),
    1.0,
    lambda p: p["a"] != 2,
    9.0,
)
INSTALLED = [name for name in NAMES if find(name).installed and name != "smac-gp"]


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("which", ["Branin01", "small"])
def test_adapters(name, which):
    what = SMALL if which == "small" else problem(which)
    first, second = (minimise(find(name), what, 12, seed=3) for _ in range(2))
    assert first.error is None
    assert len(first.values) == 12 <= first.proposals
    assert first.values == second.values
    assert first.seconds >= 0
    assert minimise(find(name), what, 12, seed=4).values != first.values


def test_what_is_not_allowed_costs_no_evaluation():
    evaluations = Evaluations(SMALL, 2)
    bad, good = ({"a": a, "b": 0.0, "c": "right"} for a in (2, 4))
    assert [evaluations(p) for p in (good, bad)] == [4.0, SMALL.penalty]
    assert evaluations.values == [4.0]
    assert not evaluations.done
    for _ in range(38):
        evaluations(bad)
    assert evaluations.done


def test_a_failing_optimiser_is_a_result():
    def search(evaluations, _seed):
        evaluations({"a": 1, "b": 0.0, "c": "right"})
        raise ArithmeticError("singular")

    run = minimise(Optimiser("numpy", search), SMALL, 5, 0)
    assert run.values == [1.0]
    assert run.error == "ArithmeticError: singular"


def test_find():
    names = ("tinynas", "tinynas:optimizer=Random,initial_random=1", "tinynas:optimizer=Random,design_size=None")
    by_default, *at_random = (minimise(find(name), SMALL, 6, 0).values for name in names)
    assert at_random[0] == at_random[1] != by_default
    with pytest.raises(KeyError):
        find("nobody")
    with pytest.raises(KeyError):
        problem("nothing")


def test_runs_are_kept_and_found_again(tmp_path):
    cache = tmp_path / "deep" / "runs.jsonl"
    jobs = jobs_of(["random"], ["Branin01", "NetworkSmall"], [0, 1], 4)
    made = collect(jobs, [cache], 1)
    assert list(made) == jobs
    assert read([cache]) == made
    assert collect(jobs, [tmp_path / "none.jsonl", cache], 0) == made
    assert collect([replace(jobs[0], version="2")], [cache], 0) == {}
    assert made[jobs[0]] == replace(
        minimise(find("random"), problem("Branin01"), 4, seed_of("Branin01", 0)), seconds=made[jobs[0]].seconds
    )


def test_half_a_line_is_no_run(tmp_path):
    cache = tmp_path / "runs.jsonl"
    job, run = Job("random", "1", "Branin01", 2, 0), Run([2.0, 1.0], 0.5, 2)
    append(cache, job, run)
    with cache.open("a") as file:
        file.write(json.dumps({"optimiser": "random"})[:9])
    assert read([cache]) == {job: run}


def test_runs_of_another_environment_are_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Optimiser, "installed", property(lambda self: self.package in ("numpy", "tinynas")))
    cache, out = tmp_path / "runs.jsonl", tmp_path / "out.json"
    # Zimmerman is one of every seventh function, and has its minimum, 0, at (7, 2).
    for version, values in (("1.2.0", [8.0] * 4), ("1.3.1", [5.0, 3.0, 3.0, 0.5])):
        append(cache, Job("ax", version, "Zimmerman", 4, 0), Run(values, 2.0, 4))
    assert versions_elsewhere([cache]) == {"ax": "1.3.1"}
    asked = ["--every", "7", "--evaluations", "4", "--repetitions", "1", "--optimisers", "ax", "hebo", "random"]
    monkeypatch.setattr("sys.argv", ["functions.py", *asked, "--cache", str(cache), "--jobs", "0", "--out", str(out)])
    functions.main()
    assert "hebo is left out" in capsys.readouterr().err
    result = json.loads(out.read_text())
    assert result["environment"]["ax-platform"] == "1.3.1"
    assert list(result["optimisers"]) == ["ax"]
    figures, unit = result["optimisers"]["ax"], result["units"]["Zimmerman"]
    assert figures["regret"]["4"] == pytest.approx(0.5 / unit)
    assert figures["cpu_ms_per_evaluation"] == 500


def test_every_seventh_function_has_few_dimensions():
    chosen = functions.choose(7)
    assert len(chosen) == 11
    assert {"Problem03", "Zimmerman", "Sargan5"} < set(chosen)
    assert {len(problem(name).space) for name in chosen} == {1, 2, 3, 4, 5}


def test_seeds_differ_by_problem_and_repetition():
    seeds = {seed_of(name, seed) for name, seed in product(("Branin01", "Easom"), range(5))}
    assert len(seeds) == 10
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("name", NETWORKS)
def test_minimum_of_a_network_space(name):
    """By trying all of them: the best rate is the same for each."""
    network = NETWORKS[name]
    bits = np.array(list(product([0.0, 1.0], repeat=9)))
    filters, kernel_size = np.ix_(np.arange(2.0, 64), np.arange(2.0, 16))
    filters, kernel_size = filters[..., None], kernel_size[..., None]
    allowed = network.fits(filters, kernel_size, bits)
    lowest = [
        network.error(filters, kernel_size, bits, 0.1, skip, norm)[allowed].min()
        for skip, norm in product((0.0, 1.0), range(3))
    ]
    assert min(lowest) == pytest.approx(network.minimum, abs=1e-12)
    assert 0.1 < allowed.mean() < 0.7


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Hartmann6", *NETWORKS])
def test_reference(name):
    what = problem(name)
    assert what.reference() == what.reference() > 0
    rng = np.random.default_rng(0)
    points = [random_params(what, rng) for _ in range(50)]
    assert all(what.allows is None or what.allows(point) for point in points)
    assert all(what.minimum < what.score(point) < what.penalty for point in points)
