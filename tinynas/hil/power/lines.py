"""Lines of text from a meter."""

from __future__ import annotations

from tinynas.errors import ProtocolError
from tinynas.hil.dut import Link

__all__ = ["Lines"]

_MAX_LINE_BYTES = 4096
_BAUD = "check the cable and the baud"


class Lines:
    """Cuts what arrives on a link into lines.

    Args:
        link: The link.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._received = bytearray()

    def next(self, deadline: float) -> str | None:
        """The next line without its end, without NUL and surrounding blanks; None where the deadline passes first.

        Bytes that are no ASCII appear as U+FFFD.

        Raises:
            ProtocolError: A line does not end.
            BoardError: The other side is gone.
        """
        while b"\n" not in self._received:
            if len(self._received) > _MAX_LINE_BYTES:
                raise ProtocolError("a line without end", where=self._link.name, advice=_BAUD)
            data = self._link.read(deadline)
            if not data:
                return None
            self._received += data
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received[:] = rest
        return line.replace(b"\0", b"").decode("ascii", "replace").strip()

    def rest(self) -> bytes:
        """What has arrived behind the last line; it is forgotten."""
        rest = bytes(self._received)
        self._received.clear()
        return rest
