"""Numbers and networks in words, the same in every kind of report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tinynas import network
from tinynas.errors import SpaceError
from tinynas.network import Architecture, LayerGraph

__all__ = [
    "NONE",
    "bind",
    "describe",
    "describe_choice",
    "describe_input",
    "describe_short",
    "error_text",
    "grouped",
    "kib",
    "layer_graph",
    "macs",
    "number",
    "percent",
    "relative",
    "signed",
    "span",
]

NONE = "\N{EN DASH}"


def bind(text: str) -> str:
    """Keep numbers and their units on one line, by no-break spaces.

    Example:
        >>> bind("12 s of 3 trials").split(" ")[1:]
        ['of', '3', 'trials']
    """
    return re.sub(r"(?<=\d) (?=(?:%|s|min|h|m/s|KiB|ms)\b|%)", "\N{NO-BREAK SPACE}", text)


def number(value: float | None, digits: int = 3) -> str:
    """Format a number with a fixed count of decimals, a dash for None; what rounds to zero has no sign.

    Example:
        >>> number(0.12345), number(-0.3, 0)
        ('0.123', '0')
    """
    return NONE if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def error_text(value: float | None) -> str:
    """Format a velocity error.

    Example:
        >>> error_text(0.2137)
        '0.214 m/s'
    """
    return NONE if value is None else f"{value:.3f} m/s"


def kib(value: float | None) -> str:
    """Format bytes as KiB (1024 bytes).

    Example:
        >>> kib(131072), kib(1234), kib(None) == NONE
        ('128 KiB', '1.2 KiB', True)
    """
    if value is None:
        return NONE
    amount = value / 1024
    return f"{amount:.0f} KiB" if amount >= 100 or amount == int(amount) else f"{amount:.1f} KiB"


def grouped(value: float | None) -> str:
    """Format a whole number, its thousands set apart.

    Example:
        >>> grouped(131072)
        '131,072'
    """
    return NONE if value is None else f"{value:,.0f}"


def signed(value: float | None, digits: int = 0) -> str:
    """Format a difference with its sign; none where it rounds to zero.

    Example:
        >>> signed(8), signed(0.123, 2), signed(-0.001, 2), signed(-1234) == "\N{MINUS SIGN}1,234"
        ('+8', '+0.12', '0.00', True)
    """
    if value is None:
        return NONE
    text = f"{value:+,.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if set(text) & set("123456789") else text[1:]


def macs(value: float | None) -> str:
    """Format a count of multiply-accumulates.

    Example:
        >>> macs(1_234_000), macs(45_600), macs(514_000), macs(12)
        ('1.23 M', '45.6 k', '514 k', '12')
    """
    if value is None:
        return NONE
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            amount = value / unit
            return f"{amount:.{0 if amount >= 100 else 1 if amount >= 10 else 2}f} {letter}"
    return f"{value:.0f}"


def percent(value: float | None) -> str:
    """Format a share of one.

    Example:
        >>> percent(0.0634), percent(0.42)
        ('6.3 %', '42 %')
    """
    if value is None:
        return NONE
    return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"


def relative(value: float | None, reference: float | None) -> str | None:
    """Say how far a value lies below or above a reference; None when that cannot be said.

    Example:
        >>> relative(0.6, 1.0), relative(1.2, 1.0), relative(None, 1.0)
        ('40 % below', '20 % above', None)
    """
    if value is None or not reference:
        return None
    change = value / reference - 1
    return f"{abs(change):.0%} {'below' if change <= 0 else 'above'}".replace("%", " %")


def span(seconds: float | None) -> str:
    """Format a duration.

    Example:
        >>> span(7.25), span(312), span(7500)
        ('7.2 s', '5 min 12 s', '2 h 5 min')
    """
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def layer_graph(architecture: Mapping[str, Any]) -> LayerGraph | None:
    """The layers of a network that a study holds; None where it is not one that this version knows."""
    try:
        return Architecture.from_dict(architecture).graph
    except SpaceError:
        return None


def describe(architecture: Mapping[str, Any]) -> str:
    """Describe a network of a study in a sentence.

    Example:
        >>> describe({"filters": 12, "kernel_size": 8, "dilations": [4, 32], "window": 200, "channels": 6})
        '12 filters, kernel 8, dilations 4 and 32, no normalisation, no skip connections'
    """
    graph = layer_graph(architecture)
    return "an unknown architecture" if graph is None else network.describe(graph)


def describe_short(architecture: Mapping[str, Any]) -> str:
    """Describe a network of a study in a table cell.

    Example:
        >>> describe_short({"filters": 12, "kernel_size": 8, "dilations": [4, 32], "window": 200, "channels": 6})
        '12 f · k 8 · d 4 32'
    """
    graph = layer_graph(architecture)
    return NONE if graph is None else network.describe_short(graph)


def describe_input(best: Mapping[str, Any]) -> str:
    """Describe what a network sees, and from how many directions.

    Args:
        best: With `architecture`, `frame` and `turns`, as `result` has them.

    Example:
        >>> describe_input({"architecture": {"window": 200}, "frame": "north", "turns": 2})
        '200 samples, north frame, the mean of 2 directions'
    """
    architecture, frame, turns = best.get("architecture"), best.get("frame"), best.get("turns")
    window = architecture.get("window") if isinstance(architecture, Mapping) else None
    parts = [NONE if window is None else f"{window} samples"]
    if frame:
        parts.append(f"{frame} frame")
    if turns not in (None, 1):
        parts.append(f"the mean of {turns} directions")
    return ", ".join(parts)


def describe_choice(params: Mapping[str, Any] | None) -> str:
    """Describe what a trial chose beside its network's layers, for a table cell; often empty.

    Example:
        >>> describe_choice({"filters": 8, "frame": "north", "window": 200, "turns": 2})
        ' · north · w 200 · 2 turns'
    """
    forms = {"frame": "{}", "window": "w {}", "turns": "{} turns"}
    return "".join(f" · {form.format(params[key])}" for key, form in forms.items() if params and key in params)
