"""Limits of time and energy without a board, clocks to choose from, and what is refused because nobody knows it."""

import dataclasses

import pytest

from tests.search.conftest import SETTINGS, load_board_once, merged
from tinynas.board import OperatingPoint
from tinynas.config import config_from_mapping
from tinynas.cost import estimate
from tinynas.errors import ConfigError, NoFeasibleCandidate
from tinynas.search import Problem, load_task

CLOCKS = (60_000_000, 180_000_000)
POINTS = (OperatingPoint(CLOCKS[0], 60.0, 4.0), OperatingPoint(CLOCKS[1], 210.0, 5.0))
COMPILED = {"cost": {"engine": "aot", "compiler": "gcc"}}


@pytest.fixture(scope="module")
def task():
    return load_task(config_from_mapping(SETTINGS, "settings.yaml"))


@pytest.fixture
def problem(task):
    def make(points=(), **changes):
        config = config_from_mapping(merged(SETTINGS, merged(COMPILED, changes)), "settings.yaml")
        return Problem(dataclasses.replace(load_board_once(), operating_points=points), task, config)

    return make


def test_what_is_too_slow_is_not_suggested(problem):
    loose = problem()
    slow, quick = ({**loose.require_feasible(), "filters": n, "kernel_size": n} for n in (4, 2))
    times = [estimate(loose.architecture(params), loose.engine).latency_us for params in (slow, quick)]
    assert times[1] < times[0]
    tight = problem(objective={"limits": {"latency_us": sum(times) / 2}})
    assert (tight.admits(slow), tight.admits(quick)) == (False, True)
    assert 0 < tight.infeasible_share() < 1
    assert loose.infeasible_share() == 0


def test_a_time_that_nothing_keeps_is_told_with_the_smallest(problem):
    with pytest.raises(NoFeasibleCandidate, match=r"\d+ us of latency \(at most 1\)"):
        problem(objective={"limits": {"latency_us": 1}}).require_feasible()


def test_turns_take_their_time(problem):
    params = problem().require_feasible()
    once = estimate(problem().architecture(params), problem().engine).latency_us
    turned = problem(objective={"limits": {"latency_us": 2.5 * once}}, space={"turns": [1, 2, 4]})
    assert [turned.admits({**params, "turns": n}) for n in (1, 2, 4)] == [True, True, False]


def test_clocks_are_chosen_among_those_of_the_board(problem):
    chosen = problem(POINTS, space={"clock_hz": list(CLOCKS)})
    params = chosen.require_feasible()
    assert params["clock_hz"] == CLOCKS[1]
    assert chosen.parameters()["clock_hz"] == list(CLOCKS)
    assert chosen.key(params).endswith("-180000000Hz")
    assert chosen.key({**params, "clock_hz": CLOCKS[0]}) != chosen.key(params)
    fast = estimate(chosen.architecture(params), chosen.engine).latency_us
    hurried = problem(POINTS, space={"clock_hz": list(CLOCKS)}, objective={"limits": {"latency_us": 1.5 * fast}})
    assert [hurried.admits({**params, "clock_hz": clock}) for clock in CLOCKS] == [False, True]
    # Three times slower, but at less than a third of the power: the slow clock saves energy.
    thrifty = {"limits": {"energy_uj": 0.8 * fast * 0.21}}
    saving = problem(POINTS, space={"clock_hz": list(CLOCKS)}, objective=thrifty)
    assert [saving.admits({**params, "clock_hz": clock}) for clock in CLOCKS] == [True, False]


@pytest.mark.parametrize(
    ("changes", "points", "key", "says"),
    [
        ({"space": {"clock_hz": [90_000_000]}}, POINTS, "space.clock_hz[0]", "lists no clock of 90000000 Hz"),
        ({"objective": {"limits": {"energy_uj": 5.0}}}, (), "objective.limits.energy_uj", "is not known"),
        ({"objective": {"limits": {"energy_uj": 5.0}}}, POINTS[:1], "objective.limits.energy_uj", "is not known"),
        (
            {"objective": {"limits": {"latency_us": 5.0}}, "cost": {"engine": "aot", "compiler": "zig"}},
            POINTS,
            "objective.limits.latency_us",
            "no cycles of the STM32F446RE with zig",
        ),
    ],
)
def test_what_nobody_knows_is_refused_before_the_search(problem, changes, points, key, says):
    with pytest.raises(ConfigError, match=says) as caught:
        problem(points, **changes).require_feasible()
    assert caught.value.where == key


def test_the_interpreter_has_neither_time_nor_a_clock():
    for changes, key in (
        ({"objective": {"limits": {"energy_uj": 5}}}, "objective.limits.energy_uj"),
        ({"space": {"clock_hz": [180_000_000]}}, "space.clock_hz"),
    ):
        with pytest.raises(ConfigError) as caught:
            config_from_mapping(changes, "settings.yaml")
        assert caught.value.where == f"settings.yaml:{key}"
