"""Several studies on one page: a table, their best so far, their Pareto fronts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinynas.report.comparison import ComparedStudy, compare, known_costs, number_text
from tinynas.report.html.cells import Cell, Head, Row, Table, sorted_cell
from tinynas.report.html.sections import Content, Lead, Plot, Section
from tinynas.report.resources import COSTS
from tinynas.report.view import StudyView
from tinynas.report.words import NONE, bind, error_text, number, span

__all__ = ["side_by_side", "studies_table"]


def side_by_side(views: Sequence[StudyView], *, link: Callable[[int], str] | None = None) -> Content:
    """Make a page of several studies.

    Args:
        views: The studies.
        link: The address of the page of the study with that number; None: there is none.
    """
    from tinynas.report.figures import compare_fronts, compare_progress

    rows = compare(views)
    count = f"{len(views)} stud{'y' if len(views) == 1 else 'ies'}"
    sections = [Section("Studies", _NOTE, tables=(studies_table(rows, link),))]
    progress = compare_progress(views)
    if progress is not None:
        alt = f"Lowest validation error so far over the trials of {len(views)} studies."
        sections.append(Section("Best so far", plots=(Plot("progress", progress, alt),)))
    fronts = [(cost, figure) for cost in COSTS if (figure := compare_fronts(views, cost.key)) is not None]
    if fronts:
        plots = tuple(
            Plot(f"front-{cost.key}", figure, f"Pareto fronts of error against {cost.label} of {len(fronts)} studies.")
            for cost, figure in fronts
        )
        sections.append(Section("Pareto fronts", "The networks that no other one of the study beats.", plots=plots))
    return Content(
        name="tinynas: studies side by side",
        eyebrow=f"tinynas · {count}",
        title="Studies side by side",
        lead=_lead(rows),
        sections=tuple(sections),
        footer=f"Made by tinynas from {count}.",
    )


_NOTE = (
    "Errors are the RMSE of the velocity of the network as deployed, on recordings; lower is better. They compare "
    "between studies of the same data."
)


def studies_table(rows: Sequence[ComparedStudy], link: Callable[[int], str] | None = None) -> Table:
    """The best network of each study, sortable by every column.

    Args:
        rows: The studies.
        link: The address of the page of the study with that number; None: there is none.
    """
    best = min((row.error for row in rows if row.error is not None), default=None)
    costs = known_costs(rows)
    body = []
    for index, row in enumerate(rows):
        cells = (
            Cell(row.name, href="" if link is None else link(index)),
            Cell(row.board),
            Cell(row.dataset),
            Cell("running" if row.running else row.state, "nowrap"),
            sorted_cell(row.trials, str(row.trials)),
            sorted_cell(row.error, number(row.error)),
            sorted_cell(row.test_error, number(row.test_error)),
            *(sorted_cell(value, number_text(value)) for value in (row.costs[cost.key] for cost in costs)),
            sorted_cell(row.seconds, span(row.seconds)),
            sorted_cell(row.seed, NONE if row.seed is None else f"{row.seed:.0f}"),
        )
        body.append(Row(cells, best=row.error is not None and row.error == best))
    heads = (
        *(Head(name, sortable=True) for name in ("study", "board", "data", "state")),
        *(Head(name, True, True) for name in ("trials", "validation (m/s)", "test (m/s)")),
        *(Head(f"{cost.label} ({cost.unit})", True, True) for cost in costs),
        *(Head(name, True, True) for name in ("time", "seed")),
    )
    return Table(heads, tuple(body), sortable=True)


def _lead(rows: Sequence[ComparedStudy]) -> Lead:
    known = [row for row in rows if row.error is not None]
    if not known:
        return Lead("No study has a network that fits its board yet.")
    first = min(known, key=lambda row: row.error or 0.0)
    before = f"The lowest validation error is that of {first.name}, on {first.board}: "
    return Lead(before, bind(error_text(first.error)), ".")
