"""Reader of the user's own data: one csv file a recording, named columns with units (docs/data.md has an example)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.files import SPLITS, parse_floats, read_split_file, read_text, require_folder
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording, Splits

__all__ = ["read_table", "read_table_recording"]

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


def read_table(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read every `*.csv` or `*.csv.gz` of a folder.

    With `Train.txt`, `Valid.txt` and `Test.txt` in the folder (one file name a line) these part the recordings. With
    none of the three the recordings are shuffled by `seed` and parted about 70 : 15 : 15, at least one each. Files in a
    sub-folder take its name as their carrying mode.

    Args:
        folder: Folder with the csv files.
        modes: Sub-folders to read; None for everything.
        seed: Seed of the split where there are no lists.

    Raises:
        DatasetError: No files, fewer than 3 recordings without lists, one or two lists of three, an unknown mode, two
            files of one recording (`walk.csv` beside `walk.csv.gz`), or a malformed file (the message names file and
            row).
    """
    files = {path.relative_to(folder).as_posix(): path for path in _csv_files(require_folder(folder))}
    if not files:
        raise DatasetError("the folder holds no csv files", where=str(folder), advice="one file a recording: NAME.csv")
    _require_modes(folder, files, modes)
    lists = [folder / f"{split}.txt" for split in SPLITS]
    missing = [path for path in lists if not path.is_file()]
    if missing and len(missing) < len(lists):
        raise DatasetError("a split list is missing", where=str(missing[0]), advice="write all three lists, or none")
    parts = _drawn(folder, sorted(files), modes, seed) if missing else [_listed(path, files) for path in lists]
    _require_one_file_each(folder, [name for part in parts for name in part])
    return Splits(
        *(
            tuple(
                read_table_recording(files[name], name=name) for name in part if modes is None or _mode(name) in modes
            )
            for part in parts
        )
    )


def _csv_files(folder: Path) -> list[Path]:
    return [path for pattern in ("*.csv", "*.csv.gz", "*/*.csv", "*/*.csv.gz") for path in folder.glob(pattern)]


def _mode(name: str) -> str | None:
    return name.split("/", 1)[0] if "/" in name else None


def _require_modes(folder: Path, files: dict[str, Path], modes: Sequence[str] | None) -> None:
    known = sorted({mode for mode in map(_mode, files) if mode is not None})
    if modes is not None and not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    for mode in modes or ():
        if mode not in known:
            none = "modes are sub-folders; there are none: leave modes out"
            advice = f"modes there: {', '.join(known)}" if known else none
            raise DatasetError(f"there is no mode '{mode}' in {folder}", where="dataset.modes", advice=advice)


def _stem(name: str) -> str:
    """Name of the recording in a file."""
    return name.removesuffix(".gz").removesuffix(".csv")


def _require_one_file_each(folder: Path, names: Sequence[str]) -> None:
    file_of: dict[str, str] = {}
    for name in names:
        other = file_of.setdefault(_stem(name), name)
        if other != name:
            message = f"{' and '.join(sorted((other, name)))} are two files of one recording"
            raise DatasetError(message, where=str(folder / name), advice="remove one of them, or rename it")


def _listed(path: Path, files: dict[str, Path]) -> list[str]:
    names = []
    for entry in read_split_file(path):
        found = [name for name in (entry, f"{entry}.csv", f"{entry}.csv.gz", f"{entry}.gz") if name in files]
        if not found:
            raise DatasetError(f"'{entry}' is not a csv file of this folder", where=str(path), advice="check the name")
        names.append(found[0])
    return names


def _drawn(folder: Path, names: list[str], modes: Sequence[str] | None, seed: int) -> list[list[str]]:
    if modes is not None:
        names = [name for name in names if _mode(name) in modes]
    held_out = max(1, round(0.15 * len(names)))
    if modes is None and len(names) < 3:
        message = f"{len(names)} recording(s) cannot be parted into train, valid and test"
        raise DatasetError(message, where=str(folder), advice="give at least 3 recordings, one file each")
    order = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    return [order[2 * held_out :], order[:held_out], order[held_out : 2 * held_out]]


