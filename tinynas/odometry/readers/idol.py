"""Reader of IDOL: `buildingN/{train,known,unknown}/*.feather`, 100 Hz, an iPhone 8 on a lidar rig.

Source: S. Sun, D. Melamed, K. Kitani, "IDOL: Inertial Deep Orientation-Estimation and Localization", AAAI 2021; data at
Zenodo, record 4484093. The columns are CoreMotion's: acceleration in G with the sign of iOS (lying face up it reads z =
-1), rates in rad/s, magnetic field in uT. The truth is that of the rig, whose axes are about the phone's -x, -y and z.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.readers.files import MOST_ROWS, require_folder
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording, Splits
from tinynas.printable import printable

__all__ = ["read_idol", "read_idol_recording"]

Array = NDArray[np.float64]

RATE_HZ = 100.0

# How far the positions of a building are turned, clockwise, against the first building's.
_TURNED_RAD = {"building2": 1.8510, "building3": 0.2822}
_PARTS = ("train", "known", "unknown")
_HELD_OUT = 5  # where a building has no part for training, every fifth recording of known people validates

_MAX_SPEED_M_S = 10.0

_COLUMNS = {
    "time": ("timestamp",),
    "accel": ("iphoneAccX", "iphoneAccY", "iphoneAccZ"),
    "gyro": ("iphoneGyroX", "iphoneGyroY", "iphoneGyroZ"),
    "mag": ("iphoneMagX", "iphoneMagY", "iphoneMagZ"),
    "position": ("processedPosX", "processedPosY", "processedPosZ"),
    "orientation": ("orientX", "orientY", "orientZ", "orientW"),
}


def read_idol(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read the recordings with IDOL's own split: known people validate, unknown people test.

    The part `train` (of building 1) trains. Where no building that is read has it, the recordings of known people do,
    but for every fifth, which validates.

    Args:
        folder: Folder that holds `building1`, ..., or one of these.
        modes: Buildings to read; None for all. They are the modes of the recordings.
        seed: Not used: the split is on disk.

    Raises:
        DatasetError: A part is missing, a file is malformed, or there is no package to read it with.
    """
    del seed
    parts: dict[str, list[Recording]] = {part: [] for part in _PARTS}
    for building in _buildings(require_folder(folder), modes):
        for part in _PARTS:
            files = sorted(path for path in (building / part).glob("*.feather") if not path.name.startswith("."))
            parts[part] += [read_idol_recording(path) for path in files]
    train, known, unknown = (tuple(parts[part]) for part in _PARTS)
    if not train:
        valid = known[_HELD_OUT - 1 :: _HELD_OUT] or known[-1:]
        train, known = tuple(one for one in known if one not in valid), valid
    return Splits(train, known, unknown)


def _buildings(folder: Path, modes: Sequence[str] | None) -> list[Path]:
    if any((folder / part).is_dir() for part in _PARTS):
        present = [folder]
    else:
        present = sorted(path for path in folder.iterdir() if any((path / part).is_dir() for part in _PARTS))
    if not present:
        advice = "give the folder that holds building1, building2 and building3"
        raise DatasetError("no folder known, unknown or train is in it", where=str(folder), advice=advice)
    names = [path.name for path in present]
    if modes is not None and not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    for mode in modes or ():
        if mode not in names:
            message = f"there is no building (mode) '{mode}' in {folder}"
            raise DatasetError(message, where="dataset.modes", advice=f"buildings there: {', '.join(names)}")
    return [path for path in present if modes is None or path.name in modes]


def read_idol_recording(path: Path) -> Recording:
    """Read one recording.

    Args:
        path: A `.feather` file in `buildingN/PART/`.

    Raises:
        DatasetError: The file is damaged, lacks a column or holds values that are not finite, or pyarrow is missing.
    """
    data = _read_feather(path)
    building = path.parent.parent.name
    for key in ("time", "accel", "gyro", "mag"):
        bad = np.flatnonzero(~np.isfinite(data[key]).all(axis=1))
        if bad.size:
            message = f"{key} holds {bad.size} row(s) that are not finite"
            raise DatasetError(message, where=f"{path}:{bad[0]}", advice="leave the recording out")
    time_s, accel = data["time"][:, 0] - data["time"][0, 0], -STANDARD_GRAVITY_M_S2 * data["accel"]
    fields = {"time_s": time_s, "accel": accel, "gyro": data["gyro"], "mag": data["mag"], "position": data["position"]}
    require_physical(fields, lambda row: f"{path}:row {row}")
    with np.errstate(over="ignore", invalid="ignore"):
        position, orientation = _turned(data["position"], data["orientation"], _TURNED_RAD.get(building, 0.0))
        unit = np.abs(np.linalg.norm(orientation, axis=1) - 1) < 0.01
    valid = trusted_rows(position, RATE_HZ, max_speed_m_s=_MAX_SPEED_M_S, max_frozen_s=None) & unit
    return Recording(
        name=printable(f"{building}/{path.parent.name}/{path.stem}"),
        rate_hz=_rate_hz(path, time_s),
        time_s=time_s,
        accel=accel,
        gyro=data["gyro"],
        mag=data["mag"],
        position=position,
        orientation=orientation,
        valid=valid,
        mode=printable(building),
    )


def _rate_hz(path: Path, time_s: Array) -> float:
    measured = (len(time_s) - 1) / float(time_s[-1] - time_s[0]) if time_s[-1] > time_s[0] else 0.0
    if not 0.98 * RATE_HZ < measured < 1.02 * RATE_HZ:
        message = f"the time runs at {measured:.4g} Hz where IDOL has {RATE_HZ:g} Hz"
        raise DatasetError(message, where=f"{path}:timestamp", advice="the file may have been cut or changed")
    return RATE_HZ


def _turned(position: Array, orientation: Array, angle_rad: float) -> tuple[Array, Array]:
    """Truth in the first building's frame, and of the phone: a quaternion x, y, z, w of phone to world."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turned = position @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]).T
    # The rig is half a turn about z from the phone: q * (0, 0, 1, 0); the world turns by angle: (0, 0, s, c) * q.
    x, y, z, w = orientation.T
    phone = np.stack([y, -x, w, -z], axis=1)
    x, y, z, w = phone.T
    c, s = np.cos(angle_rad / 2), np.sin(angle_rad / 2)
    return turned, np.stack([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z], axis=1)


def _read_feather(path: Path) -> dict[str, Array]:
    try:
        import pyarrow as arrow
        import pyarrow.feather as feather
    except ImportError as error:
        message = "feather files are read by the package pyarrow, which is not installed"
        raise DatasetError(message, where=str(path), advice="pip install 'tinynas[idol]'") from error
    names = [name for columns in _COLUMNS.values() for name in columns]
    try:
        table = feather.read_table(path, memory_map=False)
        missing = [name for name in names if name not in table.column_names]
        if missing:
            message = f"the column '{missing[0]}' is missing"
            raise DatasetError(message, where=f"{path}:{missing[0]}", advice="IDOL's files have it")
        if not 2 <= table.num_rows <= MOST_ROWS:
            raise DatasetError(f"{table.num_rows} rows are no recording", where=str(path))
        values = {name: np.asarray(table.column(name).to_numpy(), np.float64) for name in names}
    except (arrow.ArrowException, OSError, ValueError, TypeError) as error:
        raise DatasetError(f"not a readable feather file ({error})", where=str(path), advice="copy it again") from error
    return {key: np.stack([values[name] for name in columns], axis=1) for key, columns in _COLUMNS.items()}
