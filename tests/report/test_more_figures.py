"""The figures beside history and trade-off: bars that add up, curves, paths, several studies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tinynas.deploy import ArenaMap, OperatorCost, Slot
from tinynas.report.figures import (
    arena_map,
    board_memory,
    compare_fronts,
    compare_progress,
    error_against,
    learning_curve,
    learning_curves,
    operator_costs,
    parameter_importance,
    path_over_recording,
)
from tinynas.report.importance import Importance
from tinynas.report.view import read_view
from tinynas.study import LiveNotes, Study

from .conftest import BOARD, CONFIG

Make = Callable[..., Study]
EVIL = "<script>alert(1)</script>"


def traces(figure: Any) -> dict[str, dict[str, Any]]:
    assert figure is not None
    return {trace["name"]: trace for trace in figure.to_plotly_json()["data"]}


def test_the_memory_adds_up_to_the_board(make_study: Make) -> None:
    reserves = {"stack_bytes": 4096, "firmware_sram_bytes": 12_288, "firmware_flash_bytes": 32_768}
    view = read_view(make_study(5, board=BOARD | {"reserves": reserves}))
    assert view.best is not None
    drawn = traces(board_memory(view, view.best))
    assert drawn["stack"]["x"] == pytest.approx([100 * 4096 / 131_072])
    assert drawn["firmware"]["x"] == pytest.approx([100 * 32_768 / 524_288, 100 * 12_288 / 131_072])
    for row in ("SRAM", "flash"):
        parts = [x for trace in drawn.values() for x, y in zip(trace["x"], trace["y"], strict=True) if y == row]
        assert sum(parts) == pytest.approx(100)
        assert min(parts) > 0
    assert board_memory(replace(view, board={}), view.best) is None


def test_learning_curves_of_ended_and_running_trials(make_study: Make) -> None:
    study = make_study(0)
    for number in range(2):
        study.propose(params=None, architecture={}, key=str(number), seed=0)
    study.advance(0, "costed")
    study.advance(0, "trained", metrics={"history": [0.5, 0.25, 0.3], "best_epoch": 1})
    view = read_view(study)
    [line] = traces(learning_curves(view)).values()
    assert (list(line["x"]), line["y"]) == ([1, 2, 3], [0.5, 0.25, 0.3])
    both = replace(view, live=LiveNotes(running=True, curves={1: (0.75,)}))
    assert traces(learning_curves(both))["in training"]["y"] == [0.75]
    assert traces(learning_curve(view, view.trials[0]))["kept"]["x"] == [2]
    assert learning_curve(view, view.trials[1]) is None
    assert traces(learning_curve(both, view.trials[1]))["validation error"]["y"] == [0.75]


def test_an_arena_by_hand() -> None:
    slots = (Slot(EVIL, 0, 100, 0, 1), Slot("b", 100, 50, 1, 2), Slot("c", 0, 30, 2, 3))
    drawn = traces(arena_map(ArenaMap(slots, 4, "operator")))
    assert drawn["alive at the peak, 0.1 KiB"]["base"] == [0, 100]
    assert drawn["alive at the peak, 0.1 KiB"]["width"] == [2, 2]
    assert (drawn["others"]["x"], drawn["others"]["y"]) == ([2.5], [30])
    assert EVIL not in json.dumps(drawn)


def test_operators_by_hand() -> None:
    costs = [OperatorCost("0 PAD", 0, 0), OperatorCost(f"1 {EVIL}", 300, 25), OperatorCost("2 ADD", 100, 75)]
    drawn = traces(operator_costs(costs))
    assert (drawn["MACs"]["x"], drawn["weights"]["x"]) == ([75.0, 25.0], [25.0, 75.0])
    assert EVIL not in json.dumps(drawn)
    assert operator_costs(costs[:1]) is None


def test_importance_is_ranked_by_the_error() -> None:
    found = [Importance("error", {"a": 0.75, EVIL: 0.25}, 9, 0.5), Importance("sram", {"b": 1.0}, 9, 0.5)]
    drawn = traces(parameter_importance(found))
    assert drawn["error"]["y"][0] == "a"
    assert drawn["error"]["x"] == [75.0, 25.0, 0.0]
    assert drawn["SRAM"]["x"] == [0.0, 0.0, 100.0]
    assert EVIL not in json.dumps(drawn)


def test_a_path_beside_a_compass_and_standing_still() -> None:
    path = [[0.0, 0.0], [1.0, 1.0]]
    recording = {"name": "n", "time_s": [0.0, 1.0], "true": path, "predicted": path}
    assert "compass" not in traces(path_over_recording(recording))
    drawn = traces(path_over_recording(recording | {"compass": [[0.0, 0.0], [5.0, 0.0]]}))
    assert drawn["compass"]["x"] == [0.0, 5.0]
    assert drawn["start, and standing still"]["x"] == [0.0]


def test_latency_and_energy_with_their_limits(make_study: Make) -> None:
    config = CONFIG | {"objective": {"limits": {"latency_us": 20_000, "energy_uj": 5000}}}
    view = read_view(make_study(6, config=config, off=[(0, 0)] * 6))
    latency = error_against(view, "latency")
    assert latency is not None
    assert latency.layout.shapes[0].x0 == 20.0
    assert set(traces(latency)["Pareto front"]["x"]) == {12.34}
    assert error_against(view, "energy") is None, "none was measured"


def test_several_studies(make_study: Make) -> None:
    views = [read_view(make_study(count)) for count in (12, 6)]
    views[1] = replace(views[1], folder=f"/x/{EVIL.replace('/', '')}")
    progress = traces(compare_progress(views))
    assert next(iter(progress)) == "study0"
    line = progress["study0"]["y"]
    done = [trial for trial in views[0].trials if trial.state == "done"]
    assert line[-1] == min(trial.metrics["error_int8"] for trial in done if trial.metrics)
    assert line == sorted(line, reverse=True)
    fronts = traces(compare_fronts(views, "sram"))
    assert len(fronts) == 2
    assert "<script>" not in json.dumps([fronts, progress])
    assert compare_progress([read_view(make_study(0))]) is None
    assert compare_fronts([read_view(make_study(0))], "sram") is None
