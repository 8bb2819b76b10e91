"""Small faults of tables that need not cost a recording: lost samples, short gaps, repeated rows, codes for "missing".

What is mended is told: every repair is part of the recording, and `tinynas data check` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.recording import Repair

__all__ = ["BRIDGED_S", "Table", "blank_sentinels", "drop_repeated_rows", "even_out", "fill_lost_samples"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BRIDGED_S = 0.1
"""Longest stretch without samples that is interpolated; longer ones are interpolated and masked."""

_SENTINELS = (-9999.0, -999.0, 9999.0, 99999.0, -99999.0, -999.25, -32768.0)
_MOST_MISSING = 0.2
_MOST_REPEATED = 0.05
_GAP = 1.9  # periods: a phone's samples come late by a few ms
_QUATERNION = 4

Place = Callable[[int], str]


@dataclass(frozen=True)
class Table:
    """Columns of a recording while it is mended.

    Args:
        time_s: (N,) in s.
        columns: (N, k) by quantity; those that are not there are left out.
        trusted: (N,) rows that windows may touch.
        rows: (N,) where each stands in the file, counted from 0.
        repairs: What was mended so far.
    """

    time_s: Array
    columns: Mapping[str, Array]
    trusted: Mask
    rows: NDArray[np.int64]
    repairs: tuple[Repair, ...] = ()


def blank_sentinels(values: Array) -> Array:
    """Return values with NaN where a number such as -9999 stands for "missing".

    It does where it is a usual one, and at least twice as far from zero as anything else in the column.
    """
    cleaned = np.array(values)
    for column in cleaned.T:
        for sentinel in _SENTINELS:
            hits = column == sentinel
            others = np.abs(column[~hits & np.isfinite(column)])
            if hits.any() and others.size and others.max() < abs(sentinel) / 2:
                column[hits] = np.nan
    return cleaned


def drop_repeated_rows(table: Table, place: Place) -> Table:
    """Drop rows that bear the time of the row before, if they are few."""
    again = np.r_[False, np.diff(table.time_s) == 0]
    if not again.any() or again.mean() > _MOST_REPEATED:
        return table
    kept = ~again
    repair = Repair(
        place(int(table.rows[again.argmax()])),
        f"{int(again.sum())} row(s) bear the time of the row before and were dropped",
        "write every sample once",
    )
    columns = {key: block[kept] for key, block in table.columns.items()}
    return Table(table.time_s[kept], columns, table.trusted[kept], table.rows[kept], (*table.repairs, repair))


def fill_lost_samples(table: Table, sensors: tuple[str, ...], place: Place) -> Table:
    """Interpolate sensor values that are missing (NaN); stretches longer than `BRIDGED_S` are masked.

    Raises:
        DatasetError: More than a fifth of a sensor's rows is missing, or a value is infinite.
    """
    columns, trusted, repairs = dict(table.columns), table.trusted.copy(), list(table.repairs)
    for key in sensors:
        if key not in columns:
            continue
        block = columns[key]
        lost = np.asarray(np.isnan(block).any(axis=1))
        bad = np.asarray(~np.isfinite(block).all(axis=1))
        if lost.mean() > _MOST_MISSING or (bad & ~lost).any():
            first = int(np.flatnonzero(bad & ~lost if (bad & ~lost).any() else bad)[0])
            run = _run_at(bad, first)
            message = f"{key} is missing or NaN in {int(bad.sum())} row(s), here for {run} in a row"
            raise DatasetError(
                message, where=place(int(table.rows[first])), advice="cut the recording there, or interpolate"
            )
        if not lost.any():
            continue
        there = np.flatnonzero(~lost)
        filled = [np.interp(table.time_s, table.time_s[there], axis[there]) for axis in block.T]
        columns[key] = np.stack(filled, axis=1)
        masked = _unbridged(table.time_s, there)
        trusted &= ~(masked & lost)
        count, hidden = int(lost.sum()), int((masked & lost).sum())
        message = f"{key} is missing in {count} row(s): interpolated"
        if hidden:
            message += f", and {hidden} of them masked (longer than {BRIDGED_S:g} s)"
        repairs.append(
            Repair(place(int(table.rows[lost.argmax()])), message, "windows that touch masked rows are left out")
        )
    return Table(table.time_s, columns, trusted, table.rows, tuple(repairs))


def even_out(table: Table, place: Place) -> Table:
    """Fill gaps in time with rows at the rate of the rest; those in gaps longer than `BRIDGED_S` are masked."""
    steps = np.diff(table.time_s)
    period = float(np.median(steps)) if steps.size else 0.0
    gaps = steps > _GAP * period
    if period <= 0 or (steps <= 0).any() or not gaps.any() or steps[gaps].sum() > _MOST_MISSING * steps.sum():
        return table
    rate_hz = float((~gaps).sum() / steps[~gaps].sum())
    rows = int((table.time_s[-1] - table.time_s[0]) * rate_hz + 0.5) + 1
    time_s = table.time_s[0] + np.arange(rows) / rate_hz
    after = np.clip(np.searchsorted(table.time_s, time_s), 1, len(steps))
    bridged = steps[after - 1] <= BRIDGED_S
    near = np.clip(np.searchsorted(table.time_s, time_s - period / 2), 0, len(steps))
    on_row = np.abs(table.time_s[near] - time_s) <= period / 2
    trusted = table.trusted[after] & table.trusted[after - 1] & (bridged | ~gaps[after - 1] | on_row)
    columns = {key: _at(time_s, table.time_s, block) for key, block in table.columns.items()}
    longest = int(steps.argmax())
    repair = Repair(
        place(int(table.rows[longest + 1])),
        f"samples are missing in {int(gaps.sum())} place(s), the longest for {steps[longest] - period:.3g} s: "
        f"interpolated, and masked beyond {BRIDGED_S:g} s",
        "windows that touch masked rows are left out",
    )
    rows_of = table.rows[np.where(on_row, near, after)]
    return Table(time_s, columns, trusted, rows_of, (*table.repairs, repair))


def _at(time_s: Array, then: Array, block: Array) -> Array:
    """Values at other times; a missing value spoils no more than its neighbours."""
    if block.shape[1] == _QUATERNION:
        dots = np.nan_to_num((block[1:] * block[:-1]).sum(axis=1), nan=1.0)
        block = block * np.r_[1.0, np.cumprod(np.where(dots < 0, -1.0, 1.0))][:, None]
    mixed = np.stack([np.interp(time_s, then, axis) for axis in block.T], axis=1)
    if block.shape[1] == _QUATERNION:
        length = np.linalg.norm(mixed, axis=1, keepdims=True)
        mixed = mixed / np.where(length > 0, length, 1.0)
    return mixed


def _unbridged(time_s: Array, there: NDArray[np.int64]) -> Mask:
    """Rows between samples that are further apart than is bridged, and those before the first and after the last."""
    after = np.searchsorted(there, np.arange(len(time_s)))
    inside = (after > 0) & (after < len(there))
    spans = np.diff(time_s[there], prepend=time_s[there[0]])
    return ~inside | (spans[np.clip(after, 0, len(there) - 1)] > BRIDGED_S)


def _run_at(bad: Mask, first: int) -> int:
    rest = np.flatnonzero(~bad[first:])
    return int(rest[0]) if rest.size else len(bad) - first
