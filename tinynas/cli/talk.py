"""Standard input to a board, and what it says to standard output."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinynas.hil.dut import Link

__all__ = ["talk"]

#: After the end of the input, a board that owes no reply and says nothing for so long has said all.
_QUIET_S = 2.0
#: One that owes a reply may be starting, or at work.
_PATIENCE_S = 60.0
_READY, _FAULT = b"m-ready\r\n", b"x-fault "


def talk(
    link: Link, prepare: Callable[[bytes], bytes], show: Callable[[bytes], bytes] = bytes, *, owed: int | None = 0
) -> None:
    """Until the input ends and the board has fallen silent.

    Args:
        link: To the board.
        prepare: From a line of the input to what is sent.
        show: From what arrives to what is printed.
        owed: Ends of replies that the board owes before anything is sent: 1 where it starts, and has a banner; each
            command owes one more. None: it speaks another protocol, and owes nothing.

    Raises:
        BoardError: The board is gone.
    """
    from tinynas.errors import BoardError
    from tinynas.hil.dut import deadline_in

    ended, failed = threading.Event(), list[BoardError]()
    commands = 0

    def forward() -> None:
        nonlocal commands
        try:
            for line in sys.stdin.buffer:
                sent = prepare(line)
                commands += sent.count(b"%")
                link.write(sent)
        except BoardError as error:
            failed.append(error)
        ended.set()

    threading.Thread(target=forward, daemon=True).start()
    replies, tail, heard = 0, b"", time.monotonic()
    while (data := link.read(deadline_in(_QUIET_S))) or not ended.is_set() or _waits(owed, commands, replies, heard):
        sys.stdout.buffer.write(show(data))
        sys.stdout.buffer.flush()
        if data:
            heard = time.monotonic()
            tail += data
            replies += tail.count(_READY)
            if _FAULT in tail:
                owed = None  # a core that took a fault answers nothing more
            tail = tail[tail.rfind(b"\n") + 1 :]
    if failed:
        raise failed[0]


def _waits(owed: int | None, commands: int, replies: int, heard: float) -> bool:
    """Whether a reply may still come."""
    return owed is not None and replies < owed + commands and time.monotonic() < heard + _PATIENCE_S
