"""Single steps with an attached board: reset it, put an image on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec

from tinynas.board import Board
from tinynas.errors import BoardError, ConfigError
from tinynas.hil.boards.choose import find_port
from tinynas.hil.boards.lock import BoardLock
from tinynas.hil.boards.rig import SerialRig, open_port
from tinynas.hil.dut import Dut, SerialLink, deadline_in
from tinynas.hil.flashers import COMMAND, Flashable, PyocdFlasher, RecoveryCommand

__all__ = ["put_image", "reset_board"]

_IN_USE_S = 10.0
#: The firmware starts in milliseconds; a program that resets a board may come back before the board does.
_STARTS_S = 5.0
_SETTLE_S = 0.2
_STARTED = b"m-init-done"
_METHODS = ("auto", "pyocd", "break")


def reset_board(board: Board, *, link: str = "auto", probe_id: str | None = None, by: str = "auto") -> bool:
    """Reset an attached board.

    Args:
        board: The board.
        link: Its serial port; or "auto".
        probe_id: Serial number of the probe, or its beginning, where several boards are attached.
        by: "pyocd", by the probe; "break", a break on the serial line, upon which DAPLink and ST-LINK reset their
            board; "auto", pyOCD where it is installed, else a break; or "cmd:" and a command, with `{port}` and
            `{probe}`.

    Returns:
        Whether tinynas's firmware said that it has started. Another program says nothing that could be known.

    Raises:
        BoardNotFound: No board that fits is attached, or several are.
        BoardError: It is in use, its port cannot be opened, or pyOCD or the command fails.
        ConfigError: There is no such way, or the board is a virtual one.
        ToolchainMissing: The program is not installed.
    """
    if by not in _METHODS and not by.startswith(COMMAND):
        known = f'{", ".join(_METHODS)}, or {COMMAND}"..."'
        raise ConfigError(f"{by!r} is no way to reset a board", where="--by", advice=known)
    port, key = find_port(board, link, probe_id=probe_id)
    assert board.uart is not None
    with BoardLock(key).held(_IN_USE_S), closing(open_port(port, board.uart.baud)) as opened:
        # A port that was named by hand may belong to an adapter, whose number is no probe's.
        reset = _way(board, by, opened, port, key, key if link == "auto" else probe_id)
        while opened.read(deadline_in(_SETTLE_S)):  # what it said before
            pass
        reset()
        return _starts(opened)


def _way(board: Board, by: str, opened: SerialLink, port: str, key: str, probe_id: str | None) -> Callable[[], None]:
    if by.startswith(COMMAND):
        command = RecoveryCommand(by.removeprefix(COMMAND), port=port, probe_id=key, where="--by")

        def run() -> None:
            if (output := command.run({})) is not None:
                raise BoardError(output, where="--by", advice="try the command by hand; it runs without a shell")

        return run
    known = board.probe is not None and board.probe.pyocd_target is not None
    if by == "pyocd" or (by == "auto" and known and find_spec("pyocd")):
        return PyocdFlasher.of(board, probe_id=probe_id).reset
    return opened.send_break


def _starts(opened: SerialLink) -> bool:
    deadline, heard = deadline_in(_STARTS_S), b""
    while time.monotonic() < deadline and _STARTED not in heard:
        heard = heard[-len(_STARTED) :] + opened.read(deadline)
    return _STARTED in heard


def put_image(rig: SerialRig, image: Flashable) -> bool:
    """Flash an image, and ask the board what it runs.

    Returns:
        Whether the board says that it runs the image. Another firmware than tinynas's says nothing.

    Raises:
        FlashError: It cannot be flashed.
        BoardError: It runs another image; or its port cannot be opened.
    """
    with rig.running(image) as link:
        dut = Dut(link, timeout_s=_STARTS_S)
        try:
            dut.handshake(_STARTS_S)
            found = dut.info().image
        except BoardError:
            return False
    if found != image.image_hash:
        raise BoardError(
            f"the flash holds an image with the CRC {found}, not the {image.image_hash} that was sent",
            where=rig.port,
            advice="flash with pyOCD, which verifies",
        )
    return True
