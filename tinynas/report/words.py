"""Numbers and networks in words, the same in every kind of report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "NONE",
    "bind",
    "describe",
    "describe_short",
    "error_text",
    "grouped",
    "kib",
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
    """Format a number with a fixed count of decimals, a dash for None."""
    return NONE if value is None else f"{value:.{digits}f}"


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


def describe(architecture: Mapping[str, Any]) -> str:
    """Describe a network in a sentence.

    Example:
        >>> describe({"filters": 12, "kernel_size": 8, "dilations": [4, 32], "norm": "batch", "skip_connections": True})
        '12 filters, kernel 8, dilations 4 and 32, batch normalisation, skip connections'
    """
    parts = []
    if "filters" in architecture:
        parts.append(f"{architecture['filters']} filters")
    if "kernel_size" in architecture:
        parts.append(f"kernel {architecture['kernel_size']}")
    if dilations := _dilations(architecture):
        *head, last = dilations
        parts.append(f"dilations {', '.join(head)} and {last}" if head else f"dilation {last}")
    dropout = architecture.get("dropout")
    if isinstance(dropout, int | float) and dropout:
        parts.append(f"dropout {dropout:.2g}")
    parts.append("batch normalisation" if architecture.get("norm") == "batch" else "no normalisation")
    parts.append("skip connections" if architecture.get("skip_connections") else "no skip connections")
    return ", ".join(parts)


def describe_short(architecture: Mapping[str, Any]) -> str:
    """Describe a network in a table cell.

    Example:
        >>> describe_short({"filters": 12, "kernel_size": 8, "dilations": [4, 32], "norm": "batch"})
        '12 f · k 8 · d 4 32 · BN'
    """
    parts = [f"{architecture.get('filters', '?')} f", f"k {architecture.get('kernel_size', '?')}"]
    if dilations := _dilations(architecture):
        parts.append("d " + " ".join(dilations))
    parts += ["BN"] * (architecture.get("norm") == "batch") + ["skip"] * bool(architecture.get("skip_connections"))
    return " · ".join(parts)


def _dilations(architecture: Mapping[str, Any]) -> list[str]:
    dilations = architecture.get("dilations")
    if isinstance(dilations, str) or not isinstance(dilations, Sequence):
        return []
    return [str(dilation) for dilation in dilations]
