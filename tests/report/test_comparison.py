"""Several studies as rows, as a table for a terminal, and as a page."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tinynas.report import compare, comparison_table, read_view, write_comparison
from tinynas.study import Study

from ._page import Page

Make = Callable[..., Study]


def test_rows_hold_the_best_networks(make_study: Make) -> None:
    studies = [make_study(12, recordings=["w"]), make_study(0)]
    rows = compare([read_view(study) for study in studies])
    best = studies[0].best()
    assert best is not None
    assert best.metrics is not None
    assert best.measurement is not None
    full, empty = (row.to_dict() for row in rows)
    assert full["error"] == best.metrics["error_int8"]
    assert full["test_error"] == 0.321
    assert full["sram_kib"] == best.measurement["sram_bytes"] / 1024
    assert (full["trial"], full["trials"], full["seed"], full["latency_ms"]) == (best.id, 12, 7, None)
    assert (full["state"], empty["state"], empty["error"], empty["trial"]) == ("ended", "not ended", None, None)
    json.dumps([full, empty], allow_nan=False)


def test_the_table_takes_names_as_they_are(make_study: Make) -> None:
    study = make_study(3, board={"title": "[red]x[/red] [link=http://a]", "sram_limit_bytes": 114_688})
    stream = io.StringIO()
    Console(file=stream, width=160).print(comparison_table(compare([read_view(study)])))
    assert "[red]x[/red]" in stream.getvalue()
    assert "study0" in stream.getvalue()


def test_the_page_works_offline(make_study: Make, tmp_path: Path) -> None:
    views = [read_view(make_study(count)) for count in (6, 9, 0)]
    path = write_comparison(views, tmp_path / "c.html")
    page = Page(path.read_text("utf-8"))
    assert set(page.data["figures"]) == {"progress", "front-sram", "front-flash"}
    assert "Studies side by side" in page.text
    assert not [tag for tag, _ in page.elements if tag in {"a", "link", "img"}]
    assert path.stat().st_size < 1_600_000
