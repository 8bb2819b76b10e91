"""What was predicted beside what was measured: figures, table, note, and the line on the terminal."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from tinynas.report import print_result, result
from tinynas.report.figures import prediction_error
from tinynas.report.html.cards import resource_cards
from tinynas.report.html.render import environment
from tinynas.report.html.tables import prediction_table
from tinynas.report.predicted import predictions, proxy_error
from tinynas.report.view import read_view
from tinynas.study import Study

from ._page import page_of

Make = Callable[..., Study]
FIGURES = {"predicted-sram", "predicted-flash"}
SMALL: dict[str, Any] = {"filters": 10, "kernel_size": 10, "dilations": [1, 2, 4, 8, 16]}
# Of SMALL, by the fixture's formula.
SRAM_BYTES, FLASH_BYTES = 6_000 + 220 * 10 * 5, 89_000 + 10 * 10 * 10 * 5 + 6 * 10 * 10


def make_small(make_study: Make, off: list[tuple[int, int]]) -> Study:
    return make_study(len(off), off=off, skip_connections=False, **SMALL)


def test_a_study_without_measured_trials_does_not_show_the_section(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    page = page_of(study)
    assert "Predicted and measured" not in page.text
    assert not FIGURES & set(page.data["figures"])
    assert "resource model" not in page.text
    assert result(study)["proxy_error"] is None


def test_the_section_shows_every_measured_trial(make_study: Make) -> None:
    study = make_small(make_study, [(17, -40), (0, 0), (-34, 95)])
    page = page_of(study)
    assert set(page.data["figures"]) >= FIGURES
    assert "Predicted and measured" in page.text
    assert (
        "The resource model was off for SRAM by 0.10 % in the median and 0.20 % at most, "
        "for flash by 0.04 % in the median and 0.10 % at most." in page.text.replace("\N{NO-BREAK SPACE}", " ")
    )
    assert "The latency is a virtual board's, an estimate." in page.text
    for figure, total, offs in (
        ("predicted-sram", SRAM_BYTES, [17, 0, -34]),
        ("predicted-flash", FLASH_BYTES, [-40, 0, 95]),
    ):
        points = [point for trace in page.data["figures"][figure]["data"] for point in _points(trace)]
        assert sorted(points) == [(index, total / 1024, pytest.approx(100 * o / total)) for index, o in enumerate(offs)]


def _points(trace: dict[str, Any]) -> list[tuple[int, float, float]]:
    return [(int(n), x, y) for n, x, y in zip(trace["text"], trace["x"], trace["y"], strict=True)]


@pytest.mark.parametrize(("source", "estimate"), [("virtual", True), ("hil", False)])
def test_only_the_latency_of_a_virtual_board_is_an_estimate(make_study: Make, source: str, estimate: bool) -> None:
    study = make_study(0)
    study.propose(params=None, architecture={}, key="k", seed=0)
    study.advance(0, "costed", measurement={"sram_bytes": 100, "predicted_sram_bytes": 90, "source": source})
    text = page_of(study).text
    assert "Predicted and measured" in text, "also while the trial is being trained"
    assert ("an estimate" in text) == estimate


def test_a_point_says_which_network_and_how_many_bytes(make_study: Make) -> None:
    study = make_small(make_study, [(17, -40)])
    (trace,) = prediction_error(read_view(study), "flash").to_plotly_json()["data"]
    assert trace["name"] == "best network"
    assert trace["text"] == ["0"]
    minus = "\N{MINUS SIGN}"
    assert trace["customdata"][0].startswith("10 f · k 10 · d 1 2 4 8 16")
    assert trace["customdata"][0].endswith(
        f"predicted 94,560 B, measured 94,600 B<br>off by {minus}40 B, {minus}0.04 %"
    )


def test_best_and_infeasible_trials_are_told_apart_and_zero_is_in_sight(make_study: Make) -> None:
    study = make_study(40, off=[(50, 50)] * 40)
    figure = prediction_error(read_view(study), "sram").to_plotly_json()
    traces = {trace["name"]: trace for trace in figure["data"]}
    best = study.best()
    assert best is not None
    assert traces["best network"]["text"] == [str(best.id)]
    infeasible = [str(trial.id) for trial in study.trials() if trial.state == "infeasible"]
    assert traces["infeasible"]["text"] == infeasible != []
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 0 < min(traces["trial"]["y"]) < max(traces["trial"]["y"]) < high
    assert sum(len(trace["x"]) for trace in figure["data"]) == 40


def test_a_duplicate_is_not_counted_as_measured(make_study: Make) -> None:
    study = make_small(make_study, [(17, 0)])
    first = study.trial(0)
    study.propose(params=None, architecture=first.architecture, key=first.key, seed=1)
    copy = study.answer(1, 0)
    assert copy.measurement == first.measurement
    assert [pair.trial.id for pair in predictions(read_view(study), "sram")] == [0]


def rendered(study: Study) -> str:
    macros = environment().get_template("macros.html").module
    return str(macros.table(prediction_table(read_view(study))))  # type: ignore[attr-defined]


def rows_of(study: Study) -> list[list[str]]:
    body = rendered(study).split("<tbody>")[1]
    return [re.findall(r">([^<>]+)</t[dh]>", row) for row in body.split("</tr>")[:-1]]


def test_the_table_has_both_figures_and_their_difference(make_study: Make) -> None:
    study = make_small(make_study, [(17, -1900), (0, 1)])
    minus = "\N{MINUS SIGN}"
    assert rows_of(study) == [
        ["0", "17,017", "17,000", "+17", "+0.10", "92,700", "94,600", f"{minus}1,900", f"{minus}2.01", "12.34"],
        ["1", "17,000", "17,000", "0", "0.00", "94,601", "94,600", "+1", "0.00", "12.34"],
    ]


def test_every_column_has_one_head_and_the_groups_span_them_all(make_study: Make) -> None:
    head = rendered(make_small(make_study, [(17, 0)])).split("</thead>")[0]
    groups, names = head.split("</tr>")[:2]
    assert sum(int(width) for width in re.findall(r'colspan="(\d+)"', groups)) == names.count("<th ") == 10


def test_what_is_not_known_of_a_trial_is_a_dash(make_study: Make) -> None:
    study = make_study(0)
    study.propose(params=None, architecture={}, key="k", seed=0)
    study.advance(0, "costed", measurement={"sram_bytes": 100, "predicted_sram_bytes": 90, "flash_bytes": 0})
    dash, minus = "\N{EN DASH}", "\N{MINUS SIGN}"
    assert rows_of(study) == [["0", "90", "100", f"{minus}10", f"{minus}10.00", *[dash] * 5]]
    assert set(page_of(study).data["figures"]) == {"predicted-sram"}
    error = proxy_error(read_view(study))
    assert error is not None
    assert (error["trials"], error["sram_max_percent"], error["flash_max_percent"]) == (1, 10.0, None)


@pytest.mark.parametrize(("count", "folded"), [(30, False), (31, True)])
def test_a_long_table_is_folded(make_study: Make, count: int, folded: bool) -> None:
    page = page_of(make_small(make_study, [(1, 1)] * count))
    assert (f"All {count} measured trials" in page.text) == folded


def test_the_result_and_the_terminal_tell_how_far_the_model_was_off(make_study: Make) -> None:
    found = result(make_small(make_study, [(17, -40), (0, 0), (-34, 95)]))
    assert found["proxy_error"] == {
        "trials": 3,
        "sram_median_percent": pytest.approx(0.1),
        "sram_max_percent": pytest.approx(0.2),
        "flash_median_percent": pytest.approx(4000 / FLASH_BYTES),
        "flash_max_percent": pytest.approx(9500 / FLASH_BYTES),
    }
    stream = io.StringIO()
    print_result(found, Console(file=stream))
    assert (
        "resource model: off for SRAM by 0.10 % in the median and 0.20 % at most, for flash by 0.04 % in the median "
        "and 0.10 % at most; measured trials: 3\n" in stream.getvalue()
    )
    stream = io.StringIO()
    print_result(result(make_study(3)), Console(file=stream))
    assert "resource model" not in stream.getvalue()


def test_the_card_of_the_work_says_how_long_an_inference_takes(make_study: Make) -> None:
    view = read_view(make_study(1))
    for known, said in (
        ({"source": "virtual", "latency_us": 24_960.0}, "an inference: 24.96 ms, an estimate"),
        ({"source": "hil", "latency_us": 500.0}, "an inference: 0.50 ms"),
        ({"latency_us": None}, "an inference"),
    ):
        trial = dataclasses.replace(view.trials[0], measurement={"macs": 1000, **known})
        [card] = [one for one in resource_cards(view, trial) if one.title == "MACs"]
        assert card.detail.replace("\N{NO-BREAK SPACE}", " ") == said
