"""The folder of an export: whole or not at all, and never in the place of what somebody else has written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from tinynas.errors import ConfigError
from tinynas.hostfaults import explain_host_fault

__all__ = ["MANIFEST", "check_target", "write_folder"]

MANIFEST = "manifest.json"


def check_target(out: Path) -> None:
    """Refuse a folder that holds anything but an earlier export, as it was written.

    Raises:
        ConfigError: It is a file or a link, or holds something of another kind, or an export that was changed since.
        HostError: It cannot be read.
    """
    try:
        if not out.exists() and not out.is_symlink():
            return
        if out.is_symlink() or not out.is_dir():
            raise ConfigError("is not a folder", where=str(out), advice="name a new folder")
        found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir())
        if not found:
            return
        known = _read_manifest(out / MANIFEST)
        if known is None:
            what = "the folder is not empty, and what it holds was not exported"
            raise ConfigError(what, where=str(out), advice="name a new or an empty one")
        for path in found:
            if path != MANIFEST and known.get(path) != _digest((out / path).read_bytes()):
                what = "was changed or added since the export, and would be lost"
                raise ConfigError(what, where=str(out / path), advice="name another folder, or move the file away")
    except OSError as error:
        raise explain_host_fault(error, "look into the folder", where=str(out), then="export again") from error


def write_folder(out: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, in the place of an earlier export.

    They are written beside it and moved there at once: whoever is killed half-way leaves the earlier export.

    Args:
        out: The folder.
        files: Content by path below it.

    Returns:
        The paths, the manifest's with them.

    Raises:
        ConfigError: See `check_target`.
        HostError: The disk is full, or the folder cannot be written.
    """
    check_target(out)
    manifest = {path: _digest(content) for path, content in sorted(files.items())}
    whole = {**files, MANIFEST: (json.dumps({"files": manifest}, indent=1) + "\n").encode()}
    mark = f".{secrets.token_hex(8)}.part"
    part, old = out.with_name(f".{out.name[:100]}{mark}"), out.with_name(f".{out.name[:100]}.old{mark}")
    try:
        for path, content in whole.items():
            target = part / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        if out.exists():
            out.replace(old)
        part.replace(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.replace(out)
        raise explain_host_fault(error, "write the export", where=str(out), then="export again") from error
    finally:
        for folder in (part, old):
            shutil.rmtree(folder, ignore_errors=True)
    return [out / path for path in whole]


def _read_manifest(path: Path) -> Mapping[str, str] | None:
    """Digests by path; None where there is no manifest that can be read."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        files = json.loads(path.read_bytes())["files"]
    except (ValueError, KeyError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
