"""Boards that are attached: which type, serial port, drive and probe, by USB ids and by mbed-tools' database."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinynas.board import Board, list_boards, load_board
from tinynas.errors import BoardNotFound
from tinynas.hil.boards.drives import probe_drives
from tinynas.hil.boards.ports import ProbeKind, probe_ports

__all__ = ["AttachedBoard", "attached_boards", "find_board", "fitting_boards", "stable_port"]

_LOG = logging.getLogger(__name__)
_BY_ID = Path("/dev/serial/by-id")


@dataclass(frozen=True)
class AttachedBoard:
    """A board at a USB port.

    Attributes:
        name: Of the board file that describes it; None: there is none, or the probe's code is not in the database.
        title: What the database calls it.
        probe_id: The probe's serial number, by which pyOCD and `--probe` choose it.
        product_code: The four digits of the board's type; None: unknown.
        serial_port: The port, by a name that stays the same when boards are plugged in another order; None: no port.
        mount_point: The probe's drive; None: not mounted.
        probe_kind: Which probe, by its USB ids; None: unknown.
    """

    name: str | None
    title: str
    probe_id: str
    product_code: str | None
    serial_port: str | None
    mount_point: Path | None
    probe_kind: ProbeKind | None = None


def attached_boards(boards: Iterable[Board] | None = None) -> list[AttachedBoard]:
    """List the boards that are attached, known or not.

    A device that cannot be read is named in the log and hides no other one.

    Args:
        boards: Descriptions to look for; None: those that are shipped.
    """
    known: dict[str, str] = {
        board.probe.mbed_product_code: board.name
        for board in (map(load_board, list_boards()) if boards is None else boards)
        if board.probe and board.probe.mbed_product_code
    }
    found = {one.probe_id.lower(): one for one in _by_database(known)}
    for one in _by_usb(known):
        same = found.get(one.probe_id.lower())
        found[one.probe_id.lower()] = one if same is None else _merged(same, one)
    return sorted(found.values(), key=lambda b: (b.name or "~", b.probe_id))


def _by_database(known: Mapping[str, str]) -> list[AttachedBoard]:
    """What mbed-tools finds: boards whose drive is mounted. One device that it stumbles over hides all of them."""
    # Without this the library asks a web service for codes that are not in its own list.
    os.environ.setdefault("MBED_DATABASE_MODE", "OFFLINE")
    from mbed_tools.devices import get_connected_devices

    try:
        found = get_connected_devices()
        return [_described(device, known) for device in (*found.identified_devices, *found.unidentified_devices)]
    except Exception as error:
        _LOG.warning("mbed-tools stumbles over a device: %s: %s", type(error).__name__, error)
        return []


def _by_usb(known: Mapping[str, str]) -> list[AttachedBoard]:
    """What the serial ports say, with the drive at the same USB port."""
    drives = {drive.location: drive for drive in probe_drives() if drive.location is not None}
    found = []
    for port in probe_ports():
        drive = drives.get(port.location or "")
        code = drive.product_code if drive else None
        found.append(
            AttachedBoard(
                name=known.get(code or ""),
                title=_title(code) or port.title,
                probe_id=port.serial_number or port.device,
                product_code=code,
                serial_port=stable_port(port.device),
                mount_point=drive.path if drive else None,
                probe_kind=port.kind,
            )
        )
    return found


def _title(code: str | None) -> str | None:
    """What the database calls a product."""
    if code is None:
        return None
    from mbed_tools.targets import get_board_by_product_code
    from mbed_tools.targets.exceptions import MbedTargetsError

    try:
        return str(get_board_by_product_code(code).board_name)
    except (MbedTargetsError, KeyError, OSError):
        return None


def _merged(one: AttachedBoard, other: AttachedBoard) -> AttachedBoard:
    """What either knows of the same board."""
    return replace(
        one,
        name=one.name or other.name,
        product_code=one.product_code or other.product_code,
        serial_port=one.serial_port or other.serial_port,
        mount_point=one.mount_point or other.mount_point,
        probe_kind=other.probe_kind,
    )


def _described(device: Any, known: Mapping[str, str]) -> AttachedBoard:
    mbed_board = device.mbed_board
    code = mbed_board.product_code or None
    mounts: Sequence[Path] = device.mount_points
    return AttachedBoard(
        name=known.get(code or ""),
        title=mbed_board.board_name or "unknown board",
        probe_id=device.serial_number,
        product_code=code,
        serial_port=stable_port(device.serial_port) if device.serial_port else None,
        mount_point=Path(mounts[0]) if mounts else None,
    )


def find_board(board: Board, *, probe_id: str | None = None, serial_port: str | None = None) -> AttachedBoard:
    """Find the one attached board that fits a description.

    The drive says which board it is. Where none is mounted, as on machines without a desktop, a single probe of the
    board's kind is taken for the board's: who asks has named it, and the image's hash is checked before it counts.

    Args:
        board: The description.
        probe_id: The probe's serial number or its beginning, where several are attached.
        serial_port: The same by port.

    Raises:
        BoardNotFound: None fits, or several do.
    """
    fitting = fitting_boards(board, probe_id=probe_id, serial_port=serial_port)
    if len(fitting) == 1:
        return fitting[0]
    raise BoardNotFound(
        f"{len(fitting)} boards fit: {_listed(fitting)}",
        where=board.name,
        advice="choose one by its port or its probe's id",
    )


def fitting_boards(board: Board, *, probe_id: str | None = None, serial_port: str | None = None) -> list[AttachedBoard]:
    """Find all attached boards that fit a description; see `find_board`.

    Raises:
        BoardNotFound: None fits.
    """
    attached = attached_boards([board])
    chosen = [
        one
        for one in attached
        if (probe_id is None or one.probe_id.startswith(probe_id))
        and (serial_port is None or _same_port(serial_port, one.serial_port))
    ]
    fitting = [one for one in chosen if one.name == board.name] or [
        one for one in chosen if one.product_code is None and _may_be(one, board)
    ]
    if fitting:
        return fitting
    raise BoardNotFound(
        f"no such board is attached; attached are: {_listed(attached) or 'none'}",
        where=board.name,
        advice=f"use a USB cable that carries data. {_advice_on_listing()}; or --link virtual",
    )


def _listed(boards: Iterable[AttachedBoard]) -> str:
    return ", ".join(f"{one.title} (probe {one.probe_id}, {one.serial_port or 'no port'})" for one in boards)


def _may_be(one: AttachedBoard, board: Board) -> bool:
    return one.probe_kind is not None and board.probe is not None and one.probe_kind == board.probe.kind


def stable_port(port: str, by_id: Path = _BY_ID) -> str:
    """The name under /dev/serial/by-id of a port, or the port itself where the system has none."""
    try:
        links = sorted(by_id.iterdir())
    except OSError:
        return port
    return next((str(link) for link in links if _same_port(str(link), port)), port)


def _advice_on_listing() -> str:
    if sys.platform.startswith("linux"):
        return "`lsusb` has to list the probe; in a container, /dev and /run/udev have to be passed on"
    return "the system has to list the probe among its USB devices"


def _same_port(one: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(one) == os.path.realpath(other)
