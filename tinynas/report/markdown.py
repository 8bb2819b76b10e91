"""Markdown of text and values that may hold anything: escaped, and never more than one line of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tinynas.report.words import NONE

__all__ = ["code", "figure", "pairs", "safe", "table", "value"]

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " "})


def safe(text: str) -> str:
    r"""Escape what Markdown or HTML would read as more than text.

    Example:
        >>> print(safe("walk_1 <b>"))
        walk\_1 \<b\>
    """
    return text.translate(_SPECIAL)


def code(text: str) -> str:
    """Set text as code where that can be done, else as text.

    Example:
        >>> code("best.tflite")
        '`best.tflite`'
    """
    return f"`{text}`" if text.isprintable() and not set("`|<") & set(text) else safe(text)


def value(item: object) -> str:
    """Write a JSON value.

    Example:
        >>> value({}), value(True), value(0.1 + 0.2), value(None) == NONE
        ('{}', 'yes', '0.3', True)
    """
    if isinstance(item, str):
        return safe(item)
    if isinstance(item, Mapping | list):
        return safe(json.dumps(item, ensure_ascii=False))
    return figure(item)


def figure(item: Any, digits: int = 6) -> str:
    """Write a number with so many significant digits; a dash for None."""
    if isinstance(item, float):
        return f"{item:.{digits}g}"
    if item is None or isinstance(item, bool):
        return {None: NONE, True: "yes", False: "no"}[item]
    return safe(str(item))


def pairs(items: Mapping[str, object]) -> str:
    """Write a mapping as `name value` pairs.

    Example:
        >>> pairs({"numpy": "2.4.6", "scipy": "1.17.1"})
        'numpy 2.4.6, scipy 1.17.1'
    """
    return ", ".join(f"{safe(name)} {value(item)}" for name, item in items.items()) or NONE


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; the cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
