"""A flasher that copies the image to the drive of a probe."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tinynas.errors import BoardError, FlashError
from tinynas.hil.flashers.flash import Flashable
from tinynas.hil.flashers.names import register
from tinynas.hil.flashers.programs import shown

__all__ = ["DriveFlasher"]

_POLL_S = 0.1
#: A drive that comes back has usually done so by then.
_PATIENCE_S = 5.0
_FAILURE = "FAIL.TXT"


@register("drive")
class DriveFlasher:
    """By a copy to the drive that an ST-Link or DAPLink probe shows.

    The probe programs what is copied, then unmounts its drive and mounts it anew: without the file, and with FAIL.TXT
    where it did not succeed.

    Args:
        locate: Where the drive is mounted now, None where it is not: it may come back at another place.
        runs: Whether the board runs an image, as the board itself says. It is asked where the drive does not come back
            anew: some mounts stay, by /etc/fstab or with old firmware of the probe. None: nobody can be asked.
        timeout_s: For everything.
    """

    def __init__(
        self,
        locate: Callable[[], Path | None],
        *,
        runs: Callable[[Flashable], bool] | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self._find, self._runs, self._timeout_s = locate, runs, timeout_s

    def flash(self, image: Flashable) -> None:
        """See `Flasher`."""
        deadline = time.monotonic() + self._timeout_s
        drive = self._mounted(deadline)
        before = _entries(drive)
        target = drive / f"tinynas-{image.image_hash}.bin"
        if target.name in before:
            if self._runs is not None and self._runs(image):
                return  # the mount stayed, and the board has long been programmed
            with suppress(OSError):
                target.unlink()
            if target.name in _entries(drive):
                raise FlashError(
                    "an image that was copied earlier is still there: the probe did not take it",
                    where=str(drive),
                    advice="unplug the board and plug it in again",
                )
        self._copy(image.binary, target, deadline)
        self._await_remount(image, target.name, _FAILURE in before, deadline)

    def _locate(self) -> Path | None:
        """Where the drive is now. A place that is being unmounted answers with errors, and is none."""
        try:
            return self._find()
        except (OSError, BoardError):
            return None

    def _mounted(self, deadline: float) -> Path:
        while True:
            drive = self._locate()
            if drive is not None and _entries(drive):  # a place where nothing is mounted is empty
                return drive
            if time.monotonic() > deadline:
                raise FlashError(
                    "the probe's drive is not mounted",
                    where=str(drive) if drive else None,
                    advice="mount it, writable for this user; or flash with pyOCD, which needs no drive",
                )
            time.sleep(_POLL_S)

    def _copy(self, data: bytes, target: Path, deadline: float) -> None:
        failures: list[OSError] = []

        def write() -> None:
            try:
                with target.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                failures.append(error)

        # A drive that hangs blocks its writer in the kernel, out of reach of any deadline but that of another thread.
        writer = threading.Thread(target=write, daemon=True, name="copy to the probe's drive")
        writer.start()
        writer.join(max(0.0, deadline - time.monotonic()))
        if writer.is_alive():
            raise FlashError(f"the probe's drive takes no data within {self._timeout_s:g} s", where=str(target.parent))
        # Some probes vanish before the host has finished: then the drive tells, once it is back, whether all is well.
        if failures and target.parent.is_dir() and _entries(target.parent):
            raise FlashError(f"the copy failed: {failures[0].strerror}", where=str(target))

    def _await_remount(self, image: Flashable, name: str, failed_before: bool, deadline: float) -> None:
        asking = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if self._runs is not None and time.monotonic() > asking:
                if self._runs(image):
                    return
                asking = time.monotonic() + _PATIENCE_S
            drive = self._locate()
            entries = _entries(drive) if drive else set()
            if drive and _FAILURE in entries and (name not in entries or not failed_before):
                raise FlashError(
                    f"the probe says: {_text(drive / _FAILURE)}",
                    where=str(drive),
                    advice="unplug the board and plug it in again; check that the probe's jumpers are set",
                )
            if entries and name not in entries:
                return
            time.sleep(_POLL_S)
        raise FlashError(
            f"the probe's drive did not come back within {self._timeout_s:g} s",
            where=name,
            advice="the system has to mount the drive anew by itself; in a container it may not: flash with pyOCD",
        )


def _entries(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:  # it is being unmounted, or mounted
        return set()


def _text(path: Path) -> str:
    try:
        return shown(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        return f"{path.name}, which cannot be read: {error.strerror}"
