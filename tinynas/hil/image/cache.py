"""The firmware's objects, compiled once for each board and compiler, in a folder that proves itself whole.

What does not depend on the model stays in the user's cache folder, in a folder named after everything it depends on.
A manifest, written last, has the hash of each file. A folder that does not agree with it, be it after a full disk, a
loss of power or a change by hand, is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tinynas.board import Board
from tinynas.errors import BuildError
from tinynas.hil.image.boardfiles import FAST_SOURCE, board_header, firmware_sources
from tinynas.hil.image.linker import linker_script
from tinynas.hil.image.toolchain import Toolchain
from tinynas.resources import cache_folder, resource

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = ["digest", "firmware_folder"]

_HASH_DIGITS = 16
_MANIFEST = "manifest.json"
_STALE_S = 30 * 24 * 3600.0


def firmware_folder(board: Board, toolchain: Toolchain, defines: Sequence[str] = ()) -> Path:
    """A folder with the firmware's sources, the board's files and their objects.

    Args:
        board: The board.
        toolchain: The compiler.
        defines: What the sources are compiled with, `NAME` or `NAME=VALUE`.

    Raises:
        BuildError: The compiler refuses, or the cache folder cannot be written to.
        ConfigError: The firmware does not run on the board.
    """
    files = dict(_tree(resource("firmware"), "")) | {"board.h": board_header(board), "memory.ld": linker_script(board)}
    sources = firmware_sources(board)
    key = digest(files, toolchain.version, *toolchain.options(board.core), *sources, *defines)
    home = cache_folder() / "firmware"
    folder = home / f"{board.name}-{toolchain.kind}-{key}"
    if _whole(folder):
        with suppress(OSError):  # a cache that is only to be read serves as well
            os.utime(folder)  # it is in use
        return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Under another name until it is complete: a build beside this one, or one that is killed, leaves no half.
        part = Path(tempfile.mkdtemp(prefix="part-", dir=home))
        try:
            _compile_firmware(files, sources, part, board, toolchain, defines)
            _seal(part)
            _replace(folder, part)
            _remove_stale(home)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise BuildError(
            f"the cache folder cannot be written to: {error.strerror}",
            where=str(home),
            advice="set TINYNAS_CACHE to one that can",
        ) from error
    return folder


def _compile_firmware(
    files: Mapping[str, str],
    sources: list[str],
    folder: Path,
    board: Board,
    toolchain: Toolchain,
    defines: Sequence[str],
) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name in sources:
        toolchain.compile(
            folder / name,
            folder / f"{name.replace('/', '-')}.o",
            core=board.core,
            include=[folder, folder / "libc"],
            defines=defines,
            optimise="2" if name == FAST_SOURCE else "s",
        )


def _seal(folder: Path) -> None:
    """Write the manifest, after everything else is on the disk."""
    hashes = _hashes(folder)
    for name in hashes:
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
    with (folder / _MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(hashes, file)
        file.flush()
        os.fsync(file.fileno())


def _hashes(folder: Path) -> dict[str, str]:
    """Hash by name of every file but the manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MANIFEST)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _whole(folder: Path) -> bool:
    """Whether a folder holds what its manifest says, and nothing else."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest == _hashes(folder))
    except (OSError, ValueError, RecursionError):
        return False


def _replace(folder: Path, part: Path) -> None:
    """Put a complete folder in its place; one that is damaged makes room under a name that is swept later."""
    if folder.exists() and not _whole(folder):
        with suppress(OSError):
            folder.rename(folder.with_name(f"part-{part.name}"))
    try:
        part.rename(folder)
    except OSError:
        if not _whole(folder):  # else another process was faster, with the same content
            raise
    shutil.rmtree(folder.with_name(f"part-{part.name}"), ignore_errors=True)


def _remove_stale(home: Path) -> None:
    """Remove what nobody has used for long: another version's objects, or a build that was killed."""
    for folder in home.iterdir():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_S:
                shutil.rmtree(folder)


def _tree(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    """Texts of the firmware's sources and headers; the kernels come with the model, board files from the board."""
    for item in folder.iterdir():
        if item.is_dir() and item.name not in ("kernels", "boards"):
            yield from _tree(item, f"{prefix}{item.name}/")
        elif item.name.endswith((".c", ".cc", ".h")):
            yield prefix + item.name, item.read_text(encoding="utf-8")


def digest(files: Mapping[str, str], *more: str) -> str:
    """A short hash of texts with their names."""
    sha = hashlib.sha256()
    for part in [text for pair in sorted(files.items()) for text in pair] + list(more):
        sha.update(hashlib.sha256(part.encode()).digest())
    return sha.hexdigest()[:_HASH_DIGITS]
