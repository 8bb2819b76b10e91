"""Standard input to a board, and what it says to standard output."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinynas.hil.dut import Link

__all__ = ["talk"]

#: After the end of the input, a board that says nothing for so long has said all.
_QUIET_S = 2.0


def talk(link: Link, prepare: Callable[[bytes], bytes], show: Callable[[bytes], bytes] = bytes) -> None:
    """Until the input ends and the board has fallen silent.

    Args:
        link: To the board.
        prepare: From a line of the input to what is sent.
        show: From what arrives to what is printed.

    Raises:
        BoardError: The board is gone.
    """
    from tinynas.errors import BoardError
    from tinynas.hil.dut import deadline_in

    ended, failed = threading.Event(), list[BoardError]()

    def forward() -> None:
        try:
            for line in sys.stdin.buffer:
                link.write(prepare(line))
        except BoardError as error:
            failed.append(error)
        ended.set()

    threading.Thread(target=forward, daemon=True).start()
    while (data := link.read(deadline_in(_QUIET_S))) or not ended.is_set():
        sys.stdout.buffer.write(show(data))
        sys.stdout.buffer.flush()
    if failed:
        raise failed[0]
