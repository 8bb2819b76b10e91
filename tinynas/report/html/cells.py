"""What tables and cards are made of; the templates turn them into HTML and escape what they hold."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bar", "Card", "Cell", "Head", "Row", "Table", "bar_of", "sorted_cell"]


@dataclass(frozen=True)
class Bar:
    """A horizontal bar, full at a share of 1; `label` is what a screen reader says."""

    share: float
    label: str
    kind: str = ""

    @property
    def width_percent(self) -> float:
        """How much of its place it fills."""
        return 100 * min(1.0, max(0.0, self.share))

    @property
    def style(self) -> str:
        """Its class: what is over the limit looks so."""
        return "over" if self.share > 1 and self.kind != "best" else self.kind


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        kind: Its class: `number`, `nowrap`, or how wide it is at least: `name`, `wide`, `prose`.
        sort: What it is sorted by; None where it is not known.
        sortable: Whether it says what it is sorted by.
        bar: Drawn in place of the text.
        state: Of a trial: drawn as a badge.
        href: Where it leads, in a dashboard.
    """

    text: str = ""
    kind: str = ""
    sort: float | None = None
    sortable: bool = False
    bar: Bar | None = None
    state: bool = False
    href: str = ""


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    text: str
    numeric: bool = False
    sortable: bool = False


@dataclass(frozen=True)
class Row:
    """A row; its first cell is its head."""

    cells: tuple[Cell, ...]
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table; `groups` are names over so many columns each, in a row above the heads."""

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    sortable: bool = False
    groups: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Card:
    """A figure at the top of the page."""

    title: str
    figure: str
    detail: str
    bar: Bar | None = None


def bar_of(value: float | None, worst: float, label: str, kind: str = "") -> Bar | None:
    """A bar that is full at the worst value; None where there is nothing to draw."""
    return None if value is None or not worst else Bar(value / worst, label, kind)


def sorted_cell(value: float | None, text: str, href: str = "") -> Cell:
    """A number that a column can be sorted by."""
    return Cell(text, "number", value, sortable=True, href=href)
