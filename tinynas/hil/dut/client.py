"""Client of the device-under-test protocol: MLPerf Tiny's commands and this project's `x-` commands."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from zlib import crc32

from tinynas.errors import BoardError, CrcError, LinkTimeout, ProtocolError, TargetFault
from tinynas.hil.dut.answers import DutInfo, DutInput, DutMemory, Inference, PathStep
from tinynas.hil.dut.conversation import TRIES, Conversation
from tinynas.hil.dut.link import Link, deadline_in
from tinynas.hil.dut.replies import (
    inference,
    info_in,
    input_in,
    memory_in,
    one,
    operators_in,
    output_in,
    push_in,
    shown,
    timestamp_in,
    untimed_inference,
)

__all__ = ["CHUNK_BYTES", "Dut"]

#: The reference's command buffer holds 80 characters; `db`, this many bytes as hex and a CRC take 78.
CHUNK_BYTES = 31
#: Ignored between commands, and fewer than what the firmware keeps of a line that it has not read.
_NOISE = b"\n" * 200


class Dut:
    """A device under test at the other end of a link.

    Args:
        link: The link. It stays the caller's.
        timeout_s: Longest wait for a reply.
        infer_timeout_s: The same for `infer` and `x-ops`, which run the model.
        write_memory: Writes bytes to an address of the board's memory, where a probe can while the core sleeps; inputs
            then take that way. None: over the link.
    """

    def __init__(
        self,
        link: Link,
        *,
        timeout_s: float = 5.0,
        infer_timeout_s: float = 60.0,
        write_memory: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self._talk, self._infer_timeout_s = Conversation(link, timeout_s), infer_timeout_s
        self._write_memory = write_memory
        self._info: DutInfo | None = None
        self._inferences = 0

    def handshake(self, timeout_s: float = 10.0, again_s: float | None = None) -> str:
        """Wait until the board answers to `name`, and discard what it said before, such as a banner.

        Args:
            timeout_s: For all of it.
            again_s: Silence after which it is asked again, because a board may not have heard; None: a second at most.

        Returns:
            The vendor's text of `name`.

        Raises:
            LinkTimeout: No answer, or none in the protocol.
            TargetFault: The board reports a fault.
        """
        end, heard, asked, names = deadline_in(timeout_s), "", 0, list[str]()
        silence = min(1.0, timeout_s / 4) if again_s is None else again_s
        self._talk.settle(end)
        while time.monotonic() < end and not names:
            self._talk.link.write(b"name%")
            asked += 1
            try:
                # A banner's `m-ready` may come first. A slow board answers late, to every question that reached it:
                # read on until it has, or until it falls silent.
                while (line := self._talk.line(min(end, deadline_in(silence)))) is not None:
                    heard = line or heard
                    self._talk.raise_fault(line)
                    if match := re.fullmatch(r"m-name-dut-\[([^\]]+)\]", line):
                        names.append(match[1])
                    elif line == "m-ready" and len(names) == asked:
                        break
            except ProtocolError as error:  # noise from before the start
                heard = error.message
        if names:
            self._talk.settle(end)
            return names[-1]
        last = f"; the last it said was {shown([heard])}" if heard else ""
        raise LinkTimeout(
            f"the board does not answer to `name` within {timeout_s:g} s{last}",
            where=self._talk.name,
            advice="press its reset button, check the port and the baud, or flash it again",
        )

    def name(self) -> str:
        """The vendor's text."""
        return one(self._talk.command("name"), r"m-name-dut-\[([^\]]+)\]", self._talk.name)

    def profile(self) -> tuple[str, str]:
        """Text of the firmware, id of the model."""
        lines, where = self._talk.command("profile"), self._talk.name
        return one(lines, r"m-profile-\[([^\]]+)\]", where), one(lines, r"m-model-\[([^\]]+)\]", where)

    def timestamp_us(self) -> int:
        """The board's clock, in microseconds since some time."""
        return self._talk.ask("timestamp", timestamp_in)

    def info(self) -> DutInfo:
        """What runs on the board. It is asked once: the hash of a large image takes the core its time."""
        self._info = self._info or self._talk.ask("x-info", info_in)
        return self._info

    def memory(self) -> DutMemory:
        """Memory of the image, with the high-water mark of the stack.

        Raises:
            BoardError: The board was reset after the last inference, and its mark with it.
        """
        memory = self._talk.ask("x-mem", memory_in)
        if memory.inferences < self._inferences:
            raise BoardError(
                f"the board was reset: it knows of {memory.inferences} inferences, {self._inferences} were asked for",
                where=self._talk.name,
                advice="check its supply",
            )
        return memory

    def load(self, data: bytes) -> None:
        """Upload one input, and have the board say that it holds it.

        A damaged chunk is sent again; where that does not help, everything is.

        Raises:
            ProtocolError: The board does not take it.
            LinkTimeout: No answer.
        """
        if self._write_memory is not None:
            self._write_memory(self._talk.ask("x-in", input_in).address, data)
            self._talk.ask(f"x-in {len(data)} {crc32(data):08x}", input_in)
            return None
        for _ in range(TRIES - 1):
            # A lost or damaged reply leaves open whether the chunk was stored: only a new start is safe.
            with suppress(ProtocolError, LinkTimeout):
                return self._load_once(data)
            if not self._talk.recover():
                break
        return self._load_once(data)

    def infer(
        self,
        count: int,
        warmup: int = 0,
        *,
        interrupted: bool = False,
        timeout_s: float | None = None,
        tries: int = TRIES,
        at_edge: Callable[[], None] | None = None,
    ) -> Inference:
        """Run inferences on the input that was loaded.

        Args:
            count: Timed ones.
            warmup: Untimed ones before them.
            interrupted: Let bytes without meaning arrive meanwhile. An interrupt needs stack, and without any it would
                be chance whether the high-water mark has one.
            timeout_s: Longest wait for all of them; None: that of the constructor.
            tries: How often they may run: where the reply is damaged, all of them run anew.
            at_edge: Called when the line arrives that the board sends right before the first timed inference, and when
                the one does that it sends right after the last: where its trigger pin falls.

        Raises:
            ProtocolError: The board refuses, or its reply is damaged.
            LinkTimeout: It does not come back.
            TargetFault: The core took a fault.
        """

        def understand(lines: Sequence[str], where: str) -> Inference:
            return inference(lines, count, warmup, where)

        timed = self._talk.ask(
            f"infer {count} {warmup}",
            understand,
            timeout_s=self._infer_timeout_s if timeout_s is None else timeout_s,
            noise=_NOISE if interrupted else b"",
            tries=tries,
            heard=None if at_edge is None else _at_edges(at_edge),
        )
        self._inferences += count + warmup
        return timed

    def infer_untimed(self, count: int, warmup: int = 0) -> tuple[float, ...]:
        """Like `infer`, of MLPerf Tiny's energy build, which pulses its trigger pin and tells no times.

        Returns:
            Dequantised outputs of the last inference.
        """

        def understand(lines: Sequence[str], where: str) -> tuple[float, ...]:
            return untimed_inference(lines, count, warmup, where)

        results = self._talk.ask(f"infer {count} {warmup}", understand, timeout_s=self._infer_timeout_s)
        self._inferences += count + warmup
        return results

    def outputs(self) -> bytes:
        """The output tensor's bytes of the last inference.

        Raises:
            ProtocolError: The reply stays damaged.
        """
        return self._talk.ask("x-out", output_in)

    def ops(self) -> tuple[int, ...]:
        """Cycles of each operator in one more inference; the model has to be compiled with hooks."""
        return self._talk.ask("x-ops", operators_in, timeout_s=self._infer_timeout_s)

    def start_path(self, *, primed: bool = False) -> None:
        """Begin a path on a board whose image has one.

        Args:
            primed: With a window that lacks one stride, of what the input holds, so that a stride of samples makes a
                velocity; else with an empty window.

        Raises:
            ProtocolError: The image has no path.
        """
        self._talk.ask(f"x-push {'primed' if primed else 'start'}", push_in)

    def push(self, sample: Sequence[float]) -> PathStep:
        """Give the board's program one sample.

        Args:
            sample: Specific force in m/s2, angular rate in rad/s and magnetic flux density in uT: nine numbers.

        Raises:
            ProtocolError: The path has not begun, or the reply is damaged: whether the sample was taken is not known.
        """
        # Sent once: a sample that is pushed twice is another path.
        return self._talk.ask(f"x-push {struct.pack('>9f', *sample).hex()}", push_in, tries=1)

    def provoke_fault(self) -> TargetFault:
        """Make the core fault and return its report; afterwards the board has to be reset.

        Raises:
            ProtocolError: It lives on.
        """
        try:
            lines = self._talk.command("x-crash")
        except TargetFault as fault:
            return fault
        raise ProtocolError(f"the board answered `x-crash` with {shown(lines)}", where=self._talk.name)

    def _load_once(self, data: bytes) -> None:
        where = self._talk.name
        expecting = one(self._talk.command(f"db load {len(data)}"), r"m-\[Expecting (\d{1,10}) bytes\]", where)
        if int(expecting) != len(data):
            raise ProtocolError(f"the board expects {expecting} bytes instead of {len(data)}", where=where)
        for start in range(0, len(data), CHUNK_BYTES):
            done = "m-load-done" in self._send_chunk(data[start : start + CHUNK_BYTES])
            if done != (start + CHUNK_BYTES >= len(data)):
                state = "ends too early" if done else "does not end"
                raise ProtocolError(f"the upload {state}, at byte {start} of {len(data)}", where=where)
        # Replies to chunks carry no checksum: one that was lost and one too many would pass as none.
        held = self._talk.ask("x-in", input_in)
        if (held.loaded_bytes, held.crc) != (len(data), crc32(data)):
            raise CrcError(f"the board holds another input: {_words(held)}", where=where)

    def _send_chunk(self, chunk: bytes) -> list[str]:
        text = f"db {chunk.hex()} crc {crc32(chunk):08x}"
        for _ in range(TRIES - 1):
            with suppress(CrcError):
                return self._talk.command(text)
        return self._talk.command(text)


def _at_edges(call: Callable[[], None]) -> Callable[[str], None]:
    """Call where timed inferences begin and end, by the lines of `infer`'s reply."""
    expected = ["m-infer-start-", "m-lap-us-"]

    def hear(line: str) -> None:
        if expected and line.startswith(expected[0]):
            del expected[0]
            call()

    return hear


def _words(held: DutInput) -> str:
    return f"{held.loaded_bytes} bytes with the CRC {held.crc:08x}"
