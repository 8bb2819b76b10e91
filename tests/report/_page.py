"""A written report, as a browser would read it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go

from tinynas.report import write_report
from tinynas.study import Study

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would make of a report: elements, text, and whether the elements are nested properly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == [], f"left open: {self.stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> without a start"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self.stack[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])


def page_of(study: Study) -> Page:
    path = write_report(study, study.folder / "report.html")
    page = Page(path.read_text("utf-8"))
    light = page.data["palettes"]["light"]
    for figure in [*page.data["figures"].values(), *page.data["trajectories"]]:
        for palette in page.data["palettes"].values():
            go.Figure(themed(figure, light, palette))
    return page


def themed(value: Any, light: dict[str, str], palette: dict[str, str]) -> Any:
    """The page's own rule, in Python: Plotly then checks every property of the figure."""
    if isinstance(value, list):
        return [themed(item, light, palette) for item in value]
    if isinstance(value, dict):
        return {key: themed(item, light, palette) for key, item in value.items()}
    names = {colour: name for name, colour in light.items()}
    return palette[names[value]] if isinstance(value, str) and value in names else value
