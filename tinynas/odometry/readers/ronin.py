"""Reader of RoNIN: `NAME/data.hdf5` and `NAME/info.json`, 200 Hz.

Sources: S. Herath, H. Yan, Y. Furukawa, "RoNIN: Robust Neural Inertial Navigation in the Wild", ICRA 2020, and the
README.txt that comes with the data set. Two devices take part: the phone carries the IMU, a Tango phone at the chest
gives the position. `tango_ori` is therefore not the phone's attitude; that is
`tango_ori[0] * start_calibration * game_rv[0]^-1 * game_rv`, with quaternions stored as w, x, y, z.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.readers.files import read_text, require_folder
from tinynas.odometry.readers.hdf5 import read_arrays
from tinynas.odometry.readers.splitlists import find_split_lists, name_missing, read_split_file
from tinynas.odometry.recording import Recording, Splits
from tinynas.printable import printable

__all__ = ["read_ronin", "read_ronin_recording"]

Array = NDArray[np.float64]

RATE_HZ = 200.0

# The Tango track is a smoothed visual-inertial estimate of a running or walking person: only relocalisations jump.
_MAX_SPEED_M_S = 10.0
_LENGTH_TOLERANCE = 0.1
_MOST_INFO_BYTES = 16 << 20

_LISTS = {
    "Train": ("Train.txt", "list_train.txt"),
    "Valid": ("Valid.txt", "list_val.txt"),
    "Test": ("Test.txt", "list_test_seen.txt", "list_test_unseen.txt"),
}


def read_ronin(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read the recordings that the split lists name.

    The lists lie in `folder` or in `folder/lists`, one sequence name a line: `Train.txt`, `Valid.txt`, `Test.txt`, or
    RoNIN's own `list_train.txt`, `list_val.txt`, `list_test_seen.txt` (else `list_test_unseen.txt`). A sequence lies in
    `folder` or one folder below, as the published archives unpack.

    Args:
        folder: Root of the dataset.
        modes: Must be None: RoNIN does not say how the phone was carried.
        seed: Not used: the split is on disk.

    Raises:
        DatasetError: A list or a sequence is missing or malformed, or `modes` is given.
    """
    del seed
    require_folder(folder)
    if modes is not None:
        message = "RoNIN does not say how the phone was carried: it has no modes"
        raise DatasetError(message, where="dataset.modes", advice="leave modes out")
    lists = {**find_split_lists(folder / "lists", _LISTS), **find_split_lists(folder, _LISTS)}
    sequences: list[list[Path]] = []
    for split, names in _LISTS.items():
        if split not in lists:
            advice = f"write one sequence name a line, or copy RoNIN's {names[1]} here"
            raise DatasetError(f"there is no {' or '.join(names)}", where=str(folder / names[0]), advice=advice)
        found = {name: _sequence_folder(folder, name) for name in read_split_file(lists[split])}
        missing = [name for name, path in found.items() if path is None]
        name_missing(missing, "there", lists[split], "a sequence is a folder NAME with data.hdf5 and info.json")
        sequences.append([path for path in found.values() if path is not None])
    return Splits(*(tuple(map(read_ronin_recording, part)) for part in sequences))


def _sequence_folder(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, *sorted(path / name for path in folder.iterdir() if path.is_dir()))
    return next((path for path in candidates if (path / "data.hdf5").is_file()), None)


def read_ronin_recording(folder: Path) -> Recording:
    """Read one sequence.

    Treated as RoNIN's loader does: rows before `start_frame` (calibration and synchronisation) are dropped, the angular
    rate is `gyro_uncalib - imu_init_gyro_bias` and the specific force `imu_acce_scale * (acce - imu_acce_bias)`. The
    attitude always comes from the game rotation vector, the source RoNIN uses for its tests.

    Args:
        folder: Folder with `data.hdf5` and `info.json`.

    Raises:
        DatasetError: A file, a data set or a key is missing, or lengths differ.
    """
    info = _read_info(folder / "info.json")
    path = folder / "data.hdf5"
    data = _data(path)
    rows = len(data["synced/time"])
    for key, values in data.items():
        if len(values) != rows:
            raise DatasetError(f"{len(values)} rows where synced/time has {rows}", where=f"{path}:{key}")
    where = f"{folder / 'info.json'}"
    start = info.get("start_frame", 0)
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start < rows - 1:
        raise DatasetError(f"{_short(start)} is not a row of the recording ({rows} rows)", where=f"{where}:start_frame")
    accel = _vector(info, "imu_acce_scale", 3, where) * (data["synced/acce"] - _vector(info, "imu_acce_bias", 3, where))
    gyro = data.get("synced/gyro")
    if gyro is None:
        gyro = data["synced/gyro_uncalib"] - _vector(info, "imu_init_gyro_bias", 3, where)
    mag, position = data.get("synced/magnet"), data["pose/tango_pos"]
    time_s = data["synced/time"] - data["synced/time"][start]
    fields = {"time_s": time_s, "accel": accel, "gyro": gyro, "mag": mag, "position": position}
    require_physical(fields, lambda row: f"{path}:row {row}")
    orientation = _attitude(path, data, info, where)
    return Recording(
        name=printable(folder.name),
        rate_hz=RATE_HZ,
        time_s=time_s[start:],
        accel=accel[start:],
        gyro=gyro[start:],
        mag=None if mag is None else mag[start:],
        position=position[start:],
        orientation=None if orientation is None else orientation[start:],
        valid=trusted_rows(position, RATE_HZ, max_speed_m_s=_MAX_SPEED_M_S, max_frozen_s=None)[start:],
    )


