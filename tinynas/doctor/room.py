"""Room on disks, and the folders that tinynas keeps."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tinynas.doctor.finding import Finding
from tinynas.resources import cache_folder, state_folder

__all__ = ["find_disk", "find_folders"]

_MIB = 1 << 20
#: A search writes some megabytes; an image and its sources take a few in the temporary folder.
_LEAST_BYTES = 200 * _MIB


def find_disk() -> Iterator[Finding]:
    """Free room where studies, temporary files and the cache lie."""
    places = {"current folder": Path.cwd(), "temporary files": Path(tempfile.gettempdir()), "cache": cache_folder()}
    for name, path in places.items():
        free = shutil.disk_usage(_existing(path)).free
        detail = f"{free / _MIB:,.0f} MiB free at {path}"
        if free < _LEAST_BYTES:
            remedy = f"free {_LEAST_BYTES // _MIB} MiB there" + ("; TMPDIR names another" if "temp" in name else "")
            yield Finding("room", name, "failed", detail, remedy)
        else:
            yield Finding("room", name, "ok", detail)


def find_folders() -> Iterator[Finding]:
    """The folders that tinynas makes itself: how much lies there, and whether it may write."""
    for name, path, variable in (
        ("cache", cache_folder(), "TINYNAS_CACHE"),
        ("locks of boards", state_folder(), "TINYNAS_STATE"),
    ):
        if not os.access(_existing(path), os.W_OK) or (path.exists() and not path.is_dir()):
            remedy = f"set {variable} to a folder that this user may write to"
            yield Finding("room", f"{name}, folder", "failed", f"{path} cannot be written to", remedy)
            continue
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
        yield Finding("room", f"{name}, folder", "ok", f"{size / _MIB:,.1f} MiB in {path}")


def _existing(path: Path) -> Path:
    """The nearest folder that is there."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
