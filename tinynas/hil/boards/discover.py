"""Boards that are attached: which type, which serial port, which drive, which probe; by mbed-tools' database."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynas.board import Board, list_boards, load_board
from tinynas.errors import BoardError, BoardNotFound

__all__ = ["AttachedBoard", "attached_boards", "find_board", "stable_port"]

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
    """

    name: str | None
    title: str
    probe_id: str
    product_code: str | None
    serial_port: str | None
    mount_point: Path | None


def attached_boards(boards: Iterable[Board] | None = None) -> list[AttachedBoard]:
    """List the boards that are attached, known or not.

    Args:
        boards: Descriptions to look for; None: those that are shipped.

    Raises:
        BoardError: The operating system's list of devices cannot be read.
    """
    # Without this the library asks a web service for codes that are not in its own list.
    os.environ.setdefault("MBED_DATABASE_MODE", "OFFLINE")
    from mbed_tools.devices import get_connected_devices
    from mbed_tools.devices.exceptions import MbedDevicesError

    known = {
        board.probe.mbed_product_code: board.name
        for board in (map(load_board, list_boards()) if boards is None else boards)
        if board.probe and board.probe.mbed_product_code
    }
    try:
        found = get_connected_devices()
    except (MbedDevicesError, OSError) as error:
        raise BoardError(
            f"the list of attached devices cannot be read: {error}", advice=_advice_on_listing()
        ) from error
    devices = [*found.identified_devices, *found.unidentified_devices]
    return sorted((_described(device, known) for device in devices), key=lambda b: (b.name or "~", b.probe_id))


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

    Args:
        board: The description.
        probe_id: The probe's serial number or its beginning, where several are attached.
        serial_port: The same by port.

    Raises:
        BoardNotFound: None fits, or several do.
    """
    attached = attached_boards([board])
    fitting = [
        one
        for one in attached
        if one.name == board.name
        and (probe_id is None or one.probe_id.startswith(probe_id))
        and (serial_port is None or _same_port(serial_port, one.serial_port))
    ]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{one.title} (probe {one.probe_id}, {one.serial_port or 'no port'})" for one in attached)
    if fitting:
        raise BoardNotFound(
            f"{len(fitting)} boards fit: {listed}", where=board.name, advice="choose one by its port or its probe's id"
        )
    raise BoardNotFound(
        f"no such board is attached; attached are: {listed or 'none'}",
        where=board.name,
        advice=f"use a USB cable that carries data. {_advice_on_listing()}; or --link virtual",
    )


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
