"""The data of a search in its report: what was measured on every recording, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tinynas.report.html.cells import Cell, Head, Row, Table
from tinynas.report.html.sections import Plot, Section
from tinynas.report.view import StudyView, mapping_at, number_at
from tinynas.report.words import NONE, number

__all__ = ["data_sections"]

_FIGURES = (
    ("rate_hz", "rate (Hz)", 2),
    ("duration_s", "length (s)", 0),
    ("length_m", "way (m)", 0),
    ("speed_m_s", "speed (m/s)", 2),
    ("lag_ms", "lag (ms)", 0),
    ("misalignment_deg", "tilt (degrees)", 0),
    ("mag_bias_ut", "hard iron (uT)", 1),
    ("heading_consistency", "heading", 2),
    ("lost_windows", "windows lost", 3),
)


def data_sections(view: StudyView) -> Iterator[Section]:
    """The sections about the recordings; none where the study does not keep their check."""
    table, problems = _recordings_table(view), _problems_table(view)
    if table is not None:
        note = (
            "As the search has used them. Lag: how much later the sensors show a motion than the ground truth. Tilt: "
            "of the ground truth's body against the sensor. Heading: how steady the magnetic field lies, 1 is best."
        )
        yield Section("Recordings", note, plots=tuple(_plots(view)), tables=(table,))
    if problems is not None:
        yield Section("What is wrong with the recordings", tables=(problems,))


def _plots(view: StudyView) -> Iterator[Plot]:
    """Offset, heading and gravity of the recordings, as far as the study keeps them."""
    from tinynas.report.figures import PICTURES, draw_recordings

    rows = _recordings(view)
    for picture in PICTURES:
        figure = draw_recordings(rows, picture)
        if figure is not None:
            yield Plot(f"recordings-{picture.key}", figure, f"{picture.y} over {picture.x}.", picture.caption)


def _recordings_table(view: StudyView) -> Table | None:
    """Every recording with what `tinynas data check` measures; None where the study does not keep it."""
    rows = _recordings(view)
    if not rows:
        return None
    body = []
    for row in rows:
        values = [(number_at(row, key), digits) for key, _, digits in _FIGURES]
        problems = row.get("problems")
        count = len(problems) if isinstance(problems, list) else 0
        figures = (Cell(number(v, digits), "number", sort=v, sortable=True) for v, digits in values)
        counted = Cell(str(count), "number", sort=count, sortable=True)
        body.append(
            Row((Cell(str(row.get("name", NONE)), "name"), Cell(str(row.get("split", NONE))), *figures, counted))
        )
    heads = (Head("recording", sortable=True), Head("split", sortable=True))
    figures_heads = (*(Head(title, True, True) for _, title, _ in _FIGURES), Head("problems", True, True))
    return Table((*heads, *figures_heads), tuple(body), sortable=True)


def _problems_table(view: StudyView) -> Table | None:
    """What is wrong with the recordings, and what to do; None where nothing is."""
    found = [problem for row in _recordings(view) for problem in _mappings(row.get("problems"))]
    if not found:
        return None
    body = [
        Row(tuple(Cell(str(problem.get(key, NONE)), "wide") for key in ("where", "kind", "message", "advice")))
        for problem in found
    ]
    return Table((Head("recording"), Head("kind"), Head("what was found"), Head("what to do")), tuple(body))


def _recordings(view: StudyView) -> list[Mapping[str, Any]]:
    return _mappings(mapping_at(view.provenance, "data_check").get("recordings"))


def _mappings(rows: object) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, Sequence) else []
