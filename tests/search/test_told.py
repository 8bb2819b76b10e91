"""What the tuner is told of trials: one objective or several, and by how much a board exceeds limits."""

from types import SimpleNamespace

import pytest

from tinynas.config import config_from_mapping
from tinynas.errors import ConfigError
from tinynas.objective import Limits
from tinynas.report import result
from tinynas.search.rungs import Outcome
from tinynas.search.told import record, senses
from tinynas.study import Study

LIMITS = Limits(1000, 1000, latency_us=200.0)
PARETO = {"objective": {"pareto": ["error", "latency_us", "sram_bytes"]}, "cost": {"engine": "aot"}}


def trial(feasible=True, objective=0.3, **changes):
    measurement = {"latency_us": 250.0, "sram_bytes": 500} | changes
    params, metrics = {"filters": 4}, {"error_int8": 0.25}
    return SimpleNamespace(
        params=params, objective=objective, feasible=feasible, metrics=metrics, measurement=measurement
    )


def configure(**changes):
    return config_from_mapping(changes, "settings.yaml")


def told(one, config, limits=LIMITS):
    params, value, constraints, fidelity = record(one, Outcome(0.0, one.objective, 0.5), config, limits)
    assert (params, fidelity) == ({"filters": 4}, 0.5)
    return value, constraints


def test_one_objective_is_told_as_it_is():
    assert senses(configure()) == "minimize"
    assert told(trial(), configure()) == (0.3, ())
    assert told(trial(feasible=False, objective=10.5), configure()) == (10.5, ())


def test_several_are_told_in_their_order_and_nothing_of_what_does_not_fit():
    config = configure(**PARETO)
    assert senses(config) == ["minimize"] * 3
    assert told(trial(), config) == ((0.25, 250.0, 500.0), ())
    assert told(trial(feasible=False), config)[0] is None
    assert told(trial(latency_us=None), config)[0] is None


def test_what_a_board_measures_above_a_limit_is_a_constraint():
    config = configure(mode="hil", objective={"limits": {"latency_us": 200}})
    assert told(trial(feasible=False), config) == (None, {"latency_us": pytest.approx(0.25)})
    assert told(trial(latency_us=100.0), config) == (0.3, {"latency_us": pytest.approx(-0.5)})
    assert told(trial(), config, Limits(1000, 1000)) == (0.3, ())


def test_networks_of_a_front_are_all_trained_to_the_end():
    rungs = {"rungs": [0.2, 0.5]}
    assert configure(fidelity=rungs).pauses
    assert configure(fidelity=rungs, **PARETO).pauses == ()


@pytest.mark.parametrize("names", [["error"], ["error", "error"], ["error", "macs"]])
def test_a_front_of_nothing_is_refused(names):
    with pytest.raises(ConfigError) as caught:
        configure(objective={"pareto": names})
    assert caught.value.where.startswith("settings.yaml:objective.pareto")


def test_options_of_the_command_line():
    assert configure().with_options(objective="pareto").objective.pareto == ("error", "flash_bytes", "sram_bytes")
    named = configure(**PARETO)
    assert named.with_options(objective="pareto").objective.pareto == named.objective.pareto
    assert named.with_options(objective="scalar").objective.pareto == ()


@pytest.mark.slow
def test_a_search_ends_with_a_front(configure_search, search, tmp_path):
    search(tmp_path / "study", configure_search(trials=3, **PARETO))
    with Study.open(tmp_path / "study", readonly=True) as study:
        found = result(study)
    front = found["front"]
    assert 1 <= len(front) <= found["trials"]
    assert sum(point["knee"] for point in front) == 1
    for point in front:
        assert all(point[name] > 0 for name in ("error_int8", "latency_us", "sram_bytes"))
        beaten = [all(other[n] < point[n] for n in ("error_int8", "latency_us", "sram_bytes")) for other in front]
        assert not any(beaten)


@pytest.fixture
def configure_search(request):
    return request.getfixturevalue("configure")
