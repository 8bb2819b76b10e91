"""From the name of a flasher to one that knows the board."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from tinynas.board import Board
from tinynas.errors import BoardError, BoardNotFound
from tinynas.hil.boards.discover import AttachedBoard, find_board
from tinynas.hil.dut import Dut, SerialLink
from tinynas.hil.flashers import (
    COMMAND,
    CommandFlasher,
    DriveFlasher,
    Flashable,
    Flasher,
    PyocdFlasher,
    RomFlasher,
    Uf2Flasher,
)

__all__ = ["choose_flasher"]

#: Longest wait for a board that may run the image already.
_ANSWER_S = 2.5


def choose_flasher(
    board: Board, attached: AttachedBoard | None, method: str, port: str, probe_id: str | None
) -> Flasher:
    """The flasher of a name.

    Args:
        board: The board.
        attached: It, where it was recognised.
        method: See `rig_for`.
        port: Its serial port.
        probe_id: As the user named it.

    Raises:
        ConfigError: The board has no such way.
        BoardError: pyOCD's name of the MCU is not known.
    """
    probe = attached.probe_id if attached else probe_id
    if method == "auto":
        mounted = attached is not None and attached.mount_point is not None
        method = "drive" if mounted or not find_spec("pyocd") else "pyocd"
    if method.startswith(COMMAND):
        return CommandFlasher(method.removeprefix(COMMAND), port=port, probe_id=probe)
    if method == "rom":
        return RomFlasher(board, port)
    if method == "uf2":
        return Uf2Flasher(board)
    if method == "pyocd" or attached is None:
        return PyocdFlasher.of(board, probe_id=probe)
    return DriveFlasher(_drive_of(board, attached), runs=_runs(board, port))


def _runs(board: Board, port: str) -> Callable[[Flashable], bool]:
    """Whether the board says that it runs an image; False where it says nothing."""
    assert board.uart is not None
    baud = board.uart.baud

    def runs(image: Flashable) -> bool:
        try:
            link = SerialLink(port, baud)
        except BoardError:
            return False
        try:
            dut = Dut(link, timeout_s=_ANSWER_S)
            dut.handshake(_ANSWER_S)
            return dut.info().image == image.image_hash
        except BoardError:
            return False
        finally:
            link.close()

    return runs


def _drive_of(board: Board, attached: AttachedBoard) -> Callable[[], Path | None]:
    """Where the board's drive is now: usually where it was, else wherever the system has put it."""
    known = [attached.mount_point] if attached.mount_point else []

    def locate() -> Path | None:
        with suppress(OSError):  # a place that is being unmounted says EIO
            if known and any(known[0].iterdir()):
                return known[0]
        try:
            known[:] = [place] if (place := find_board(board, probe_id=attached.probe_id).mount_point) else []
        except BoardNotFound:
            known.clear()
        return known[0] if known else None

    return locate
