"""Reader of RIDI: `NAME/processed/data.csv`, 200 Hz, a Tango phone in the hand, in a pocket, in a bag or at the body.

Source: H. Yan, Q. Shan, Y. Furukawa, "RIDI: Robust IMU Double Integration", ECCV 2018. One phone carries the sensors
and finds its own position, so that the orientation is the phone's own. Times are ns; the rest is in SI units and uT.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.readers.files import nth_row, parse_floats, read_header, read_text, require_folder
from tinynas.odometry.readers.splitlists import find_split_lists, read_split_file
from tinynas.odometry.recording import Recording, Splits
from tinynas.printable import printable

__all__ = ["RIDI_MODES", "read_ridi", "read_ridi_recording"]

Array = NDArray[np.float64]

RATE_HZ = 200.0
RIDI_MODES = ("handheld", "leg", "bag", "body")
"""How the phone is carried; part of a recording's name."""

_MAX_SPEED_M_S = 10.0
_HELD_OUT = 6
_LISTS = {
    "Train": ("Train.txt", "list_train_publish_v2.txt", "list_train.txt"),
    "Valid": ("Valid.txt", "list_val.txt"),
    "Test": ("Test.txt", "list_test_publish_v2.txt", "list_test.txt"),
}
_COLUMNS = {
    "time": ("time",),
    "gyro": ("gyro_x", "gyro_y", "gyro_z"),
    "accel": ("acce_x", "acce_y", "acce_z"),
    "mag": ("magnet_x", "magnet_y", "magnet_z"),
    "position": ("pos_x", "pos_y", "pos_z"),
    "orientation": ("ori_x", "ori_y", "ori_z", "ori_w"),
}


def read_ridi(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read the recordings that the split lists name.

    The lists lie in `folder`: `Train.txt`, `Valid.txt` and `Test.txt`, or RIDI's own `list_train_publish_v2.txt` and
    `list_test_publish_v2.txt`. RIDI has no list for validation: without `Valid.txt` every sixth recording of the
    training list validates.

    Args:
        folder: Folder that holds one folder a recording.
        modes: `handheld`, `leg`, `bag` and `body`; None for all.
        seed: Not used: the split is on disk.

    Raises:
        DatasetError: A list or a recording is missing or malformed, or there is no such mode.
    """
    del seed
    require_folder(folder)
    if modes is not None and not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    for mode in modes or ():
        if mode not in RIDI_MODES:
            advice = f"modes of RIDI: {', '.join(RIDI_MODES)}"
            raise DatasetError(f"there is no mode '{mode}'", where="dataset.modes", advice=advice)
    lists = find_split_lists(folder, _LISTS)
    for split in ("Train", "Test"):
        if split not in lists:
            names = _LISTS[split]
            advice = f"write one recording a line, or copy RIDI's {names[1]} here"
            raise DatasetError(
                f"there is no list of the {split} recordings", where=str(folder / names[0]), advice=advice
            )
    train, test = _read_names(lists["Train"]), _read_names(lists["Test"])
    valid = _read_names(lists["Valid"]) if "Valid" in lists else None
    if valid is None:
        valid = train[_HELD_OUT - 1 :: _HELD_OUT] or train[-1:]
        train = [name for name in train if name not in valid]
    return Splits(
        *(
            tuple(
                read_ridi_recording(folder / name) for name in names if modes is None or _mode(Path(name).name) in modes
            )
            for names in (train, valid, test)
        )
    )


def _read_names(path: Path) -> list[str]:
    # RIDI's own lists have the mode after a comma.
    return [entry.split(",", 1)[0].strip() for entry in read_split_file(path)]


def _mode(name: str) -> str | None:
    return next((mode for mode in RIDI_MODES if mode in name.lower()), None)


def read_ridi_recording(folder: Path) -> Recording:
    """Read one recording.

    Args:
        folder: Folder with `processed/data.csv`, or the csv itself in it.

    Raises:
        DatasetError: The file is missing, a column is missing, or a value is not a number.
    """
    candidates = [folder / "processed" / "data.csv", folder / "data.csv"]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        advice = "a recording is a folder with processed/data.csv"
        raise DatasetError("the recording is not there", where=str(candidates[0]), advice=advice)
    text = read_text(path)
    header = read_header(path, text, "time")
    for name in (name for columns in _COLUMNS.values() for name in columns):
        if name not in header:
            raise DatasetError("the column is missing", where=f"{path}:{name}", advice="RIDI's files have it")
    names = [name for columns in _COLUMNS.values() for name in columns]
    table = parse_floats(path, text, [header.index(name) for name in names], width=len(header), header_rows=1)
    data, used = {}, 0
    for key, columns in _COLUMNS.items():
        data[key] = table[:, used : used + len(columns)]
        used += len(columns)
    sensors = np.concatenate([data[key] for key in ("time", "accel", "gyro", "mag")], axis=1)
    bad = np.flatnonzero(~np.isfinite(sensors).all(axis=1))
    if bad.size:
        message = f"{bad.size} row(s) hold a sensor value that is not a number"
        where = f"{path}:{nth_row(text, int(bad[0]), 1)}"
        raise DatasetError(message, where=where, advice="leave the recording out of the list")
    position, orientation = data["position"], data["orientation"]
    time_s = (data["time"][:, 0] - data["time"][0, 0]) * 1e-9
    fields = {"time_s": time_s, "accel": data["accel"], "gyro": data["gyro"], "mag": data["mag"], "position": position}
    require_physical(fields, lambda row: f"{path}:{nth_row(text, row, 1)}")
    with np.errstate(over="ignore", invalid="ignore"):
        unit = np.abs(np.linalg.norm(orientation, axis=1) - 1) < 0.01
    valid = trusted_rows(position, RATE_HZ, max_speed_m_s=_MAX_SPEED_M_S, max_frozen_s=None) & unit
    return Recording(
        name=printable(folder.name),
        rate_hz=RATE_HZ,
        time_s=time_s,
        accel=data["accel"],
        gyro=data["gyro"],
        mag=data["mag"],
        position=position,
        orientation=orientation,
        valid=valid,
        mode=_mode(folder.name),
    )
