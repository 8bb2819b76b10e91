from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tinynas.errors import StudyError
from tinynas.report import model_card, result, write_report
from tinynas.report.figures import PICTURES, draw_recordings
from tinynas.report.html.render import environment
from tinynas.study import Study

from ._page import page_of

Make = Callable[..., Study]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&| `x` <a href='http://evil.example'>x</a>"


def test_full_report(make_study: Make) -> None:
    study = make_study(60, recordings=["walk 1", "pocket 2"])
    page = page_of(study)
    best = study.best()
    assert best is not None
    assert "Best network for NUCLEO-F446RE" in page.text
    assert f"{best.architecture['filters']} filters, kernel {best.architecture['kernel_size']}" in page.text
    assert "57 % below always predicting the mean and 69 % below standing still" in page.text
    assert "0.321 m/s" in page.text
    assert set(page.data["figures"]) == {"history", "error-sram", "error-flash", "memory", "importance", "network"}
    assert len(page.data["trajectories"]) == 2
    drawn = {attributes["id"] for _, attributes in page.elements if attributes.get("class", "").startswith("plot")}  # type: ignore[union-attr]
    assert drawn == {*page.data["figures"], "trajectory"}
    assert [text for tag, text in page.elements if tag == "option"] == [{"value": "0"}, {"value": "1"}]
    rows = re.findall(
        r'<tr class="best"><th scope="row" class="number" data-sort="(\d+)"', (study.folder / "report.html").read_text()
    )
    assert rows == [str(best.id)]
    assert "has not ended" not in page.text


def test_report_works_without_a_network(make_study: Make) -> None:
    page = page_of(make_study(10, recordings=["walk"]))
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "a"}
        assert not {"src", "href", "srcset", "onload", "onclick"} & set(attributes), (tag, attributes)
    policy = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in str(policy[0])
    assert sum("Plotly" in script and len(script) > 1_000_000 for script in page.scripts) == 1
    assert len(page.scripts) == 4


