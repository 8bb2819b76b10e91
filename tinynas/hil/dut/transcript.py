"""What goes over a serial line, written down while it goes."""

from __future__ import annotations

import time
from typing import TextIO

from tinynas.hil.dut.link import Link

__all__ = ["RecordedLink"]

_TO, _FROM = "->", "<-"
_END = "\n"
#: What ends a command, and what ends a line of a reply.
_PERCENT, _LINE_FEED = b"%", b"\n"
_MOST_BYTES = 4096


class RecordedLink:
    r"""A link that writes down what passes, a line for each command and each line of a reply.

    A line has the seconds since the link was opened, `->` to the board or `<-` from it, and the text, with what is no
    printable ASCII as `\x1b`.

    Args:
        link: The link; it is closed with this one.
        file: Where to write. It stays the caller's.
    """

    def __init__(self, link: Link, file: TextIO) -> None:
        self.name, self._link, self._file = link.name, link, file
        self._began = time.monotonic()
        self._sent, self._received = bytearray(), bytearray()

    def write(self, data: bytes) -> None:
        """See `Link`."""
        self._link.write(data)
        self._note(_TO, self._sent, data, _PERCENT)

    def read(self, deadline: float) -> bytes:
        """See `Link`."""
        data = self._link.read(deadline)
        self._note(_FROM, self._received, data, _LINE_FEED)
        return data

    def close(self) -> None:
        """See `Link`. What had no end is written down as well."""
        for mark, pending in ((_TO, self._sent), (_FROM, self._received)):
            if pending:
                self._line(mark, bytes(pending))
                pending.clear()
        self._file.flush()
        self._link.close()

    def _note(self, mark: str, pending: bytearray, data: bytes, end: bytes) -> None:
        pending += data
        while end in pending or len(pending) > _MOST_BYTES:
            line, _, rest = bytes(pending[:_MOST_BYTES]).partition(end)
            pending[:] = rest + pending[_MOST_BYTES:]
            self._line(mark, line + (end if end == _PERCENT else b""))

    def _line(self, mark: str, text: bytes) -> None:
        plain = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in text.strip(b"\r\n"))
        self._file.write(f"{time.monotonic() - self._began:10.4f} {mark} {plain}{_END}")
