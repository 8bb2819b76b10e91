"""Question and answer with a board: lines, deadlines, checksums, and what to do where bytes were damaged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from tinynas.errors import BoardError, CrcError, LinkTimeout, ProtocolError, Refusal, TargetFault
from tinynas.hil.dut.faults import fault_in
from tinynas.hil.dut.link import Link, deadline_in
from tinynas.hil.dut.replies import checked, plain, shown

__all__ = ["TRIES", "Conversation"]

Answer = TypeVar("Answer")

#: How often a question is asked whose reply arrives damaged or not at all.
TRIES = 5
#: A board that is silent twice is not there.
_TIMEOUTS = 2
_SETTLE_S = 5.0
_QUIET_S = 0.05
_QUIET_BYTES = 4096
_MAX_REPLY_BYTES = 1 << 20
_TAGS = 1000
_CABLE = "check the cable and the ground connection, or lower the board's baud"


class Conversation:
    """Commands to a board and its replies.

    Args:
        link: The link. It stays the caller's.
        timeout_s: Longest wait for a reply.
    """

    def __init__(self, link: Link, timeout_s: float) -> None:
        self.link, self.timeout_s = link, timeout_s
        self._received = bytearray()
        self._tag = 0

    @property
    def name(self) -> str:
        """What to call the board in an error: its link."""
        return self.link.name

    def ask(
        self,
        text: str,
        understand: Callable[[Sequence[str], str], Answer],
        *,
        timeout_s: float | None = None,
        noise: bytes = b"",
        tries: int = TRIES,
        heard: Callable[[str], None] | None = None,
    ) -> Answer:
        """Send a command whose reply counts; understand the reply once its CRC-32 proves it whole.

        The CRC covers the command as the board read it, which ends in a number of its own: neither a damaged command
        nor the late reply to an earlier one passes.

        Args:
            text: The command without `%`.
            understand: Takes the lines of the reply and the link's name.
            timeout_s: For each reply; None: that of the constructor.
            noise: Line ends that arrive while the command is at work.
            tries: How often to ask where the reply is damaged or missing.
            heard: Takes each line as it arrives, proved or not.

        Raises:
            LinkTimeout: No reply ends in time.
            CrcError: The replies stay damaged.
            ProtocolError: The board refuses the command, or its whole reply says what cannot be.
            TargetFault: The board reports a fault.
        """
        timeouts = 0
        while True:
            tries -= 1
            self._tag = (self._tag + 1) % _TAGS
            question = f"{text} {self._tag}"
            try:
                whole = checked(question, lines := self.reply(question, timeout_s, noise, heard))
            except (LinkTimeout, ProtocolError) as error:
                timeouts += isinstance(error, LinkTimeout)
                if not tries or timeouts == _TIMEOUTS or not self.recover():
                    raise
            else:
                if whole is not None:
                    return understand(self.accept(text, whole), self.name)
                if not tries:
                    self.accept(text, lines)  # firmware without checksums refuses what it does not know
                    raise CrcError(f"the reply to `{text:.20}` arrives damaged", where=self.name, advice=_CABLE)
                self.recover()

    def command(self, text: str, timeout_s: float | None = None) -> list[str]:
        """Send a command; return the lines of its reply without `m-ready`.

        Raises:
            LinkTimeout: The reply does not end in time.
            ProtocolError: The board refuses the command, or answers what is no text.
            TargetFault: The board reports a fault.
        """
        return self.accept(text, self.reply(text, timeout_s))

    def reply(
        self,
        text: str,
        timeout_s: float | None = None,
        noise: bytes = b"",
        heard: Callable[[str], None] | None = None,
    ) -> list[str]:
        """What a board says to a command, be it a refusal; without `m-ready`. See `ask`.

        Raises:
            LinkTimeout: The reply does not end in time.
            ProtocolError: It is no text, or has no end.
            TargetFault: The board reports a fault.
        """
        wait, lines = self.timeout_s if timeout_s is None else timeout_s, list[str]()
        self.link.write(f"{text}%".encode("ascii") + noise)
        deadline, size = deadline_in(wait), 0
        while (line := self.line(deadline)) is not None:
            if heard is not None:
                heard(line)
            if (fault := fault_in(line, self.name)) is not None:
                raise self._fault(line, fault, lines)
            if line == "m-ready":
                return lines
            size += len(line) + 1
            if size > _MAX_REPLY_BYTES:
                raise ProtocolError(f"`{text:.20}` is answered without end", where=self.name, advice=_CABLE)
            if line:
                lines.append(line)
        raise LinkTimeout(
            f"`{text:.20}` is not answered within {wait:g} s; so far: {shown(lines)}",
            where=self.name,
            advice="reset the board",
        )

    def accept(self, text: str, lines: list[str]) -> list[str]:
        """The lines of a reply that is no refusal.

        Raises:
            CrcError: The board says that the command arrived damaged.
            Refusal: It does not carry the command out.
        """
        for line in lines:
            if line == "e-[crc]":
                raise CrcError(f"`{text:.20}` arrives damaged", where=self.name, advice=_CABLE)
            if line.startswith("e-["):
                reason = plain(line[3:-1])
                raise Refusal(f"the board refuses `{text:.20}`: {reason}", where=self.name, reason=reason)
        return lines

    def recover(self) -> bool:
        """Bring both sides back to question and answer: end a command that was cut short, discard what comes.

        Returns:
            Whether the board fell silent. It is no use to ask one that talks without end.
        """
        self.link.write(b"%")
        return self.settle(deadline_in(min(self.timeout_s, _SETTLE_S)))

    def settle(self, end: float) -> bool:
        """Discard what arrives until the board falls silent; but a fault's report is heard.

        Returns:
            Whether it fell silent before the end.

        Raises:
            TargetFault: The board reports a fault.
        """
        discarded = bytes(self._received)
        self._received.clear()
        silent = False
        while not silent and time.monotonic() < end:
            data = self.link.read(min(end, deadline_in(_QUIET_S)))
            discarded, silent = discarded[-_QUIET_BYTES:] + data, not data
        lines = discarded.decode("ascii", "replace").splitlines()
        for line, following in zip(lines, [*lines[1:], ""], strict=False):
            self.raise_fault(line, following)
        return silent

    def line(self, deadline: float) -> str | None:
        """The next line; None where the deadline passes first, whatever arrives.

        Raises:
            ProtocolError: It is no text, or has no end.
        """
        while b"\n" not in self._received:
            if len(self._received) > _MAX_REPLY_BYTES:
                raise ProtocolError("a line without end", where=self.name, advice=_CABLE)
            data = self.link.read(deadline)
            if not data:
                return None
            self._received += data
        if time.monotonic() > deadline:
            return None
        line, _, rest = self._received.partition(b"\n")
        self._received = rest
        try:
            return line.replace(b"\0", b"").rstrip(b"\r").decode("ascii")
        except UnicodeDecodeError as error:
            raise ProtocolError(
                f"bytes that are no text: {bytes(line[:40])!r}", where=self.name, advice=_CABLE
            ) from error

    def raise_fault(self, line: str, following: str = "") -> None:
        """Raise the fault that a line reports, if it does.

        Raises:
            TargetFault: It does; without registers unless the line after it proves them whole.
        """
        if (fault := fault_in(line, self.name, following)) is not None:
            raise fault

    def _fault(self, line: str, fault: TargetFault, lines: Sequence[str]) -> TargetFault:
        """A fault in the middle of a reply, with its checksum, which comes next, and what the board said before."""
        following: str | None = ""
        with suppress(BoardError):
            following = self.line(deadline_in(self.timeout_s / 4))
        fault = fault_in(line, self.name, following or "") or fault
        said = [plain(line[3:-1]) for line in lines if line.startswith("e-[")]
        message = "; ".join([*said, fault.message])
        return TargetFault(message, where=fault.where, kind=fault.kind, registers=fault.registers)