def test_every_figure_has_a_text_for_those_who_cannot_see_it(make_study: Make) -> None:
    page = page_of(make_study(10, recordings=["walk"]))
    pictures = [attributes for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(pictures) > 6
    assert all(len(attributes["aria-label"] or "") > 8 for attributes in pictures)


def test_the_path_of_the_study_is_not_told(make_study: Make, tmp_path: Path) -> None:
    study = make_study(10, recordings=["walk"])
    assert str(tmp_path) not in model_card(study)
    assert str(tmp_path) not in write_report(study, tmp_path / "r.html").read_text("utf-8")
    assert study.folder.name in model_card(study)


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_short_studies(make_study: Make, trials: int) -> None:
    page = page_of(make_study(trials))
    assert "This search has not ended" in page.text
    assert ("No trial has been proposed yet." in page.text) == (trials == 0)
    assert "All trials" in page.text
    assert "Configuration and provenance" in page.text
    assert "True and predicted path" not in page.text


def test_only_infeasible_trials(make_study: Make) -> None:
    study = make_study(8, filters=63, kernel_size=15, dilations=[1, 2, 4, 8, 16, 32, 64, 128])
    assert study.counts()["infeasible"] == 8
    page = page_of(study)
    assert "No network for NUCLEO-F446RE yet" in page.text
    assert "the board allows 112 KiB and 480 KiB" in page.text
    assert set(page.data["figures"]) == {"history"}
    assert result(study)["best"] is None
    assert result(study)["infeasible"] == 8
    assert "holds no network that fits" in model_card(study)


def test_trials_under_way(make_study: Make) -> None:
    study = make_study(0)
    study.propose(params=None, architecture={}, key="k", seed=0)
    page = page_of(study)
    assert "1 trial is under way" in page.text
    assert "No trial has ended yet" in page.text


@pytest.mark.slow
def test_many_trials_stay_small_and_quick(make_study: Make) -> None:
    study = make_study(500, recordings=["a"])
    page = page_of(study)
    assert len([1 for tag, _ in page.elements if tag == "tr"]) > 500
    assert len(page.scripts[0]) < 600_000
    assert (study.folder / "report.html").stat().st_size < 7_000_000


def test_hostile_names_stay_text(make_study: Make) -> None:
    board = {"name": EVIL, "title": EVIL, "sram_limit_bytes": 114_688, "flash_limit_bytes": 491_520}
    config = {"dataset": {"source": EVIL, "target": EVIL, EVIL: [EVIL]}, "objective": {"l1": 1}}
    study = make_study(
        6,
        recordings=[EVIL],
        board=board,
        config=config,
        provenance={EVIL: EVIL},
        off=[(1, 1)] * 6,
        norm=EVIL,
        kernel_size=3,
    )
    study.propose(params=None, architecture={"filters": EVIL, "dilations": [EVIL]}, key="k", seed=0)
    study.advance(6, "failed", reason=EVIL + "\udcff\u2028")
    page = page_of(study)
    assert len(page.scripts) == 4, "no script but ours"
    assert not [tag for tag, _ in page.elements if tag in {"img", "a"}]
    assert EVIL.split(">")[1] in page.text.replace("  ", " ")
    for figure in [*page.data["figures"].values(), *page.data["trajectories"]]:
        for trace in figure["data"]:
            texts = [trace["name"], trace.get("hovertemplate", ""), *trace.get("customdata", [])]
            for text in texts:
                assert not re.search(r"<(?!/?b>|br>|/?extra>)", str(text)), "Plotly reads labels as HTML"
    card = model_card(study)
    assert "<script>" not in card.replace("\\<", "")
    assert not re.search(r"(?<!\\)<(?!$)", card)


def test_embedded_data_cannot_end_its_script() -> None:
    data = {EVIL: [EVIL, "<!--", "]]>", "\u2028"]}
    text = environment().from_string("{{ data|tojson }}").render(data=data)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == data


def test_infinite_and_missing_figures_are_dashes(make_study: Make) -> None:
    study = make_study(0, board={"name": "mystery"}, config={}, provenance={})
    study.propose(params=None, architecture={}, key="k", seed=0)
    for state in ("costed", "trained", "converted", "measured"):
        study.advance(0, state)
    study.advance(0, "done", objective=0.5, feasible=True)
    study.set_summary({"baselines": "none", "test": [1], "normalization": 3, "seconds": "long"})
    page = page_of(study)
    assert "limit unknown" in page.text
    assert "Best network for mystery" in page.text
    assert "## Costs" in model_card(study)
    found = result(study)
    assert (found["seconds"], found["baselines"], found["test"]) == (
        None,
        {"zero": None, "mean": None, "compass": None},
        None,
    )
    assert found["best"]["sram_bytes"] is None


def test_stale_evaluation_is_not_shown(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    assert result(study)["test"] is not None
    study.set_summary({**study.summary, "best_trial": 999})
    assert result(study)["test"] is None
    assert "on validation recordings" in page_of(study).text
    assert "has not been evaluated" in model_card(study)


def test_damaged_evaluation_costs_only_its_figure(make_study: Make) -> None:
    study = make_study(5, recordings=["walk"])
    best = study.best()
    assert best is not None
    for content in (
        b"{",
        b"[1]",
        b'{"recordings": 3}',
        b'{"recordings": [1, {"name": "x", "true": [], "predicted": 1}]}',
    ):
        study.attach(best.id, {"evaluation": content})
        assert page_of(study).data["trajectories"] == []
    sha256 = study.trial(best.id).artefacts["evaluation"]
    (study.folder / "artefacts" / sha256[:2] / sha256).unlink()
    assert page_of(study).data["trajectories"] == []


def test_report_of_a_readonly_study_replaces_the_old_one_whole(make_study: Make, tmp_path: Path) -> None:
    study = make_study(1)
    target = tmp_path / "deep" / "er" / "r.html"
    with Study.open(study.folder, readonly=True) as reader:
        assert write_report(reader, target) == target
        assert write_report(reader, str(target)).stat().st_size > 1_000_000
    assert [path.name for path in target.parent.iterdir()] == ["r.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot write"):
        write_report(study, tmp_path / "file" / "r.html")


def test_the_recordings_and_what_is_wrong_with_them(make_study: Make) -> None:
    finding = {"kind": "time_offset", "where": EVIL, "message": "50 ms later", "advice": "set dataset.align.time"}
    check = {"name": "walk1", "split": "train", "rate_hz": 100.0, "lag_ms": 50.0, "problems": [finding]}
    sound = {"name": "walk2", "split": "test", "rate_hz": 100.0, "lag_ms": None, "problems": []}
    kept = {"tinynas": "0.1.0", "data_check": {"source": "csv:x", "recordings": [check, sound]}}
    page = page_of(make_study(3, provenance=kept))
    for text in ("What is wrong with the recordings", "walk1", "50 ms later", "set dataset.align.time", "walk2"):
        assert text in page.text
    assert not any(tag == "img" for tag, _ in page.elements)
    assert "What is wrong with the recordings" not in page_of(make_study(3)).text


def drawn_of(rows: list[dict[str, Any]], picture: Any) -> Any:
    figure = draw_recordings(rows, picture)
    return None if figure is None else figure.to_plotly_json()


def test_the_recordings_are_drawn(make_study: Make) -> None:
    curves = {"offset": [[-10.0, 0.0, 10.0], [0.1, 0.9, 0.2]], "heading": None, "gravity": [[0.0, 1.0], [9.8, 6.7]]}
    bad = {"name": EVIL, "problems": [{"kind": "misaligned"}], "curves": curves}
    sound = {"name": "walk2", "problems": [], "curves": {"offset": [[0.0], [1.0]], "gravity": [[0.0, 1.0], ["x"]]}}
    rows = [bad, sound, {"name": "walk3", "curves": {"gravity": 5}}, {"name": "walk4"}]
    kept = {"tinynas": "0.1.0", "data_check": {"source": "csv:x", "recordings": rows}}
    page = page_of(make_study(3, provenance=kept))
    for text in ("The peak belongs at 0", "Below 9.8 m/s2"):
        assert text in page.text
    assert "It belongs at 0; hard iron" not in page.text, "no recording has a heading"
    offset, _, gravity = (drawn_of(rows, picture) for picture in PICTURES)
    assert offset is not None
    assert [trace["name"] for trace in offset["data"]] == ["sound", "with problems"]
    assert offset["data"][1]["y"] == [0.1, 0.9, 0.2]
    assert EVIL not in offset["data"][1]["hovertemplate"]
    assert gravity is not None
    assert len(gravity["data"]) == 1
    many = [{**bad, "name": str(n), "problems": bad["problems"] if n == 60 else []} for n in range(61)]
    drawn = drawn_of(many, PICTURES[0])
    assert drawn is not None
    assert len(drawn["data"]) == 40
    assert drawn["data"][-1]["name"] == "with problems"
