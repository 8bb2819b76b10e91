"""Several studies beside each other: what each has found, for a table, a page or a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tinynas.report.resources import COSTS, Cost
from tinynas.report.view import StudyView, number_at
from tinynas.report.words import NONE, number, span

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["ComparedStudy", "compare", "comparison_table", "known_costs", "number_text"]


@dataclass(frozen=True)
class ComparedStudy:
    """A study as a row of a table.

    Attributes:
        name: The name of its folder.
        board: The board.
        dataset: The data, as the user named it.
        state: `ended`, or `not ended`.
        running: Whether a search is at work on it.
        trials: How many it has.
        infeasible: How many of them do not fit.
        trial: Number of the best trial, or None.
        error: Joint velocity RMSE of the best network as deployed, in m/s, on validation recordings; or None.
        test_error: On test recordings; None before these were looked at.
        costs: SRAM and flash in KiB, latency in ms, energy in mJ; None where unknown.
        seconds: What the search took, or None.
        seed: Of the search, or None.
    """

    name: str
    board: str
    dataset: str
    state: str
    running: bool
    trials: int
    infeasible: int
    trial: int | None
    error: float | None
    test_error: float | None
    costs: Mapping[str, float | None]
    seconds: float | None
    seed: float | None

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, a cost with its unit in its name."""
        found = asdict(self)
        costs = found.pop("costs")
        units = {"KiB": "kib", "ms": "ms", "mJ": "mj"}
        return found | {f"{cost.key}_{units[cost.unit]}": costs[cost.key] for cost in COSTS}


def compare(views: Sequence[StudyView]) -> list[ComparedStudy]:
    """Put studies beside each other, in the order given.

    Args:
        views: The studies.
    """
    rows = []
    for view in views:
        best = view.best
        rows.append(
            ComparedStudy(
                name=view.name,
                board=view.title,
                dataset=view.dataset,
                state="ended" if "best_trial" in view.summary else "not ended",
                running=view.live.running,
                trials=len(view.trials),
                infeasible=view.infeasible,
                trial=None if best is None else best.id,
                error=view.error("int8", "validation"),
                test_error=view.error("int8", "test"),
                costs={cost.key: None if best is None else cost.of(best) for cost in COSTS},
                seconds=number_at(view.summary, "seconds"),
                seed=number_at(view.config, "seed"),
            )
        )
    return rows


def number_text(value: float | None) -> str:
    """A cost in a table: four figures, whatever its unit."""
    return NONE if value is None else f"{value:.4g}"


def known_costs(rows: Sequence[ComparedStudy]) -> list[Cost]:
    """The costs that are known of some study's best network: the others are no columns."""
    return [cost for cost in COSTS if any(row.costs[cost.key] is not None for row in rows)]


def comparison_table(rows: Sequence[ComparedStudy]) -> Table:
    """The studies as a table for a terminal.

    Args:
        rows: The studies.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("study", "board", "data"):
        table.add_column(name, overflow="fold")
    costs = known_costs(rows)
    for name in ("trials", "validation\nm/s", "test\nm/s", *(f"{cost.label}\n{cost.unit}" for cost in costs), "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        used = (number_text(row.costs[cost.key]) for cost in costs)
        errors = (number(row.error), number(row.test_error))
        # Text, not markup: names are whatever their folder is called.
        names = (Text(row.name), Text(row.board), Text(row.dataset))
        table.add_row(*names, str(row.trials), *errors, *used, span(row.seconds))
    return table
