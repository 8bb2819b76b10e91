"""Files of a study: stored under the hash of their content, written so that a reader sees all of a file or none."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
from pathlib import Path

from tinynas.errors import StudyError

__all__ = ["RESUME", "ArtefactStore", "explain_os_error", "refuse_links", "sync_folder", "write_file"]

RESUME = "resume: nothing stored is lost"
"""What to do once there is space again, where there is a study."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PART = ".part"
_NAME = 200


def explain_os_error(error: OSError, path: Path, doing: str, then: str = RESUME) -> StudyError:
    """Turn a failure of the operating system into an error that says which file and what to do.

    Args:
        error: What was raised.
        path: The file or folder concerned.
        doing: What was being done, as "write the file".
        then: What to do after making space, as "start again".
    """
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        message = f"cannot {doing}: the disk (or the quota) is full"
        return StudyError(message, where=str(path), advice=f"free some space, then {then}")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        advice = "check the permissions of the folder, or choose another one"
        return StudyError(f"cannot {doing}: {os.strerror(error.errno)}", where=str(path), advice=advice)
    return StudyError(f"cannot {doing}: {error.strerror or error}", where=str(path))


def refuse_links(*paths: Path) -> None:
    """Refuse to write through a symbolic link: a study that came from others could lead the writer out of its folder.

    Raises:
        StudyError: One of the paths is a link.
    """
    for path in paths:
        if path.is_symlink():
            advice = "remove the link, or copy what it leads to in its place"
            raise StudyError("a study's own files are no symbolic links", where=str(path), advice=advice)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder (new files, renames) survive a power cut. Does nothing on Windows."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: str | Path, content: bytes) -> Path:
    """Write a file whole or not at all: temporary file, fsync, atomic rename, fsync of the folder.

    Args:
        path: Where the file goes. Missing parent folders are made; an existing file is replaced.
        content: The bytes.

    Returns:
        The path.

    Raises:
        StudyError: The disk is full or the folder cannot be written. An existing file is then left as it was.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_file(folder / "best.tflite", b"TFL3").read_bytes()
        b'TFL3'
    """
    path = Path(path)
    # Nobody can foresee the name, and "x" opens nothing that is there: no link leads the bytes elsewhere.
    part = path.with_name(f".{path.name[:_NAME]}.{secrets.token_hex(8)}{_PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise explain_os_error(error, path, "write the file") from error
    return path


class ArtefactStore:
    """Content-addressed files: `<folder>/<first two digits>/<sha256>`.

    Equal contents are stored once. A file is never changed after it was written, so a hash in the database always
    means the same bytes.

    Args:
        folder: Root of the store; made with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Store the content durably and return its SHA-256 (hexadecimal).

        Raises:
            StudyError: The file could not be written, or the folder is a link to another place.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(sha256)
        refuse_links(self._folder, path.parent)
        if not self._holds(path, content):
            new_folder = not path.parent.is_dir()
            write_file(path, content)
            if new_folder:
                try:
                    sync_folder(self._folder)
                    sync_folder(self._folder.parent)
                except OSError as error:
                    raise explain_os_error(error, self._folder, "write the folder") from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the content with this hash.

        Raises:
            StudyError: Not a hash, or the file is missing or damaged.
        """
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise StudyError("the artefact is missing", where=str(path), advice="restore it from a copy") from error
        except OSError as error:
            raise explain_os_error(error, path, "read the artefact") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            advice = "the file was changed or cut short; restore it from a copy"
            raise StudyError(
                "the artefact is damaged: its content does not match its name", where=str(path), advice=advice
            )
        return content

    def path(self, sha256: str) -> Path:
        """Return where the content with this hash lies.

        Raises:
            StudyError: Not 64 lower-case hexadecimal digits (nothing else may reach the file system).
        """
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise StudyError(f"not a SHA-256: {sha256!r}", where=str(self._folder))
        return self._folder / sha256[:2] / sha256

    def sweep(self) -> None:
        """Remove what a killed writer left half written. Only for the one process that may write."""
        for part in (*self._folder.glob(f"*/.*{_PART}"), *self._folder.parent.glob(f".*{_PART}")):
            with contextlib.suppress(OSError):
                part.unlink()

    @staticmethod
    def _holds(path: Path, content: bytes) -> bool:
        # Compare, not just look: a file damaged since is written anew.
        try:
            return path.read_bytes() == content
        except OSError:
            return False
