"""From a link and a flasher, as options name them, to what runs images: one board, or all that are attached."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from tinynas.board import Board, check_firmware
from tinynas.errors import BoardError, BoardNotFound, ConfigError
from tinynas.hil.boards.discover import AttachedBoard, find_board, fitting_boards
from tinynas.hil.boards.flashing import choose_flasher
from tinynas.hil.boards.ports import probe_ports
from tinynas.hil.boards.rig import FlashMethod, Rig, SerialRig, VirtualRig
from tinynas.hil.dut import deadline_in
from tinynas.hil.emulator import require_unicorn
from tinynas.hil.flashers import check_flasher

__all__ = ["board_key", "find_port", "rig_for", "rigs_for"]

_LOG = logging.getLogger(__name__)

_APPEARS_S = 3.0
_POLL_S = 0.1


def rig_for(board: Board, link: str, *, flasher: FlashMethod = "auto", probe_id: str | None = None) -> Rig:
    """Choose how images get to a board and answers back.

    Args:
        board: The board.
        link: "virtual"; a serial port; or "auto", the port of the board that is attached.
        flasher: The probe's drive, pyOCD, the boot loader in the MCU's ROM; "auto", the drive where it is mounted, else
            pyOCD; or "cmd:" and a command.
        probe_id: Serial number of the probe, or its beginning, where several boards are attached.

    Raises:
        BoardNotFound: No board that fits is attached, or several are.
        BoardError: It has no serial port, or nothing that could flash it is there.
        ConfigError: A virtual board is not flashed; the firmware does not run on the board.
    """
    check_firmware(board)
    check_flasher(flasher, "flasher")
    if link == "virtual":
        if flasher != "auto" or probe_id is not None:
            advice = "add --link auto, or leave flasher and probe out"
            raise ConfigError("a virtual board has no probe and is not flashed", where="link", advice=advice)
        require_unicorn()
        return VirtualRig()
    if link != "auto":
        _check_port(link)
    attached: AttachedBoard | None = None
    if link == "auto" or flasher in ("auto", "drive"):  # pyOCD and the boot loader need no board that is recognised
        attached = find_board(board, probe_id=probe_id, serial_port=None if link == "auto" else link)
    return _rig(board, attached, link, flasher, probe_id)


def rigs_for(board: Board, *, flasher: FlashMethod = "auto", probe_id: str | None = None) -> list[SerialRig]:
    """All attached boards that fit, as `rig_for` would choose a single one with the link "auto".

    Raises:
        BoardNotFound: No board that fits is attached.
        BoardError: None has a serial port and something that could flash it.
        ConfigError: The firmware does not run on the board.
    """
    check_firmware(board)
    check_flasher(flasher, "flasher")
    found = [_rig_or_complaint(board, one, flasher) for one in fitting_boards(board, probe_id=probe_id)]
    rigs = [one for one in found if isinstance(one, SerialRig)]
    complaints = [one for one in found if isinstance(one, BoardError)]
    if not rigs:
        raise complaints[0]
    for error in complaints:
        _LOG.warning("a board is left out: %s", error)
    return rigs


def find_port(board: Board, link: str, *, probe_id: str | None = None) -> tuple[str, str]:
    """The serial port of a board that is attached, and its key for `BoardLock`.

    Args:
        board: The board.
        link: A serial port; or "auto".
        probe_id: See `rig_for`.

    Raises:
        BoardNotFound: No board that fits is attached, or several are; or there is no such port.
        BoardError: It has no serial port.
        ConfigError: A virtual board has none.
    """
    if link == "virtual":
        advice = "`tinynas boards emulate --pty` gives one a port"
        raise ConfigError("a virtual board has no port", where="link", advice=advice)
    if link != "auto":
        _check_port(link)
        return link, board_key(link)
    attached = find_board(board, probe_id=probe_id)
    return _port_of(board, attached), attached.probe_id


def board_key(port: str) -> str:
    """What tells the board at a port from others: its probe's serial number, or the port where that is not known."""
    real = os.path.realpath(port)
    numbers = (one.serial_number for one in probe_ports() if os.path.realpath(one.device) == real)
    return next(numbers, "") or port


def _rig(
    board: Board, attached: AttachedBoard | None, link: str, flasher: FlashMethod, probe_id: str | None
) -> SerialRig:
    assert board.uart is not None
    port = _port_of(board, attached) if attached and link == "auto" else link
    key = attached.probe_id if attached else board_key(port)
    return SerialRig(port, board.uart.baud, choose_flasher(board, attached, flasher, port, probe_id), key)


def _rig_or_complaint(board: Board, attached: AttachedBoard, flasher: FlashMethod) -> SerialRig | BoardError:
    """One that cannot be used hides no other."""
    try:
        return _rig(board, attached, "auto", flasher, None)
    except BoardError as error:
        return error


def _port_of(board: Board, attached: AttachedBoard) -> str:
    if attached.serial_port is None:
        raise BoardError("the attached board shows no serial port", where=board.name, advice="name it: --link PORT")
    return attached.serial_port


def _check_port(port: str) -> None:
    """What a file system knows of a port; on others than POSIX ports are no files."""
    if not port:
        raise ConfigError("no port is named", where="link", advice="virtual, auto, or a serial port")
    if not port.startswith("/"):  # COM3, or a port of another machine
        return
    deadline = deadline_in(_APPEARS_S)  # a board that has just been flashed may still be on its way back
    while not Path(port).is_char_device():
        if time.monotonic() < deadline:
            time.sleep(_POLL_S)
            continue
        what = "is no serial port" if Path(port).exists() else "there is no such port"
        raise BoardNotFound(what, where=port, advice="`tinynas boards detect` lists ports; `--link auto` finds one")