def _attitude(path: Path, data: Mapping[str, Array], info: Mapping[str, Any], where: str) -> Array | None:
    """The phone's attitude in the Tango frame as x, y, z, w, or None where the parts for it are not there."""
    source, tango = data.get("synced/game_rv"), data.get("pose/tango_ori")
    if source is None or tango is None or "start_calibration" not in info:
        return None
    for key, rotations in (("synced/game_rv", source), ("pose/tango_ori", tango[:1])):
        _require_rotations(f"{path}:{key}", rotations)
    start = _multiply_wxyz(tango[:1], _vector(info, "start_calibration", 4, where)[None])
    rotor = _multiply_wxyz(start, source[:1] * [1, -1, -1, -1])
    attitude = _multiply_wxyz(rotor, source)
    return np.asarray(np.roll(attitude / np.linalg.norm(attitude, axis=1, keepdims=True), -1, axis=1))


def _require_rotations(where: str, quaternions: Array) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        bad = np.flatnonzero(~(np.abs(np.linalg.norm(quaternions, axis=1) - 1) < _LENGTH_TOLERANCE))
    if bad.size:
        message = f"{bad.size} row(s) are not quaternions of unit length"
        raise DatasetError(message, where=f"{where}:row {bad[0]}", advice="cut the recording there")


def _multiply_wxyz(left: Array, right: Array) -> Array:
    """Hamilton product of (N, 4) quaternions w, x, y, z; a leading dimension of 1 is repeated."""
    w, v = left[:, :1], left[:, 1:]
    u, r = right[:, :1], right[:, 1:]
    scalar = w * u - (v * r).sum(axis=1, keepdims=True)
    return np.concatenate([scalar, w * r + u * v + np.cross(v, r)], axis=1)


def _read_info(path: Path) -> Mapping[str, Any]:
    try:
        info = json.loads(read_text(path, most_bytes=_MOST_INFO_BYTES))
    except json.JSONDecodeError as error:
        raise DatasetError(f"not JSON ({error.msg})", where=f"{path}:{error.lineno}") from error
    except ValueError as error:  # a whole number of thousands of digits
        raise DatasetError("a number has too many digits", where=str(path)) from error
    except RecursionError as error:
        raise DatasetError("nested too deeply", where=str(path)) from error
    if not isinstance(info, dict):
        raise DatasetError("not a JSON object", where=str(path))
    return info


def _vector(info: Mapping[str, Any], key: str, length: int, where: str) -> Array:
    if key not in info:
        raise DatasetError(f"the key '{key}' is missing", where=f"{where}:{key}")
    try:
        value = np.asarray(info[key], np.float64)
    except (TypeError, ValueError, OverflowError):
        value = np.empty(0)
    if value.shape != (length,) or not np.isfinite(value).all():
        raise DatasetError(f"{_short(info[key])} is not a list of {length} numbers", where=f"{where}:{key}")
    return value


def _short(value: object) -> str:
    """A value of a JSON file as an error shows it, whatever its size."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists
        return "the value"
    return text if len(text) <= 40 else f"{text[:30]}..."


_WIDTHS = {
    "synced/time": 0,
    "synced/acce": 3,
    "synced/gyro_uncalib": 3,
    "synced/gyro": 3,
    "synced/magnet": 3,
    "synced/game_rv": 4,
    "pose/tango_pos": 3,
    "pose/tango_ori": 4,
}


def _data(path: Path) -> dict[str, Array]:
    data = read_arrays(path, _WIDTHS)
    # The uncalibrated rate and the bias of info.json go together; `gyro` stands in where it is absent.
    if "synced/gyro_uncalib" in data:
        data.pop("synced/gyro", None)
    rate_key = "synced/gyro" if "synced/gyro" in data else "synced/gyro_uncalib"
    for key in ("synced/time", "synced/acce", rate_key, "pose/tango_pos"):
        if key not in data:
            raise DatasetError(f"the data set '{key}' is missing", where=f"{path}:{key}")
    return data
