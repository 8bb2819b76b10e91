"""Reader of the Oxford Inertial Odometry Dataset in its original layout.

`MODE/dataN/syn/imuK.csv` and `viK.csv` (or `.csv.gz`) belong together row by row, at 100 Hz. Source: C. Chen et al.,
"OxIOD: The Dataset for Deep Inertial Odometry", arXiv:1809.07491.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.files import SPLITS, existing_csv, parse_floats, read_split_file, read_text, require_folder
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording, Splits

__all__ = ["read_oxiod", "read_oxiod_recording"]

RATE_HZ = 100.0

_IMU_COLUMNS = 16
_GYRO, _GRAVITY, _USER_ACC, _MAG = slice(4, 7), slice(7, 10), slice(10, 13), slice(13, 16)
_VICON_COLUMNS = 9
_TRANSLATION, _ROTATION = slice(2, 5), slice(5, 9)


def read_oxiod(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read every recording that the split lists of the mode folders name.

    Each mode folder holds `Train.txt`, `Valid.txt` and `Test.txt`: one IMU file a line, relative to the mode folder,
    for example `data1/syn/imu2.csv`.

    Args:
        folder: Folder that holds the mode folders (`handheld`, `trolley`, ...).
        modes: Mode folders to read; None for all that have a split list.
        seed: Not used: the split is on disk.

    Returns:
        The recordings of each split, named like `handheld/data1/imu2`.

    Raises:
        DatasetError: A mode or a list is missing, or a file is malformed (the message names file and row).
    """
    del seed
    chosen = _mode_folders(require_folder(folder), modes)
    parts: list[tuple[Recording, ...]] = []
    for split in SPLITS:
        recordings: list[Recording] = []
        for mode in chosen:
            path = mode / f"{split}.txt"
            if not path.is_file():
                raise DatasetError(
                    f"the mode '{mode.name}' has no list of its {split} recordings", where=str(path), advice=_ADVICE
                )
            recordings += [read_oxiod_recording(folder, mode.name, entry, path) for entry in read_split_file(path)]
        parts.append(tuple(recordings))
    return Splits(*parts)


_ADVICE = "write one IMU file a line, relative to the mode folder, such as data1/syn/imu2.csv"


def _mode_folders(folder: Path, modes: Sequence[str] | None) -> list[Path]:
    present = sorted(path for path in folder.iterdir() if any((path / f"{split}.txt").is_file() for split in SPLITS))
    if modes is None:
        if not present:
            message = "no mode folder holds a split list"
            raise DatasetError(message, where=f"{folder}/MODE/Train.txt", advice=_ADVICE)
        return present
    for mode in modes:
        if not (folder / mode).is_dir():
            known = ", ".join(path.name for path in present) or "none"
            message = f"there is no mode '{mode}' in {folder}"
            raise DatasetError(message, where="dataset.modes", advice=f"modes there: {known}")
    if not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    return [folder / mode for mode in dict.fromkeys(modes)]


def read_oxiod_recording(folder: Path, mode: str, entry: str, listed_in: Path) -> Recording:
    """Read one pair of IMU and Vicon files.

    The time is the row number at 100 Hz: the `Time` column was stored with 4 to 6 digits and is no clock. The specific
    force is -(gravity + user_acc) in G, as iOS reads z = -1 G lying face up. Ground truth is masked by `trusted_rows`.

    Args:
        folder: Root of the dataset.
        mode: Name of the mode folder.
        entry: IMU file relative to the mode folder, with or without `.gz`.
        listed_in: The list that names it, for errors.

    Raises:
        DatasetError: A file is missing or malformed, or the two differ in length.
    """
    relative = PurePosixPath(entry)
    if not relative.name.startswith("imu"):
        raise DatasetError(f"'{entry}' does not name an IMU file", where=str(listed_in), advice=_ADVICE)
    imu_path = existing_csv(folder / mode / relative, listed_in=str(listed_in))
    truth_name = relative.name.replace("imu", "vi", 1)
    truth_path = existing_csv(folder / mode / relative.with_name(truth_name), listed_in=f"its IMU file {imu_path.name}")
    imu = _table(imu_path, _IMU_COLUMNS)
    truth = _table(truth_path, _VICON_COLUMNS)
    if len(imu) != len(truth):
        message = f"{len(truth)} rows of ground truth for {len(imu)} rows in {imu_path.name}"
        raise DatasetError(message, where=str(truth_path), advice="row i of one belongs to row i of the other")
    _require_finite(imu_path, imu[:, 4:])
    position, orientation = truth[:, _TRANSLATION], truth[:, _ROTATION]
    valid = trusted_rows(position, RATE_HZ) & (np.abs(np.linalg.norm(orientation, axis=1) - 1) < 0.01)
    stem = relative.name.split(".", 1)[0]
    parents = [part for part in relative.parts[:-1] if part != "syn"]
    return Recording(
        name="/".join([mode, *parents, stem]),
        rate_hz=RATE_HZ,
        time_s=np.arange(len(imu)) / RATE_HZ,
        accel=-STANDARD_GRAVITY_M_S2 * (imu[:, _GRAVITY] + imu[:, _USER_ACC]),
        gyro=imu[:, _GYRO],
        mag=imu[:, _MAG],
        position=position,
        orientation=orientation,
        valid=valid,
        mode=mode,
    )


def _table(path: Path, width: int) -> NDArray[np.float64]:
    return parse_floats(path, read_text(path), range(width), width=width)


def _require_finite(path: Path, values: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        message = f"{bad.size} row(s) hold a value that is not a number"
        raise DatasetError(
            message, where=f"{path}:{bad[0] + 1}", advice="cut the recording, or leave it out of the list"
        )
