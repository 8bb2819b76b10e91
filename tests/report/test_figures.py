from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynas.report.figures import PALETTES, error_against, history, path_over_recording
from tinynas.report.view import pareto_front, read_view
from tinynas.study import Study

Make = Callable[..., Study]


def plain(figure: Any) -> dict[str, Any]:
    return figure.to_plotly_json()


def test_history_shows_the_best_so_far_and_marks_the_rest(make_study: Make) -> None:
    study = make_study(40)
    traces = {trace["name"]: trace for trace in plain(history(read_view(study)))["data"]}
    done = [trial for trial in study.trials() if trial.state == "done"]
    assert traces["feasible"]["x"] == [trial.id for trial in done]
    assert traces["feasible"]["y"] == [trial.objective for trial in done]
    line = traces["best so far"]["y"]
    assert line == sorted(line, reverse=True)
    best = study.best()
    assert best is not None
    assert line[-1] == best.objective
    counts = study.counts()
    assert len(traces["infeasible"]["x"]) == counts["infeasible"] > 0
    assert len(traces["failed"]["x"]) == counts["failed"] > 0


@pytest.mark.parametrize(("resource", "limit"), [("sram", 112.0), ("flash", 480.0)])
def test_error_figure_has_limit_front_and_best(make_study: Make, resource: str, limit: float) -> None:
    study = make_study(40)
    figure = plain(error_against(read_view(study), resource))
    assert figure["layout"]["shapes"][0]["x0"] == limit
    assert figure["layout"]["xaxis"]["range"][1] > limit
    traces = {trace["name"]: trace for trace in figure["data"]}
    best = study.best()
    assert best is not None
    assert traces["best network"]["text"] == [str(best.id)]
    shown = list(zip(traces["trial"]["x"], traces["trial"]["y"], strict=True))
    front = list(zip(traces["Pareto front"]["x"], traces["Pareto front"]["y"], strict=True))
    assert len(shown) + len(front) == study.counts()["done"]
    for x, y in shown:
        assert any(a <= x and b <= y for a, b in front)


def test_pareto_front_by_its_definition() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        points = [(int(x), int(y)) for x, y in random.integers(0, 8, (12, 2))]
        front = {points[i] for i in pareto_front(points)}
        expected = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
        assert front == expected
    assert pareto_front([]) == []


def test_long_trajectories_are_thinned_with_both_ends_kept() -> None:
    path = [[float(i), float(-i)] for i in range(12_345)]
    times = [0.1 * i for i in range(12_345)]
    figure = plain(path_over_recording({"name": "n", "time_s": times, "true": path, "predicted": path[:2]}))
    lines = [trace for trace in figure["data"] if trace["mode"] == "lines"]
    assert len(lines[0]["x"]) <= 801
    assert (lines[0]["x"][0], lines[0]["x"][-1]) == (0.0, 12_344.0)
    assert lines[0]["customdata"][-1] == pytest.approx(1234.4)
    assert lines[1]["x"] == [0.0, 1.0]
    assert figure["layout"]["yaxis"]["scaleanchor"] == "x"


def test_palettes_have_the_same_names_and_enough_contrast() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    assert PALETTES["light"].keys() == PALETTES["dark"].keys()
    assert len(set(PALETTES["light"].values())) == len(PALETTES["light"]), "the page tells them apart by their colour"
    for palette in PALETTES.values():
        surface = luminance(palette["surface"])
        for name in ("ink", "muted", "accent", "best", "front", "bad"):
            high, low = sorted((luminance(palette[name]), surface), reverse=True)
            assert (high + 0.05) / (low + 0.05) > 4.5, f"{name}: text must be readable (WCAG AA)"


def test_a_single_trial_has_room_around_it(make_study: Make) -> None:
    view = read_view(make_study(1))
    for figure in map(plain, (history(view), error_against(view, "sram"))):
        low, high = figure["layout"]["yaxis"]["range"]
        assert 0 < low < figure["data"][0]["y"][0] < high < 1
        assert "yaxis2" not in figure["layout"]
