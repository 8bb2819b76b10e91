"""One csv file of named columns with units, as docs/data.md describes it, to a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical, require_rate
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.readers.files import nth_row, parse_floats, read_header, read_text
from tinynas.odometry.readers.mend import Table, blank_sentinels, drop_repeated_rows, even_out, fill_lost_samples
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording
from tinynas.printable import printable

__all__ = ["mode_of", "read_table_recording", "stem_of"]

Array = NDArray[np.float64]

# A phone's samples come late by a few ms; a step above this many periods is a gap, below its inverse a repeated row.
_LONGEST_STEP = 1.9


@dataclass(frozen=True)
class _Quantity:
    axes: tuple[str, ...]
    units: dict[str, float]  # suffix -> factor to the SI unit; the first is the documented one
    required: bool

    def column(self, name: str, axis: str, unit: str) -> str:
        return "_".join(part for part in (name, axis, unit) if part)


_QUANTITIES = {
    "time": _Quantity(("",), {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}, required=True),
    "accel": _Quantity(
        ("x", "y", "z"),
        {"m_s2": 1.0, "g": STANDARD_GRAVITY_M_S2, "mg": 1e-3 * STANDARD_GRAVITY_M_S2},
        required=True,
    ),
    "gyro": _Quantity(
        ("x", "y", "z"),
        {"rad_s": 1.0, "deg_s": math.pi / 180, "mdeg_s": 1e-3 * math.pi / 180},
        required=True,
    ),
    "mag": _Quantity(("x", "y", "z"), {"uT": 1.0, "nT": 1e-3, "gauss": 100.0, "mgauss": 0.1}, required=False),
    "position": _Quantity(("x", "y", "z"), {"m": 1.0, "cm": 1e-2, "mm": 1e-3}, required=True),
    "orientation": _Quantity(("x", "y", "z", "w"), {"": 1.0}, required=False),
    "valid": _Quantity(("",), {"": 1.0}, required=False),
}


_PHYSICAL = ("accel", "gyro", "mag", "position")


def read_table_recording(path: Path, *, name: str | None = None) -> Recording:
    """Read one csv file with a header of named columns.

    Required are time, accel, gyro and position x and y; position z (else 0), mag, orientation and valid may be absent.
    The suffix of a name is its unit: `time_s` (ms, us, ns), `accel_x_m_s2` (g, mg), `gyro_x_rad_s` (deg_s, mdeg_s),
    `mag_x_uT` (nT, gauss, mgauss), `position_x_m` (cm, mm), `orientation_x` ... `_w`, `valid` (0 or 1). Other columns
    are ignored. The rate follows from the time column. Empty or NaN ground truth marks a row as not valid; jumps are
    masked by `trusted_rows`. A magnetometer without a single value is none.

    Small faults are mended, and told in `Recording.repairs`: single lost sensor values and gaps up to 0.1 s are
    interpolated (longer ones are masked, up to a fifth of the recording), rows with the time of the row before are
    dropped, and numbers such as -9999 that stand for "missing" are taken for that.

    Args:
        path: A `.csv` or `.csv.gz` file.
        name: Path of the file within its dataset; its folder is the mode. None for the bare file name.

    Raises:
        DatasetError: A column is missing or given twice, a field is not a number, a row is short, more than a fifth of
            a sensor's values is missing, a value is beyond what can be measured, or the time is not regular. `where`
            is file:column or file:row.
    """
    name = name or path.name
    text = read_text(path)
    header = read_header(path, text, "time_s")
    columns = {column: index for index, column in enumerate(header)}
    if len(columns) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise DatasetError("the column is given twice", where=f"{path}:{printable(twice)}")
    wanted = {key: _find(path, columns, key) for key in _QUANTITIES}
    order = [index for indices, _ in wanted.values() for index in indices if index >= 0]
    table = parse_floats(path, text, order, width=len(header), header_rows=1)
    values: dict[str, Array | None] = {}
    used = 0
    for key, (indices, factor) in wanted.items():
        present = [slot for slot, index in enumerate(indices) if index >= 0]
        block = np.zeros((len(table), len(indices)))
        column = table[:, used : used + len(present)]
        block[:, present] = (column if key in ("time", "valid") else blank_sentinels(column)) * factor
        used += len(present)
        values[key] = block if present else None
    return _recording(_Place(path, text), name, values)


@dataclass(frozen=True)
class _Place:
    """Where rows of a table stand in its file."""

    path: Path
    text: str

    def __call__(self, index: int) -> str:
        return f"{self.path}:{nth_row(self.text, index, 1)}"


def _recording(place: _Place, name: str, values: dict[str, Array | None]) -> Recording:
    time = _present(values.pop("time"))
    if values["mag"] is not None and np.isnan(values["mag"]).all():
        values["mag"] = None
    there = {key: block for key, block in values.items() if block is not None}
    _require_finite(place, "time", time)
    require_physical({"time_s": time, **{key: there.get(key) for key in _PHYSICAL}}, place)
    table = Table(time[:, 0], there, np.ones(len(time), bool), np.arange(len(time)))
    table = fill_lost_samples(drop_repeated_rows(table, place), ("accel", "gyro", "mag"), place)
    if len(table.time_s) > 1:
        trusted = table.trusted & _trust(table)
        table = even_out(replace(table, trusted=trusted), place)
    mode = mode_of(name)
    return Recording(
        name=printable(stem_of(name)),
        rate_hz=_rate_hz(place, table.time_s),
        time_s=table.time_s - table.time_s[0],
        accel=table.columns["accel"],
        gyro=table.columns["gyro"],
        mag=table.columns.get("mag"),
        position=table.columns["position"],
        orientation=table.columns.get("orientation"),
        valid=table.trusted,
        mode=None if mode is None else printable(mode),
        repairs=table.repairs,
    )


def _trust(table: Table) -> NDArray[np.bool_]:
    """Rows whose ground truth can be trusted."""
    period = float(np.median(np.diff(table.time_s)))
    rate_hz = 1 / period if period > 0 else 1.0
    valid = trusted_rows(table.columns["position"], rate_hz, max_speed_m_s=10.0, max_frozen_s=None)
    if "valid" in table.columns:
        valid &= table.columns["valid"][:, 0] > 0.5
    if "orientation" in table.columns:
        with np.errstate(over="ignore", invalid="ignore"):
            valid &= np.abs(np.linalg.norm(table.columns["orientation"], axis=1) - 1) < 0.01
    return valid


def _present(block: Array | None) -> Array:
    assert block is not None, "required columns were checked when they were looked up"
    return block


def _find(path: Path, columns: dict[str, int], key: str) -> tuple[list[int], float]:
    """Column indices of one quantity (-1: absent) and the factor of its unit."""
    quantity = _QUANTITIES[key]
    for unit, factor in quantity.units.items():
        names = [quantity.column(key, axis, unit) for axis in quantity.axes]
        indices = [columns.get(name, -1) for name in names]
        if max(indices) < 0:
            continue
        absent = [name for name, index in zip(names, indices, strict=True) if index < 0]
        if absent and not (key == "position" and absent == names[2:]):
            raise DatasetError("the column is missing", where=f"{path}:{absent[0]}", advice="all axes in one unit")
        return indices, factor
    documented = quantity.column(key, quantity.axes[0], next(iter(quantity.units)))
    if quantity.required:
        units = ", ".join(quantity.units)
        advice = f"the first line names the columns; units understood for {key}: {units}"
        raise DatasetError("the column is missing", where=f"{path}:{documented}", advice=advice)
    return [-1] * len(quantity.axes), 1.0


def _require_finite(place: _Place, key: str, block: Array) -> None:
    bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if bad.size:
        run = int(np.argmax(np.r_[np.diff(bad) != 1, True])) + 1
        message = f"{key} is missing or NaN in {bad.size} row(s), here for {run} in a row"
        raise DatasetError(message, where=place(int(bad[0])), advice="cut the recording there, or interpolate")


def _rate_hz(place: _Place, time_s: Array) -> float:
    """Sample rate of a regular time column, to 6 digits: rows over time, however much single rows are late."""
    if len(time_s) < 2:
        raise DatasetError("a single row is no recording", where=place(0))
    steps = np.diff(time_s)
    period = float(np.median(steps))
    bad = np.flatnonzero((steps <= 0) | (steps > _LONGEST_STEP * period))
    if bad.size:
        what = "does not advance" if steps[bad[0]] <= 0 else f"jumps by {steps[bad[0]]:.4g} s (period {period:.4g} s)"
        advice = "resample to a constant rate, or cut the recording into several files"
        raise DatasetError(f"time {what}", where=place(int(bad[0]) + 1), advice=advice)
    rate_hz = float(f"{len(steps) / float(time_s[-1] - time_s[0]):.6g}")
    require_rate(rate_hz, f"{place.path}:time_s")
    return rate_hz


def mode_of(name: str) -> str | None:
    """Carrying mode of a file by its path within the dataset: the topmost folder's name."""
    return name.split("/", 1)[0] if "/" in name else None


def stem_of(name: str) -> str:
    """Name of the recording in a file; the file's own name where it is not a csv file."""
    plain = name[:-3] if name.lower().endswith(".csv.gz") else name
    return plain[:-4] if plain.lower().endswith(".csv") else name
