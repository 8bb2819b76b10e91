from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from tinynas.report import model_card, print_result, result
from tinynas.report.columns import Column, Where
from tinynas.study import Study

from ._page import page_of

Make = Callable[..., Study]


def printed(outcome: dict[str, object], terminal: bool) -> str:
    stream = io.StringIO()
    print_result(outcome, Console(file=stream, force_terminal=terminal, width=90, color_system=None))
    return stream.getvalue()


def test_the_names_that_scripts_rely_on(make_study: Make) -> None:
    study = make_study(30, recordings=["walk"])
    found = result(study)
    assert found == json.loads(json.dumps(found, allow_nan=False))
    assert {"study", "board", "trials", "infeasible", "seconds", "best", "baselines", "test"} <= set(found)
    best = study.best()
    assert best is not None
    assert best.metrics is not None
    assert best.measurement is not None
    assert found["study"] == str(study.folder)
    assert (found["board"], found["trials"], found["seconds"]) == ("nucleo_f446re", 30, 312.4)
    assert found["infeasible"] == study.counts()["infeasible"] > 0
    assert found["baselines"] == {"zero": 1.02, "mean": 0.71, "compass": None}, "on the recordings of best.error_*"
    assert found["test"]["baselines"] == {"zero": 1.05, "mean": 0.74, "compass": None}
    assert found["space_infeasible_share"] == 0.061
    assert found["limits"] == {"sram_bytes": 114_688, "flash_bytes": 491_520}
    assert found["best"] == {
        "trial": best.id,
        "architecture": best.architecture,
        "objective": best.objective,
        "precision": "int8",
        "error_int8": best.metrics["error_int8"],
        "error_float": best.metrics["error_float"],
        "frame": None,
        "turns": None,
        "sram_bytes": best.measurement["sram_bytes"],
        "flash_bytes": best.measurement["flash_bytes"],
        "macs": best.measurement["macs"],
        "latency_us": None,
        "energy_uj": None,
        "update_s": None,
        "mean_power_mw": None,
        "battery_days": None,
        "source": "proxy",
        "engine": "tflm",
    }
    assert found["test"]["error_int8"] == 0.321
    assert found["front"] is None


def test_baselines_are_never_those_of_other_recordings(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    baselines = {"zero": {"test": 1.0}, "mean": {"validation": 0.5, "test": None}}
    study.set_summary({**study.summary, "baselines": baselines})
    found = result(study)
    assert found["baselines"] == {"zero": None, "mean": 0.5, "compass": None}
    assert found["test"]["baselines"] == {"zero": 1.0, "mean": None, "compass": None}
    lines = dict(line.split(": ", 1) for line in printed(found, terminal=False).splitlines())
    assert [name for name in lines if name.startswith(("the training mean", "standing still"))] == [
        "the training mean, validation",
        "standing still, test",
    ]


def test_a_float32_model_is_called_one(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"], config={"conversion": {"precision": "float32"}})
    found = result(study)
    assert found["best"]["precision"] == "float32"
    for terminal in (False, True):
        text = printed(found, terminal)
        assert "int8" not in text
        assert "0.321 m/s as float32, 0.318 m/s before conversion" in text


def test_done_but_too_large_counts_as_infeasible(make_study: Make) -> None:
    study = make_study(0)
    study.propose(params=None, architecture={}, key="k", seed=0)
    for state in ("costed", "trained", "converted", "measured"):
        study.advance(0, state)
    study.advance(0, "done", objective=100.0, feasible=False)
    assert (result(study)["infeasible"], result(study)["best"]) == (1, None)


def test_piped_output_is_one_fact_a_line(make_study: Make) -> None:
    text = printed(result(make_study(30, recordings=["walk"])), terminal=False)
    assert "\x1b" not in text
    assert not set("│┌█") & set(text)
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert lines["error, test"] == "0.321 m/s as int8, 0.318 m/s before conversion"
    assert lines["standing still, test"] == "1.050 m/s (the network is 69 % below)"
    assert lines["standing still, validation"].startswith("1.020 m/s (the network is ")
    names = list(lines)
    order = ["error, validation", "standing still, validation", "the training mean, validation", "error, test"]
    assert names[names.index(order[0]) :][:4] == order
    assert lines["time"] == "5 min 12 s"
    assert "KiB of 112 KiB" in lines["SRAM"]


def test_time_and_energy_are_told_where_they_are_known(make_study: Make) -> None:
    found = result(make_study(30, recordings=["walk"]))
    text = printed(found, terminal=False)
    assert "latency:" not in text
    assert "energy:" not in text
    assert isinstance(found["best"], dict)
    lines = printed({**found, "best": {**found["best"], "latency_us": 12_340.0, "energy_uj": 456.7}}, terminal=False)
    assert "latency: 12.34 ms, an estimate\n" in lines
    assert "energy: 0.457 mJ\n" in lines


def test_terminal_output_has_bars(make_study: Make) -> None:
    text = printed(result(make_study(30, recordings=["walk"])), terminal=True)
    assert "█" in text
    assert "best network for nucleo_f446re" in text


def test_nothing_found(make_study: Make) -> None:
    for terminal in (False, True):
        assert "none that fits" in printed(result(make_study(0)), terminal)


def test_names_are_not_markup() -> None:
    outcome = {"study": "[red]x[/red] [/nonsense]\nmore", "board": "[bold]b", "trials": 1, "best": {"architecture": {}}}
    for terminal in (False, True):
        text = printed(outcome, terminal)
        assert "[red]x[/red] [/nonsense]" in text
        assert "[bold]b" in text


def test_a_network_beyond_the_limit_keeps_the_bar_in_its_place() -> None:
    outcome = {
        "best": {"architecture": {}, "sram_bytes": 10**9, "flash_bytes": 0},
        "limits": {"sram_bytes": 10, "flash_bytes": 0},
    }
    assert printed(outcome, terminal=True).count("█") == 12


def test_limits_are_the_configurations_where_they_are_lower(make_study: Make) -> None:
    study = make_study(1, config={"objective": {"limits": {"sram_bytes": 1000, "flash_bytes": 10**9}}})
    assert result(study)["limits"] == {"sram_bytes": 1000, "flash_bytes": 491_520}


def test_a_new_figure_is_one_entry_and_shows_everywhere(make_study: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_study(5, recordings=["walk"])
    best = study.best()
    assert best is not None
    assert best.measurement is not None
    wanted = f"{best.measurement['parameters']} weights"
    new = Column("parameters", "count of weights", lambda value: f"{value} weights", Where.ALL)
    monkeypatch.setattr("tinynas.report.columns.COLUMNS", (new,))
    assert result(study)["best"]["parameters"] == best.measurement["parameters"]
    assert f"count of weights: {wanted}\n" in printed(result(study), terminal=False)
    assert f"| count of weights | {wanted} |" in model_card(study)
    page = page_of(study)
    assert f"count of weights {wanted}" in page.text
    assert page.text.count(wanted) >= 3, "the card at the top, the table of the best network, and that of all trials"
