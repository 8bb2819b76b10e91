"""All recordings of a folder, whatever lists part them: what a finished network is judged on needs no split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tinynas.errors import DatasetError
from tinynas.odometry.readers.columns import mode_of, read_table_recording
from tinynas.odometry.readers.files import require_folder
from tinynas.odometry.readers.idol import read_idol_recording
from tinynas.odometry.readers.oxiod import read_oxiod_recording
from tinynas.odometry.readers.ridi import read_ridi_recording
from tinynas.odometry.readers.ronin import read_ronin_recording
from tinynas.odometry.readers.splitlists import find_split_lists, read_split_file
from tinynas.odometry.readers.table import find_csv_files
from tinynas.odometry.recording import Recording

__all__ = ["UNSPLIT_READERS", "read_unsplit"]

_Read = Callable[[Path, Sequence[str] | None], Iterator[Recording]]


def read_unsplit(layout: str, folder: Path, *, modes: Sequence[str] | None = None) -> tuple[Recording, ...]:
    """Read every recording of a folder.

    Where there are split lists, those that they name; one list is enough. Without lists every recording in the folder.

    Args:
        layout: `oxiod`, `ronin`, `ridi`, `idol` or `csv`.
        folder: Root of the data; for `csv` one file will do.
        modes: Carrying modes to keep; None for all.

    Raises:
        DatasetError: There is none, or one is malformed.
    """
    if not (layout == "csv" and folder.is_file()):
        require_folder(folder)
    found = tuple(UNSPLIT_READERS[layout](folder, modes))
    if not found:
        advice = "check the folder, and dataset.modes"
        raise DatasetError("there is no recording", where=str(folder), advice=advice)
    return found


def _read_csv(folder: Path, modes: Sequence[str] | None) -> Iterator[Recording]:
    if folder.is_file():
        yield read_table_recording(folder)
        return
    for path in find_csv_files(folder):
        name = path.relative_to(folder).as_posix()
        if modes is None or mode_of(name) in modes:
            yield read_table_recording(path, name=name)


def _read_oxiod(folder: Path, modes: Sequence[str] | None) -> Iterator[Recording]:
    for mode in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if modes is not None and mode.name not in modes:
            continue
        lists = find_split_lists(mode)
        listed = {entry: path for path in lists.values() for entry in read_split_file(path)}
        files = sorted(path for path in mode.rglob("imu*.csv*") if not path.name.startswith("."))
        there = {path.relative_to(mode).as_posix(): mode for path in files}
        for entry, source in (listed or there).items():
            yield read_oxiod_recording(folder, mode.name, entry, source)


def _read_ronin(folder: Path, _modes: Sequence[str] | None) -> Iterator[Recording]:
    for path in sorted(folder.rglob("data.hdf5")):
        yield read_ronin_recording(path.parent)


def _read_ridi(folder: Path, modes: Sequence[str] | None) -> Iterator[Recording]:
    for path in sorted(folder.rglob("processed/data.csv")):
        recording = read_ridi_recording(path.parent.parent)
        if modes is None or recording.mode in modes:
            yield recording


def _read_idol(folder: Path, modes: Sequence[str] | None) -> Iterator[Recording]:
    for path in sorted(path for path in folder.rglob("*.feather") if not path.name.startswith(".")):
        if modes is None or path.parent.parent.name in modes:
            yield read_idol_recording(path)


UNSPLIT_READERS: dict[str, _Read] = {
    "oxiod": _read_oxiod,
    "ronin": _read_ronin,
    "ridi": _read_ridi,
    "idol": _read_idol,
    "csv": _read_csv,
}
"""Layout to the function that reads all of a folder."""
