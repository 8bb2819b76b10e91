"""The figures of a network that reports show, each declared once.

A new figure of a measurement is one entry of `COLUMNS`: `--json`, the terminal, the page and the model card follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

from tinynas.report.view import number_at, time_is_estimated
from tinynas.report.words import NONE, kib, macs

__all__ = ["COLUMNS", "Column", "Where", "columns_in"]


class Where(Flag):
    """What shows a figure."""

    JSON = auto()
    TERMINAL = auto()
    TRIALS = auto()  # the page's table of all trials
    PAGE = auto()  # the page's table of the best network
    CARD = auto()
    ALL = JSON | TERMINAL | TRIALS | PAGE | CARD


@dataclass(frozen=True)
class Column:
    """One figure of a network.

    Attributes:
        key: Its name in a measurement and in `--json`.
        label: What people call it.
        write: Turns the figure into text, with its unit; a dash for None.
        where: What shows it.
        resource: `sram` or `flash` where the board limits it, else None.
        absent: What the page and the card say where it is not known; None leaves the row out. The terminal leaves the
            row out unless this is a dash.
        is_time: Whether a virtual board only estimates it.

    Example:
        >>> [column] = [column for column in COLUMNS if column.key == "latency_us"]
        >>> column.text({"latency_us": 1234.5, "source": "virtual"}), column.text({})
        ('1.23 ms, an estimate', 'not measured')
    """

    key: str
    label: str
    write: Callable[[float | None], str]
    where: Where
    resource: str | None = None
    absent: str | None = NONE
    is_time: bool = False

    def value(self, measurement: Mapping[str, Any] | None) -> float | None:
        """The figure; None where it is not known."""
        return number_at(measurement, self.key)

    def text(self, measurement: Mapping[str, Any] | None) -> str | None:
        """The figure with its unit; what stands for one that is not known; None where the row is left out."""
        value = self.value(measurement)
        if value is None:
            return self.absent
        return self.write(value) + (", an estimate" if self.is_time and time_is_estimated(measurement) else "")


def _thousandth(unit: str, digits: int) -> Callable[[float | None], str]:
    return lambda value: NONE if value is None else f"{value / 1000:.{digits}f} {unit}"


_BEST = Where.PAGE | Where.CARD
_MEASURED = Where.JSON | Where.TERMINAL | _BEST

COLUMNS = (
    Column("sram_bytes", "SRAM", kib, Where.ALL, resource="sram"),
    Column("predicted_sram_bytes", "SRAM, as predicted", kib, Where.PAGE, absent=None),
    Column("arena_bytes", "tensor arena", kib, _BEST),
    Column("flash_bytes", "flash", kib, Where.ALL, resource="flash"),
    Column("predicted_flash_bytes", "flash, as predicted", kib, Where.PAGE, absent=None),
    Column("tflite_bytes", ".tflite file", kib, _BEST),
    Column("macs", "MACs", macs, Where.ALL),
    Column("parameters", "parameters", macs, Where.PAGE),
    Column("latency_us", "latency", _thousandth("ms", 2), _MEASURED, absent="not measured", is_time=True),
    Column("energy_uj", "energy", _thousandth("mJ", 3), _MEASURED, absent="not measured"),
)


def columns_in(where: Where) -> tuple[Column, ...]:
    """The figures that a report shows, in order."""
    return tuple(column for column in COLUMNS if column.where & where)
