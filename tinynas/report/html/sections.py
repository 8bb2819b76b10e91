"""The parts that a page is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tinynas.report.html.cells import Card, Table

__all__ = ["Content", "Lead", "Plot", "Section"]


class Plot(NamedTuple):
    """A figure of the page: its name, the figure, and what is said of it; `low` where it is not as high as others."""

    name: str
    figure: Any
    alt: str
    caption: str = ""
    low: bool = False


class Lead(NamedTuple):
    """The first sentences, with the one figure that counts."""

    before: str
    figure: str = ""
    after: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page; what is empty is left out.

    Attributes:
        title: Its heading.
        note: What the figures mean.
        text: What it says where it has nothing to show.
        plots: Figures, two side by side.
        tables: Tables, two side by side.
        fold: Folds the tables away under this heading.
        recordings: Names of the recordings whose paths it shows.
        documents: Nested facts, each folded under a heading.
    """

    title: str
    note: str = ""
    text: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    fold: str = ""
    recordings: tuple[str, ...] = ()
    documents: tuple[tuple[str, list[tuple[str, str]]], ...] = ()

    @property
    def id(self) -> str:
        """Its name in the page's address: the title in small letters."""
        return "-".join(re.findall("[a-z0-9]+", self.title.lower()))


@dataclass(frozen=True)
class Content:
    """A page: what the report writes into one file, and the dashboard serves and keeps up to date.

    Attributes:
        name: The title of the browser's window.
        eyebrow: What stands above the heading.
        title: The heading.
        lead: The first sentences.
        sections: Its parts.
        banner: What a reader must know before all else; often empty.
        cards: Figures at the top.
        recordings: Paths over the recordings that a section names.
        footer: The last line.
    """

    name: str
    eyebrow: str
    title: str
    lead: Lead
    sections: tuple[Section, ...]
    banner: str = ""
    cards: tuple[Card, ...] = ()
    recordings: tuple[Mapping[str, Any], ...] = ()
    footer: str = ""
