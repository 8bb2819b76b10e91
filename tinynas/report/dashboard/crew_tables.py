"""Who works for a search, and on which boards, as tables of its page in the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tinynas.report.html.cells import Cell, Head, Row, Table
from tinynas.report.words import NONE, span
from tinynas.study import CrewNotes

__all__ = ["crew_tables"]


def crew_tables(crew: CrewNotes, link: Callable[[int], str], now: float) -> Iterator[Table]:
    """The workers and the boards; nothing where a search says nothing of them.

    Args:
        crew: What the search's driver has told.
        link: The address of a trial's own page.
        now: Unix time in seconds.
    """
    if crew.workers:
        # Boards that are attached here are listed below; of those at a cluster's workers only the number is known.
        with_boards = any(worker.boards for worker in crew.workers)
        body = []
        for worker in crew.workers:
            doing = ", ".join(f"trial {trial}" for trial in worker.trials) or "waits"
            # One trial is what a worker has mostly: a link to several would lead to one of them.
            href = link(worker.trials[0]) if len(worker.trials) == 1 else ""
            if worker.problem is not None:
                doing, href = f"gets no work: {worker.problem}", ""
            boards = (Cell(str(worker.boards), "number"),) if with_boards else ()
            what = Cell(doing, "name", href=href)
            body.append(Row((Cell(worker.name, "name"), what, *boards, _since(worker.since, now))))
        heads = (Head("worker"), Head("doing"), *((Head("boards", True),) if with_boards else ()), Head("since", True))
        yield Table(heads, tuple(body))
    if crew.boards:
        rows = [
            Row(
                (
                    Cell(one.name, "name"),
                    Cell(one.state, "nowrap"),
                    Cell(one.detail or "", "wide"),
                    _since(one.since, now),
                )
            )
            for one in crew.boards
        ]
        yield Table((Head("board"), Head("state"), Head("by whom, or why"), Head("since", True)), tuple(rows))


def _since(at: float | None, now: float) -> Cell:
    return Cell(NONE if at is None else span(max(0.0, now - at)), "number")
