"""Client of the device-under-test protocol: MLPerf Tiny's commands and this project's `x-` commands."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from zlib import crc32

from tinynas.errors import CrcError, LinkTimeout, ProtocolError, Refusal, TargetFault
from tinynas.hil.dut.link import Link, deadline_in
from tinynas.hil.dut.replies import (
    DutInfo,
    DutMemory,
    Inference,
    fault_in,
    inference,
    info_in,
    memory_in,
    one,
    payload,
    shown,
)

__all__ = ["Dut"]

#: The reference's command buffer holds 80 characters; `db`, this many bytes as hex and a CRC take 78.
CHUNK_BYTES = 31
#: Ignored between commands, and fewer than what the firmware keeps of a line that it has not read.
_NOISE = b"\n" * 200
_TRIES = 3
_QUIET_S = 0.05
_QUIET_BYTES = 4096
_MAX_REPLY_BYTES = 1 << 20
_CABLE = "check the cable and the ground connection, or lower the board's baud"


class Dut:
    """A device under test at the other end of a link.

    Args:
        link: The link. It stays the caller's.
        timeout_s: Longest wait for a reply.
        infer_timeout_s: The same for `infer` and `x-ops`, which run the model.
    """

    def __init__(self, link: Link, *, timeout_s: float = 5.0, infer_timeout_s: float = 60.0) -> None:
        self._link, self._timeout_s, self._infer_timeout_s = link, timeout_s, infer_timeout_s
        self._info: DutInfo | None = None
        self._received = bytearray()

    def handshake(self, timeout_s: float = 10.0, again_s: float | None = None) -> str:
        """Wait until the board answers to `name`, and discard what it said before, such as a banner.

        Args:
            timeout_s: For all of it.
            again_s: Silence after which it is asked again, for a board may not have heard; None: a second at most.

        Returns:
            The vendor's text of `name`.

        Raises:
            LinkTimeout: No answer, or none in the protocol.
            TargetFault: The board reports a fault.
        """
        end, heard, asked, names = deadline_in(timeout_s), "", 0, list[str]()
        silence = min(1.0, timeout_s / 4) if again_s is None else again_s
        self._settle(end)
        while time.monotonic() < end and not names:
            self._link.write(b"name%")
            asked += 1
            try:
                # A banner's `m-ready` may come first. A slow board answers late, to every question that reached it:
                # read on until it has, or until it falls silent.
                while (line := self._line(min(end, deadline_in(silence)))) is not None:
                    heard = line or heard
                    self._raise_fault(line)
                    if match := re.fullmatch(r"m-name-dut-\[([^\]]+)\]", line):
                        names.append(match[1])
                    elif line == "m-ready" and len(names) == asked:
                        break
            except ProtocolError as error:  # noise from before the start
                heard = error.message
        if names:
            self._settle(end)
            return names[-1]
        last = f"; the last it said was {heard!r:.80}" if heard else ""
        raise LinkTimeout(
            f"the board does not answer to `name` within {timeout_s:g} s{last}",
            where=self._link.name,
            advice="press its reset button, check the port and the baud, or flash it again",
        )

    def name(self) -> str:
        """The vendor's text."""
        return one(self.command("name"), r"m-name-dut-\[([^\]]+)\]", self._link.name)

    def profile(self) -> tuple[str, str]:
        """Text of the firmware, id of the model."""
        lines = self.command("profile")
        return one(lines, r"m-profile-\[([^\]]+)\]", self._link.name), one(
            lines, r"m-model-\[([^\]]+)\]", self._link.name
        )

    def timestamp_us(self) -> int:
        """The board's clock, in microseconds since some time."""
        return int(one(self.command("timestamp"), r"m-lap-us-(\d{1,20})", self._link.name))

    def info(self) -> DutInfo:
        """What runs on the board. It is asked once: the hash of a large image takes the core its time."""
        self._info = self._info or info_in(self.command("x-info"), self._link.name)
        return self._info

    def memory(self) -> DutMemory:
        """Memory of the image, with the high-water mark of the stack."""
        return memory_in(self.command("x-mem"), self._link.name)

    def load(self, data: bytes) -> None:
        """Upload one input. A damaged chunk is sent again; where that does not help, everything is.

        Raises:
            ProtocolError: The board does not take it.
            LinkTimeout: No answer.
        """
        for _ in range(_TRIES - 1):
            # A lost or damaged reply leaves open whether the chunk was stored: only a new start is safe.
            with suppress(ProtocolError, LinkTimeout):
                return self._load_once(data)
            self._recover()
        return self._load_once(data)

    def infer(
        self, count: int, warmup: int = 0, *, interrupted: bool = False, timeout_s: float | None = None
    ) -> Inference:
        """Run inferences on the input that was loaded.

        Args:
            count: Timed ones.
            warmup: Untimed ones before them.
            interrupted: Let bytes without meaning arrive meanwhile. An interrupt needs stack, and without any it would
                be chance whether the high-water mark has one.
            timeout_s: Longest wait for all of them; None: that of the constructor.

        Raises:
            ProtocolError: The board refuses, or its reply is damaged.
            LinkTimeout: It does not come back.
            TargetFault: The core took a fault.
        """
        wait = self._infer_timeout_s if timeout_s is None else timeout_s
        lines = self.command(f"infer {count} {warmup}", wait, noise=_NOISE if interrupted else b"")
        return inference(lines, count, self._link.name)

    def outputs(self) -> bytes:
        """The output tensor's bytes of the last inference. A damaged reply is asked for again.

        Raises:
            ProtocolError: It stays damaged.
        """
        for _ in range(_TRIES - 1):
            with suppress(ProtocolError, LinkTimeout):
                return payload(self.command("x-out"), self._link.name)
            self._recover()
        return payload(self.command("x-out"), self._link.name)

    def ops(self) -> tuple[int, ...]:
        """Cycles of each operator in one more inference; the model has to be compiled with hooks."""
        text = one(self.command("x-ops", self._infer_timeout_s), r"m-ops-\[([\d,]*)\]", self._link.name)
        return tuple(int(cycles) for cycles in text.split(",") if cycles)

    def provoke_fault(self) -> TargetFault:
        """Make the core fault and return its report; afterwards the board has to be reset.

        Raises:
            ProtocolError: It lives on.
        """
        try:
            lines = self.command("x-crash")
        except TargetFault as fault:
            return fault
        raise ProtocolError(f"the board answered `x-crash` with {shown(lines)}", where=self._link.name)

    def command(self, text: str, timeout_s: float | None = None, noise: bytes = b"") -> list[str]:
        """Send a command; return the lines of its reply without `m-ready`.

        Args:
            text: The command without `%`.
            timeout_s: For the whole reply; None: that of the constructor.
            noise: Line ends that arrive while the command is at work.

        Raises:
            LinkTimeout: The reply does not end in time.
            ProtocolError: The board refuses the command, or answers what is no text.
            TargetFault: The board reports a fault.
        """
        wait, lines = self._timeout_s if timeout_s is None else timeout_s, list[str]()
        self._link.write(f"{text}%".encode("ascii") + noise)
        deadline, size = deadline_in(wait), 0
        while (line := self._line(deadline)) is not None:
            if (fault := fault_in(line, self._link.name)) is not None:
                said = [line[3:-1] for line in lines if line.startswith("e-[")]
                message = "; ".join([*said, fault.message])
                raise TargetFault(message, where=fault.where, kind=fault.kind, registers=fault.registers)
            if line == "m-ready":
                return self._accepted(text, lines)
            size += len(line)
            if size > _MAX_REPLY_BYTES:
                raise ProtocolError(f"`{text:.20}` is answered without end", where=self._link.name, advice=_CABLE)
            if line:
                lines.append(line)
        raise LinkTimeout(
            f"`{text:.20}` is not answered within {wait:g} s; so far: {shown(lines)}",
            where=self._link.name,
            advice="reset the board",
        )

    def _accepted(self, text: str, lines: list[str]) -> list[str]:
        for line in lines:
            if line == "e-[crc]":
                raise CrcError(f"`{text:.20}` arrives damaged", where=self._link.name, advice=_CABLE)
            if line.startswith("e-["):
                reason = line[3:-1]
                raise Refusal(f"the board refuses `{text:.20}`: {reason}", where=self._link.name, reason=reason)
        return lines

    def _load_once(self, data: bytes) -> None:
        where = self._link.name
        expecting = one(self.command(f"db load {len(data)}"), r"m-\[Expecting (\d{1,10}) bytes\]", where)
        if int(expecting) != len(data):
            raise ProtocolError(f"the board expects {expecting} bytes instead of {len(data)}", where=where)
        for start in range(0, len(data), CHUNK_BYTES):
            done = "m-load-done" in self._send_chunk(data[start : start + CHUNK_BYTES])
            if done != (start + CHUNK_BYTES >= len(data)):
                state = "ends too early" if done else "does not end"
                raise ProtocolError(f"the upload {state}, at byte {start} of {len(data)}", where=where)

    def _send_chunk(self, chunk: bytes) -> list[str]:
        text = f"db {chunk.hex()} crc {crc32(chunk):08x}"
        for _ in range(_TRIES - 1):
            with suppress(CrcError):
                return self.command(text)
        return self.command(text)

    def _recover(self) -> None:
        """Bring both sides back to question and answer: end a command that was cut short, discard what comes."""
        self._link.write(b"%")
        self._settle(deadline_in(self._timeout_s))

    def _settle(self, end: float) -> None:
        """Discard what arrives until the board falls silent; but a fault's report is heard."""
        discarded = bytes(self._received)
        self._received.clear()
        while time.monotonic() < end and (data := self._link.read(min(end, deadline_in(_QUIET_S)))):
            discarded = discarded[-_QUIET_BYTES:] + data
        for line in discarded.decode("ascii", "replace").splitlines():
            self._raise_fault(line)

    def _line(self, deadline: float) -> str | None:
        """The next line; None where the deadline passes first."""
        while b"\n" not in self._received:
            if len(self._received) > _MAX_REPLY_BYTES:
                raise ProtocolError("a line without end", where=self._link.name, advice=_CABLE)
            data = self._link.read(deadline)
            if not data:
                return None
            self._received += data
            if time.monotonic() > deadline and b"\n" not in self._received:
                return None
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received[:] = rest
        try:
            return line.replace(b"\0", b"").rstrip(b"\r").decode("ascii")
        except UnicodeDecodeError as error:
            raise ProtocolError(
                f"bytes that are no text: {line!r:.80}", where=self._link.name, advice=_CABLE
            ) from error

    def _raise_fault(self, line: str) -> None:
        fault = fault_in(line, self._link.name)
        if fault is not None:
            raise fault
