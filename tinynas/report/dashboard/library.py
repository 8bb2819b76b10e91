"""The studies that a dashboard shows, and when each of them last changed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinynas.errors import ConfigError
from tinynas.study import CREW_FILE, LIVE_FILE

__all__ = ["Library"]

# Folders within folders that are looked into: studies/NAME, and studies/GROUP/NAME.
_DEPTH = 2
_MOST_STUDIES = 500
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Library:
    """Studies in some folders. New ones appear by themselves.

    Args:
        folders: Studies, or folders that hold studies.

    Raises:
        ConfigError: One of them is not a folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                what = "is not a folder" if folder.exists() else "no such folder"
                raise ConfigError(what, where=str(folder), advice="name the folder of a study, or one that holds some")
        self._folders = [folder.resolve() for folder in folders]

    @property
    def is_one(self) -> bool:
        """Whether it was made for a single study."""
        return len(self._folders) == 1 and (self._folders[0] / "study.db").is_file()

    def studies(self) -> dict[str, Path]:
        """The folders of the studies by their name in an address, in the order of their paths."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            for path in sorted(_find(folder, _DEPTH)):
                if path not in found.values() and len(found) < _MOST_STUDIES:
                    found[_address(path, found)] = path
        return found

    def stamps(self) -> dict[str, str]:
        """For each study what changes whenever something is written to it, and when its search begins or ends."""
        return {name: stamp(path) for name, path in self.studies().items()}


def stamp(folder: Path) -> str:
    """What changes whenever something is written to a study.

    SQLite writes to the file under a lock that keeps readers out until the transaction is whole, so whoever reads after
    the file has changed reads what changed.
    """
    parts = []
    for name in ("study.db", LIVE_FILE, CREW_FILE):
        with contextlib.suppress(OSError):
            state = (folder / name).stat()
            parts.append(f"{state.st_ino}-{state.st_size}-{state.st_mtime_ns}")
    return ".".join(parts)


def _find(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "study.db").is_file():
        yield folder
        return
    if depth:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            # A link could lead out of what the user has named.
            inside = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
            for path in inside:
                yield from _find(path, depth - 1)


def _address(path: Path, taken: dict[str, Path]) -> str:
    """The name of a study in an address: its folder's where that is plain and free, else a hash of the path."""
    if _PLAIN.fullmatch(path.name) and path.name not in taken:
        return path.name
    return f"study-{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"
