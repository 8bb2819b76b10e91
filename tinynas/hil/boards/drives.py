"""Mounted drives of probes: where, of which board by their own page, and at which USB port (Linux)."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProbeDrive", "probe_drives"]

_LOG = logging.getLogger(__name__)
_MOUNTS, _BLOCK = Path("/proc/self/mounts"), Path("/sys/class/block")
_PAGE = re.compile(r"mbed\.html?", re.IGNORECASE)
_CODE = re.compile(r"code=([0-9A-Fa-f]{4})")
#: A USB device in a path of sysfs, such as 1-2.3; the last one is the nearest.
_USB = re.compile(r"/(\d+-\d+(?:\.\d+)*)(?=/|$)")
_PAGE_BYTES = 1 << 16


@dataclass(frozen=True)
class ProbeDrive:
    """A drive with the page that leads to a board's description.

    Attributes:
        path: Where it is mounted.
        product_code: Four digits; None: the page has none.
        location: The USB port, as `ProbePort.location`; None: unknown.
    """

    path: Path
    product_code: str | None
    location: str | None


def probe_drives(mounts: Path = _MOUNTS, block: Path = _BLOCK) -> list[ProbeDrive]:
    """List the mounted drives of probes. What cannot be read is named in the log and passed over: it is no probe's.

    Args:
        mounts: The kernel's table of mounts; where there is none, as on other systems than Linux, nothing is found.
        block: Its folder of block devices.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        device, _, rest = line.partition(" ")
        kind = rest.split(" ")[1:2]
        if not device.startswith("/dev/") or kind not in (["vfat"], ["msdos"]):
            continue
        place = Path(_unescaped(rest.split(" ")[0]))
        try:
            page = next((entry for entry in place.iterdir() if _PAGE.fullmatch(entry.name)), None)
            if page is None:
                continue
            with page.open("rb") as file:
                text = file.read(_PAGE_BYTES).decode("latin-1")
        except OSError as error:
            _LOG.warning("the drive at %s is passed over: %s", place, error.strerror)
            continue
        code = _CODE.search(text)
        found.append(ProbeDrive(place, code[1] if code else None, _location(block / Path(device).name)))
    return found


def _unescaped(text: str) -> str:
    r"""A path of the table, in which a blank is \040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _location(device: Path) -> str | None:
    try:
        found = _USB.findall(device.resolve(strict=True).as_posix())
    except OSError:
        return None
    return found[-1] if found else None
