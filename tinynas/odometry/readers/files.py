"""Reading text files as users leave them: plain or gzip-compressed text, tables of numbers.

Every fault ends as a `DatasetError` that names the file and the row, counted from 1 as editors do. Time and memory are
bounded, whatever the file: devices and pipes are not read, and a file that unpacks to more than is sensible is refused.
"""

from __future__ import annotations

import array
import csv
import gzip
import io
import math
import os
import stat
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError

__all__ = [
    "MOST_ROWS",
    "existing_csv",
    "nth_row",
    "open_regular",
    "parse_floats",
    "read_header",
    "read_text",
    "require_folder",
]

MOST_ROWS = 5_000_000
"""Rows of a recording: 14 hours at 100 Hz."""

_MOST_BYTES = 256 << 20
_MOST_LINE_BYTES = 64 << 10
_MOST_COLUMNS = 1000
_CUT = "cut the recording into several files"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}


def require_folder(folder: Path) -> Path:
    """Return `folder` if it is one, else raise a DatasetError that says what to do."""
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DatasetError(f"the dataset folder {what}", where=str(folder), advice="give the folder of the dataset")
    return folder


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading. Devices and pipes, which may never end, are refused.

    Raises:
        DatasetError: It is not a regular file, or cannot be opened.
    """
    try:
        # Without O_NONBLOCK the opening of a pipe waits for whoever writes to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"cannot be read ({reason})", where=str(path)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DatasetError("not a regular file", where=str(path), advice="a recording is a file, no folder or device")
    return os.fdopen(descriptor, "rb")


def read_text(path: Path, *, most_bytes: int = _MOST_BYTES) -> str:
    """Return the text of `path`, decompressed when its name ends in `.gz`.

    Args:
        path: A regular file.
        most_bytes: More than that, decompressed, is refused.

    Raises:
        DatasetError: The file cannot be read, is not gzip, ends early, is too large, or is not UTF-8 text.
    """
    where = str(path)
    try:
        with open_regular(path) as raw:
            stream = gzip.GzipFile(fileobj=raw) if path.suffix.lower() == ".gz" else raw
            content = stream.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise DatasetError(f"more than {most_bytes >> 20} MiB of text", where=where, advice=_CUT)
        return content.decode("utf-8-sig")
    except EOFError as error:
        raise DatasetError("the compressed file ends early", where=where, advice="copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"not a sound gzip file ({error})", where=where) from error
    except UnicodeDecodeError as error:
        raise DatasetError("not a text file (UTF-8)", where=where) from error
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror or error})", where=where) from error
    except MemoryError as error:
        raise DatasetError("too large for this computer's memory", where=where, advice=_CUT) from error


def existing_csv(path: Path) -> Path | None:
    """Return a csv file as it is on disk, with or without `.gz`, the ending in any case; None if there is none."""
    plain = path.name.lower().removesuffix(".gz")
    for name in (path.name, path.name[: len(plain)], f"{path.name[: len(plain)]}.gz"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    stem, ending = path.name[: plain.rfind(".")], plain[plain.rfind(".") :]
    others = sorted(path.parent.glob("*")) if path.parent.is_dir() else ()
    wanted = {f"{stem}{ending}", f"{stem}{ending}.gz"}
    return next((o for o in others if f"{o.name[: len(stem)]}{o.name[len(stem) :].lower()}" in wanted), None)


def read_header(path: Path, text: str, known: str) -> list[str]:
    """Return the column names in the first line of a csv file, without the blanks around them.

    Args:
        path: Named in errors only.
        text: The file's text.
        known: A column that such a file has; it tells a wrong separator from a wrong name.

    Raises:
        DatasetError: The line is empty or no such line, or something else than commas separates the columns.
    """
    line = text[:_MOST_LINE_BYTES].split("\n", 1)[0]
    try:
        columns = [column.strip() for column in next(csv.reader(io.StringIO(line)), [])]
    except csv.Error as error:  # before Python 3.11 a NUL
        raise DatasetError(f"the header is no line of column names: {error}", where=f"{path}:1") from error
    if not any(columns):
        raise DatasetError("the file is empty", where=str(path), advice="the first line names the columns")
    if len(columns) > _MOST_COLUMNS or len(line) == _MOST_LINE_BYTES:
        raise DatasetError("the header is no line of column names: it is too long", where=f"{path}:1")
    for separator, name in _SEPARATORS.items():
        parts = [part.strip().strip('"') for part in line.split(separator)]
        if known not in columns and known in parts and len(parts) > 1:
            example = f"{known},..."
            advice = f"save it with commas between the columns ({example}) and points in the numbers"
            raise DatasetError(f"the columns are separated by {name}, not by commas", where=f"{path}:1", advice=advice)
    return columns


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
        DatasetError: No rows or too many, a row of another width (as a truncated last row is), or text where a number
            belongs.
    """
    if text.count("\n") > MOST_ROWS:
        raise DatasetError(f"more than {MOST_ROWS} rows", where=str(path), advice=_CUT)
    _require_short_lines(path, text)
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


def _require_short_lines(path: Path, text: str) -> None:
    """Refuse a line so long that its fields alone would fill the memory."""
    for row, line in enumerate(io.StringIO(text), start=1):
        if len(line) > _MOST_LINE_BYTES:
            raise DatasetError("the line is too long for a row of numbers", where=f"{path}:{row}")


def nth_row(text: str, index: int, header_rows: int) -> int:
    """Return the line, counted from 1, of a row that `parse_floats` returned: blank lines are no rows."""
    reader = csv.reader(io.StringIO(text))
    rows = (reader.line_num for fields in reader if reader.line_num > header_rows and any(f.strip() for f in fields))
    return next((line for number, line in enumerate(rows) if number == index), header_rows + index + 1)


def _parse_carefully(
    path: Path, text: str, columns: Sequence[int], *, width: int, header_rows: int
) -> NDArray[np.float64]:
    numbers = array.array("d")  # 8 bytes each, where a list of floats takes 32
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
            numbers.extend(_number(path, row, column, fields[column]) for column in columns)
    except csv.Error as error:
        raise DatasetError(f"not comma-separated text ({error})", where=f"{path}:{reader.line_num}") from error
    if not numbers:
        raise DatasetError("the file holds no rows of numbers", where=str(path))
    return np.frombuffer(numbers, np.float64).reshape(-1, len(columns))


def _number(path: Path, row: int, column: int, field: str) -> float:
    if not field.strip():
        return math.nan
    try:
        return float(field)
    except ValueError:
        message = f"{field.strip()[:40]!r} in column {column + 1} is not a number"
        raise DatasetError(message, where=f"{path}:{row}") from None
