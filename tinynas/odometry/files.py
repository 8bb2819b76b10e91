"""Reading text files as users leave them: split lists, plain or gzip-compressed tables of numbers.

Every fault ends as a `DatasetError` that names the file and the row, counted from 1 as editors do.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError

__all__ = [
    "SPLITS",
    "existing_csv",
    "find_split_file",
    "parse_floats",
    "read_split_file",
    "read_text",
    "require_folder",
]

SPLITS = ("Train", "Valid", "Test")


def require_folder(folder: Path) -> Path:
    """Return `folder` if it is one, else raise a DatasetError that says what to do."""
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DatasetError(f"the dataset folder {what}", where=str(folder), advice="give the folder of the dataset")
    return folder


def read_text(path: Path) -> str:
    """Return the text of `path`, decompressed when its name ends in `.gz`.

    Raises:
        DatasetError: The file cannot be read, is not gzip, ends early, or is not UTF-8 text.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        return raw.decode("utf-8-sig")
    except EOFError as error:
        raise DatasetError("the compressed file ends early", where=str(path), advice="copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"not a sound gzip file ({error})", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DatasetError("not a text file (UTF-8)", where=str(path)) from error
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror or error})", where=str(path)) from error


def existing_csv(path: Path, *, listed_in: str) -> Path:
    """Return `path` as it is on disk, with or without `.gz`.

    Raises:
        DatasetError: Neither exists.
    """
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    for candidate in (path, plain, plain.with_name(plain.name + ".gz")):
        if candidate.is_file():
            return candidate
    raise DatasetError(f"file {path.name} does not exist", where=str(path), advice=f"it is named by {listed_in}")


def find_split_file(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of `names` that is a file in `folder`, else None."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_split_file(path: Path) -> list[str]:
    """Return the entries of a split list: one relative path or name a line, `#` starts a comment.

    Raises:
        DatasetError: The list is empty, names something twice, or points outside the dataset.
    """
    entries: list[str] = []
    for row, line in enumerate(read_text(path).splitlines(), start=1):
        entry = line.split("#", 1)[0].strip().replace("\\", "/")
        if not entry:
            continue
        where = f"{path}:{row}"
        if PurePosixPath(entry).is_absolute() or ".." in PurePosixPath(entry).parts:
            raise DatasetError(f"'{entry}' points outside the dataset", where=where, advice="use a relative path")
        if entry in entries:
            raise DatasetError(f"'{entry}' is listed twice", where=where)
        entries.append(entry)
    if not entries:
        raise DatasetError("the split list is empty", where=str(path), advice="write one recording a line")
    return entries


def parse_floats(
    path: Path, text: str, columns: Sequence[int], *, width: int, header_rows: int = 0
) -> NDArray[np.float64]:
    """Return the chosen columns of comma-separated numbers.

    Args:
        path: Named in errors only.
        text: The file's text.
        columns: Indices of the columns to return, in this order.
        width: Number of columns every row must have. An empty field is NaN.
        header_rows: Rows to skip at the top.

    Returns:
        (rows, len(columns)) float64.

    Raises:
        DatasetError: No rows, a row of another width (as a truncated last row is), or text where a number belongs.
    """
    fast = None
    # The C parser is 10 times faster, but it takes neither empty fields nor quotes, and its `usecols` hides rows of
    # another width: whatever it refuses goes to the careful parser, which knows which row to blame.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            fast = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=header_rows, ndmin=2, comments=None)
        except ValueError:
            fast = None
    if fast is not None and fast.size and fast.shape[1] == width:
        return np.ascontiguousarray(fast[:, list(columns)])
    return _parse_carefully(path, text, columns, width=width, header_rows=header_rows)


def _parse_carefully(
    path: Path, text: str, columns: Sequence[int], *, width: int, header_rows: int
) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    reader = csv.reader(io.StringIO(text))
    try:
        for fields in reader:
            row = reader.line_num
            if row <= header_rows or not any(field.strip() for field in fields):
                continue
            if len(fields) != width:
                advice = "a copy that was cut short ends like this" if len(fields) < width else None
                message = f"{len(fields)} column(s) where {width} are expected"
                raise DatasetError(message, where=f"{path}:{row}", advice=advice)
            rows.append([_number(path, row, column, fields[column]) for column in columns])
    except csv.Error as error:
        raise DatasetError(f"not comma-separated text ({error})", where=f"{path}:{reader.line_num}") from error
    if not rows:
        raise DatasetError("the file holds no rows of numbers", where=str(path))
    return np.array(rows, np.float64)


def _number(path: Path, row: int, column: int, field: str) -> float:
    if not field.strip():
        return math.nan
    try:
        return float(field)
    except ValueError:
        message = f"'{field.strip()[:40]}' in column {column + 1} is not a number"
        raise DatasetError(message, where=f"{path}:{row}") from None
