"""Reading arrays out of an HDF5 file that may be damaged or made to do harm.

The format lets a file of a few bytes declare terabytes, and lets a data set lie in another file. So what is declared is
looked at before anything is read, and only values that lie in this file are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.readers.files import MOST_ROWS, open_regular

__all__ = ["read_arrays"]

_MOST_CHUNK_BYTES = 64 << 20
_MOST_ITEM_BYTES = 16


def read_arrays(path: Path, widths: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Read the data sets that are there.

    Args:
        path: The file.
        widths: Name of a data set to its number of columns; 0 for a data set of one dimension.

    Returns:
        (rows,) or (rows, width) by name; without those that the file does not hold.

    Raises:
        DatasetError: The file is damaged, or a data set has another shape, holds no numbers, is too large, or does not
            lie in this file.
    """
    import h5py  # a second to import on small machines, and of use to RoNIN alone

    open_regular(path).close()
    found: dict[str, NDArray[np.float64]] = {}
    try:
        with h5py.File(path, "r", locking=False) as file:
            for key, width in widths.items():
                _require_own(path, file, key)
                if key in file:
                    _require_sound(path, key, width, file[key])
                    found[key] = np.asarray(file[key], np.float64)
    except DatasetError:
        raise
    except Exception as error:  # whatever the C library stumbles over: RuntimeError, MemoryError, KeyError and more
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        raise DatasetError(f"not a readable HDF5 file ({reason})", where=str(path), advice="copy it again") from error
    return found


def _require_own(path: Path, file: Any, key: str) -> None:
    """Refuse a data set that a link fetches from another file."""
    import h5py

    parts = key.split("/")
    for depth in range(1, len(parts) + 1):
        name = "/".join(parts[:depth])
        if name not in file and file.get(name, getlink=True) is None:
            return
        if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
            raise DatasetError("the data lie in another file", where=f"{path}:{name}", advice="copy them into this one")


def _require_sound(path: Path, key: str, width: int, data: Any) -> None:
    import h5py

    where = f"{path}:{key}"
    if not isinstance(data, h5py.Dataset):
        raise DatasetError("not a data set", where=where)
    if data.external or data.is_virtual:
        raise DatasetError("the data lie in another file", where=where, advice="copy them into this one")
    shape, dtype = data.shape, data.dtype
    if shape is None or len(shape) != (2 if width else 1) or (width and shape[1] != width):
        expected = f"(N, {width})" if width else "(N,)"
        raise DatasetError(f"shape {shape}, expected {expected}", where=where)
    if dtype.kind not in "fiu" or dtype.itemsize > _MOST_ITEM_BYTES:
        raise DatasetError(f"values of type {dtype} are no numbers", where=where)
    if shape[0] > MOST_ROWS:
        advice = "cut the recording into several files"
        raise DatasetError(f"{shape[0]} rows; at most {MOST_ROWS} are read", where=where, advice=advice)
    if data.chunks is not None and math.prod(data.chunks) * dtype.itemsize > _MOST_CHUNK_BYTES:
        raise DatasetError(f"chunks of {data.chunks} values are too large", where=where, advice="store it again")
    stored = data.id.get_storage_size()
    if math.prod(shape) and (not stored or (data.chunks is None and stored < data.nbytes)):
        raise DatasetError("the values are not in the file", where=where, advice="copy it again")