def read_table_recording(path: Path, *, name: str | None = None) -> Recording:
    """Read one csv file with a header of named columns.

    Required are time, accel, gyro and position x and y; position z (else 0), mag, orientation and valid may be absent.
    The suffix of a name is its unit: `time_s` (ms, us, ns), `accel_x_m_s2` (g, mg), `gyro_x_rad_s` (deg_s, mdeg_s),
    `mag_x_uT` (nT, gauss, mgauss), `position_x_m` (cm, mm), `orientation_x` ... `_w`, `valid` (0 or 1). Other columns
    are ignored. The rate follows from the time column. Empty or NaN ground truth marks a row as not valid; jumps are
    masked by `trusted_rows`.

    Args:
        path: A `.csv` or `.csv.gz` file.
        name: Path of the file within its dataset; its folder is the mode. None for the bare file name.

    Raises:
        DatasetError: A column is missing or given twice, a field is not a number, a row is short, sensor values are
            missing, or the time is not regular. `where` is file:column or file:row.
    """
    name = name or path.name
    text = read_text(path)
    try:
        header = next(csv.reader(io.StringIO(text)), [])
    except csv.Error as e:  # a field of megabytes; before Python 3.11 a NUL as well
        raise DatasetError(f"the header is no line of column names: {e}", where=f"{path}:1") from e
    columns = {column.strip(): index for index, column in enumerate(header)}
    if not any(columns):
        raise DatasetError("the file is empty", where=str(path), advice="the first line names the columns")
    if len(columns) < len(header):
        twice = next(column for column in header if [other.strip() for other in header].count(column.strip()) > 1)
        raise DatasetError("the column is given twice", where=f"{path}:{twice.strip()}")
    wanted = {key: _find(path, columns, key) for key in _QUANTITIES}
    order = [index for indices, _ in wanted.values() for index in indices if index >= 0]
    table = parse_floats(path, text, order, width=len(header), header_rows=1)
    values: dict[str, Array | None] = {}
    used = 0
    for key, (indices, factor) in wanted.items():
        present = [slot for slot, index in enumerate(indices) if index >= 0]
        block = np.zeros((len(table), len(indices)))
        block[:, present] = table[:, used : used + len(present)] * factor
        used += len(present)
        values[key] = block if present else None
    return _recording(path, name, values)


def _recording(path: Path, name: str, values: dict[str, Array | None]) -> Recording:
    time, accel, gyro, position = (_present(values[key]) for key in ("time", "accel", "gyro", "position"))
    mag, orientation, flag = values["mag"], values["orientation"], values["valid"]
    for key, block in (("time", time), ("accel", accel), ("gyro", gyro), ("mag", mag)):
        if block is not None:
            _require_finite(path, key, block)
    rate_hz = _rate_hz(path, time[:, 0])
    valid = trusted_rows(position, rate_hz, max_speed_m_s=10.0, max_frozen_s=None)
    if flag is not None:
        valid &= flag[:, 0] > 0.5
    if orientation is not None:
        valid &= np.abs(np.linalg.norm(orientation, axis=1) - 1) < 0.01
    return Recording(
        name=_stem(name),
        rate_hz=rate_hz,
        time_s=time[:, 0] - time[0, 0],
        accel=accel,
        gyro=gyro,
        mag=mag,
        position=position,
        orientation=orientation,
        valid=valid,
        mode=_mode(name),
    )


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


def _require_finite(path: Path, key: str, block: Array) -> None:
    bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if bad.size:
        run = int(np.argmax(np.r_[np.diff(bad) != 1, True])) + 1
        message = f"{key} is missing or NaN in {bad.size} row(s), here for {run} in a row"
        raise DatasetError(message, where=f"{path}:{bad[0] + 2}", advice="cut the recording there, or interpolate")


def _rate_hz(path: Path, time_s: Array) -> float:
    """Sample rate of a regular time column; a rate within 1 % of a whole number is taken as that."""
    if len(time_s) < 2:
        raise DatasetError("a single row is no recording", where=f"{path}:2")
    steps = np.diff(time_s)
    period = float(np.median(steps))
    bad = np.flatnonzero((steps <= 0) | (steps > _LONGEST_STEP * period))
    if bad.size:
        what = "does not advance" if steps[bad[0]] <= 0 else f"jumps by {steps[bad[0]]:.4g} s (period {period:.4g} s)"
        advice = "resample to a constant rate, or cut the recording into several files"
        raise DatasetError(f"time {what}", where=f"{path}:{bad[0] + 3}", advice=advice)
    measured = len(steps) / float(time_s[-1] - time_s[0])
    whole = round(measured)
    return float(whole) if whole and abs(measured / whole - 1) < 0.01 else float(f"{measured:.4g}")
