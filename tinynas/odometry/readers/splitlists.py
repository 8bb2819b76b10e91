"""Lists that part a dataset: which recordings train, validate and test.

A list that nobody reads would silently put what was held out into the training part. So the names of lists are
understood in any case, and a list of another name is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tinynas.errors import DatasetError
from tinynas.odometry.readers.files import read_text

__all__ = ["SPLITS", "find_split_lists", "name_missing", "read_split_file", "refuse_unread_lists"]

SPLITS = ("Train", "Valid", "Test")

_MOST_BYTES = 16 << 20
_SHOWN = 20
# Bytes, of the file systems in use; and characters.
_LONGEST_NAME, _LONGEST_PATH = 255, 1000


def find_split_lists(folder: Path, names: Mapping[str, Sequence[str]] | None = None) -> dict[str, Path]:
    """Return the split lists of a folder by split, in the order of `SPLITS`.

    Args:
        folder: The folder.
        names: File names by split, the preferred one first, understood in any case; None: `Train.txt` and so on.

    Raises:
        DatasetError: Two files differ in the case of their names alone.
    """
    names = names or {split: (f"{split}.txt",) for split in SPLITS}
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_file():
            files.setdefault(path.name.lower(), []).append(path)
    found: dict[str, Path] = {}
    for split, wanted in names.items():
        same = next((files[name.lower()] for name in wanted if name.lower() in files), [])
        if len(same) > 1:
            message = f"{' and '.join(path.name for path in same)} are two lists of one name"
            raise DatasetError(message, where=str(folder), advice="remove one of them")
        if same:
            found[split] = same[0]
    return found


def refuse_unread_lists(folder: Path, read: Sequence[Path], knows: Callable[[str], bool]) -> None:
    """Refuse a dataset with a text file that lists recordings, and that no reader reads.

    Args:
        folder: Where to look.
        read: The lists that are read.
        knows: Whether an entry names a recording.

    Raises:
        DatasetError: There is such a file: a list under a name that is not understood.
    """
    for path in sorted(folder.glob("*.[tT][xX][tT]")):
        if path in read or path.name.startswith("."):
            continue
        try:
            entries = read_split_file(path)
        except DatasetError:  # a text about the data, which nothing has to read
            continue
        if all(map(knows, entries)):
            advice = f"name the three lists {', '.join(f'{split}.txt' for split in SPLITS)}, or remove it"
            raise DatasetError("a list of recordings that is not read", where=str(path), advice=advice)


def read_split_file(path: Path) -> list[str]:
    """Return the entries of a split list: one relative path or name a line, `#` starts a comment.

    Raises:
        DatasetError: The list is empty, names something twice, or points outside the dataset.
    """
    entries: dict[str, None] = {}
    for row, line in enumerate(read_text(path, most_bytes=_MOST_BYTES).splitlines(), start=1):
        entry = line.split("#", 1)[0].strip().replace("\\", "/")
        if not entry:
            continue
        where = f"{path}:{row}"
        parts = PurePosixPath(entry)
        if parts.is_absolute() or ".." in parts.parts or "\0" in entry:
            raise DatasetError(f"{entry!r} points outside the dataset", where=where, advice="use a relative path")
        if (
            any(len(part.encode(errors="replace")) > _LONGEST_NAME for part in parts.parts)
            or len(entry) > _LONGEST_PATH
        ):
            raise DatasetError(f"'{entry[:40]}...' is too long for the name of a file", where=where)
        entry = parts.as_posix()  # ./walk.csv is walk.csv
        if entry in entries:
            raise DatasetError(f"{entry!r} is listed twice", where=where)
        entries[entry] = None
    if not entries:
        raise DatasetError("the split list is empty", where=str(path), advice="write one recording a line")
    return list(entries)


def name_missing(missing: Sequence[str], what: str, listed_in: Path, advice: str) -> None:
    """Refuse a list whose recordings are not all there, and name them all.

    Args:
        missing: Entries of the list.
        what: What each of them is not, as "a csv file of this folder".
        listed_in: The list.
        advice: What to do.

    Raises:
        DatasetError: Something is missing.
    """
    if not missing:
        return
    shown = ", ".join(repr(name) for name in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    verb = "is not" if len(missing) == 1 else "are not"
    raise DatasetError(f"{shown}{more} {verb} {what}", where=str(listed_in), advice=advice)
