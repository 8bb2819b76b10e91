"""Pieces of C: arrays and structures as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array", "comment", "initialiser", "real"]

#: Columns of a line, less the space before a literal and the comma behind it.
_WIDTH = 114
_TYPES = {"int8": "int8_t", "int16": "int16_t", "uint8": "uint8_t", "uint16": "uint16_t", "int32": "int32_t"}


def array(name: str, values: npt.NDArray[Any], *, aligned: bool = False) -> str:
    """A constant array; it lies in flash.

    Example:
        >>> print(array("shift", np.array([-3, -4], np.int8)))
        static const int8_t shift[2] = {
            -3, -4,
        };
    """
    flat = np.asarray(values).reshape(-1)
    attribute = " __attribute__((aligned(4)))" if aligned else ""
    lines = "\n".join(_filled(map(_literal, flat.tolist())) if len(flat) else ["    0,"])
    return f"static const {_TYPES[flat.dtype.name]} {name}[{max(len(flat), 1)}]{attribute} = {{\n{lines}\n}};"


def _filled(literals: Iterable[str]) -> Iterator[str]:
    """Lines of literals; of a model with large weights they take most of the time, so nothing general is used."""
    line = "   "
    for literal in literals:
        if len(line) + len(literal) > _WIDTH:
            yield line
            line = "   "
        line += f" {literal},"
    yield line


def _literal(value: int) -> str:
    # The most negative number is no literal in C, only its positive counterpart, which does not fit.
    return "-2147483647 - 1" if value == -(1 << 31) else str(value)


def initialiser(fields: Iterable[tuple[str, Any]]) -> str:
    """Designated initialisers; a nested list of fields becomes a nested structure, a tuple an array.

    Example:
        >>> initialiser([("in", [("base", 1)]), ("counts", (1, 2)), ("bias", "bias3")])
        '{.in = {.base = 1}, .counts = {1, 2}, .bias = bias3}'
    """
    return "{" + ", ".join(f".{name} = {_value(value)}" for name, value in fields) + "}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return initialiser(value)
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_value, value)) + "}"
    return value if isinstance(value, str) else _literal(int(value))


def real(value: float) -> str:
    """A float constant that reads back as the same float32.

    Example:
        >>> real(0.1), real(3)
        ('0.1f', '3.0f')
    """
    text = str(np.float32(value))
    return f"{text if any(c in text for c in '.e') else text + '.0'}f"


def comment(text: str) -> str:
    """A comment of one line; what would end it early is taken out."""
    return f"/* {text.replace('*/', '* /')} */"
