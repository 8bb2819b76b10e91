"""Reader of the user's own data: one csv file a recording, parted by lists or at random (see docs/data.md)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinynas.errors import DatasetError
from tinynas.odometry.readers.columns import mode_of, read_table_recording, stem_of
from tinynas.odometry.readers.files import require_folder
from tinynas.odometry.readers.splitlists import (
    SPLITS,
    find_split_lists,
    name_missing,
    read_split_file,
    refuse_unread_lists,
)
from tinynas.odometry.recording import Splits

__all__ = ["find_csv_files", "read_table"]

_DEEPEST = 5
_MOST_FILES = 100_000


def read_table(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read every `*.csv` or `*.csv.gz` of a folder and of the folders below it.

    With `Train.txt`, `Valid.txt` and `Test.txt` in the folder (one file name a line) these part the recordings. With
    none of the three the recordings are shuffled by `seed` and parted about 70 : 15 : 15, at least one each. Files in a
    sub-folder take its name as their carrying mode, also those further down. Hidden files are passed over, and what
    archives from a Mac hold beside the files (`._NAME`, `__MACOSX`).

    Args:
        folder: Folder with the csv files.
        modes: Sub-folders to read; None for everything.
        seed: Seed of the split where there are no lists.

    Raises:
        DatasetError: No files, fewer than 3 recordings without lists, one or two lists of three, a list under another
            name, an unknown mode, two files of one recording (`walk.csv` beside `walk.csv.gz`), or a malformed file
            (the message names file and row).
    """
    files = {path.relative_to(folder).as_posix(): path for path in find_csv_files(require_folder(folder))}
    if not files:
        raise DatasetError("the folder holds no csv files", where=str(folder), advice="one file a recording: NAME.csv")
    _require_modes(folder, files, modes)
    lists = find_split_lists(folder)
    refuse_unread_lists(folder, list(lists.values()), lambda entry: _file_of(entry, files) is not None)
    missing = [split for split in SPLITS if split not in lists]
    if missing and lists:
        where = str(folder / f"{missing[0]}.txt")
        raise DatasetError("a split list is missing", where=where, advice="write all three lists, or none")
    parts = [_listed(path, files) for path in lists.values()] if lists else _drawn(folder, sorted(files), modes, seed)
    _require_one_file_each(folder, [name for part in parts for name in part])
    return Splits(
        *(
            tuple(
                read_table_recording(files[name], name=name) for name in part if modes is None or mode_of(name) in modes
            )
            for part in parts
        )
    )


def find_csv_files(folder: Path) -> list[Path]:
    """Return the csv files in a folder and below it, without hidden ones."""
    found: list[Path] = []
    seen, visited = 0, set()
    for at, folders, names in os.walk(folder, followlinks=True):
        depth, home = len(Path(at).relative_to(folder).parts), os.path.realpath(at)
        if home in visited:  # by a link that leads back up: nothing is read twice
            folders.clear()
            continue
        visited.add(home)
        folders[:] = sorted(f for f in folders if _is_data(f) and depth < _DEEPEST)
        seen += len(names)
        if seen > _MOST_FILES:
            advice = "give the folder of the dataset itself"
            raise DatasetError(f"the folder holds more than {_MOST_FILES} files", where=str(folder), advice=advice)
        found += [Path(at, name) for name in sorted(names) if _is_data(name) and stem_of(name) != name]
    return found


def _is_data(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _require_modes(folder: Path, files: dict[str, Path], modes: Sequence[str] | None) -> None:
    known = sorted({mode for mode in map(mode_of, files) if mode is not None})
    if modes is not None and not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    for mode in modes or ():
        if mode not in known:
            none = "modes are sub-folders; there are none: leave modes out"
            advice = f"modes there: {', '.join(known)}" if known else none
            raise DatasetError(f"there is no mode '{mode}' in {folder}", where="dataset.modes", advice=advice)


def _require_one_file_each(folder: Path, names: Sequence[str]) -> None:
    file_of: dict[str, str] = {}
    for name in names:
        other = file_of.setdefault(stem_of(name), name)
        if other != name:
            message = f"{' and '.join(sorted((other, name)))} are two files of one recording"
            raise DatasetError(message, where=str(folder / name), advice="remove one of them, or rename it")


def _listed(path: Path, files: dict[str, Path]) -> list[str]:
    found = {entry: _file_of(entry, files) for entry in read_split_file(path)}
    missing = [entry for entry, name in found.items() if name is None]
    name_missing(missing, "a csv file of this folder", path, "check the names")
    return [name for name in found.values() if name is not None]


def _file_of(entry: str, files: dict[str, Path]) -> str | None:
    """The file that a list's entry names, in full or without the ending."""
    for name in (entry, f"{entry}.csv", f"{entry}.csv.gz", f"{entry}.gz"):
        if name in files:
            return name
    wanted = stem_of(entry)
    same = [name for name in files if stem_of(name) == wanted]  # another case of the ending
    return same[0] if len(same) == 1 else None


def _drawn(folder: Path, names: list[str], modes: Sequence[str] | None, seed: int) -> list[list[str]]:
    if modes is not None:
        names = [name for name in names if mode_of(name) in modes]
    held_out = max(1, round(0.15 * len(names)))
    if modes is None and len(names) < 3:
        message = f"{len(names)} recording(s) cannot be parted into train, valid and test"
        raise DatasetError(message, where=str(folder), advice="give at least 3 recordings, one file each")
    order = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    return [order[2 * held_out :], order[:held_out], order[held_out : 2 * held_out]]
