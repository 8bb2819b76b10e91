"""What a device under test answers, taken apart: pure functions from lines to values."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from zlib import crc32

from tinynas.errors import ProtocolError
from tinynas.hil.dut.answers import DutInfo, DutInput, DutMemory, Inference, PathStep

__all__ = [
    *("checked", "inference", "info_in", "input_in", "memory_in", "one", "operators_in", "output_in", "push_in"),
    *("plain", "shown", "timestamp_in", "untimed_inference"),
]

_CRC = re.compile(r"m-crc-\[([0-9a-f]{8})\]")


def checked(question: str, lines: Sequence[str]) -> list[str] | None:
    """The lines of a reply without its checksum; None where that is missing, or is not theirs.

    Args:
        question: The command, without `%`.
        lines: The lines of the reply, without their ends.
    """
    match = _CRC.fullmatch(lines[-1]) if lines else None
    if match is None:
        return None
    whole = list(lines[:-1])
    return whole if _crc_of(question, whole) == int(match[1], 16) else None


def _crc_of(question: str, lines: Sequence[str]) -> int:
    return crc32("".join([question, *(f"{line}\r\n" for line in lines)]).encode("ascii"))


def one(lines: Sequence[str], pattern: str, where: str) -> str:
    """The group of the one line that matches a pattern as a whole.

    Raises:
        ProtocolError: No line matches, or several do.
    """
    found = [match[1] for line in lines if (match := re.fullmatch(pattern, line))]
    if len(found) != 1:
        raise ProtocolError(f"expected one line like {pattern!r}, got {shown(lines)}", where=where)
    return found[0]


def _pairs(lines: Sequence[str], name: str, where: str) -> dict[str, str]:
    """The values of a line `m-name-[key=value,...]`."""
    text = one(lines, rf"m-{name}-\[([^\]]*)\]", where)
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _number(values: Mapping[str, str], key: str, where: str) -> int:
    """A decimal number among the values.

    Raises:
        ProtocolError: It is not there, or is no number.
    """
    text = values.get(key)
    if text is None or not re.fullmatch(r"\d{1,20}", text):
        raise ProtocolError(f"{key} should be a number, is {text!r}", where=where)
    return int(text)


def _word(values: Mapping[str, str], key: str, where: str) -> str:
    """A text among the values.

    Raises:
        ProtocolError: It is not there, or is empty.
    """
    if not values.get(key):
        raise ProtocolError(f"{key} is missing", where=where)
    return values[key]


def info_in(lines: Sequence[str], where: str) -> DutInfo:
    """What `x-info` answers.

    Raises:
        ProtocolError: A figure is missing or is none.
    """
    values = _pairs(lines, "info", where)
    return DutInfo(
        board=_word(values, "board", where),
        clock_hz=_number(values, "clock_hz", where),
        icache=bool(_number(values, "icache", where)),
        dcache=bool(_number(values, "dcache", where)),
        engine=_word(values, "engine", where),
        model=_word(values, "model", where),
        image=_word(values, "image", where),
        input_bytes=_number(values, "input", where),
        output_bytes=_number(values, "output", where),
    )


def memory_in(lines: Sequence[str], where: str) -> DutMemory:
    """What `x-mem` answers.

    Raises:
        ProtocolError: A figure is missing or is none.
    """
    values = _pairs(lines, "mem", where)
    return DutMemory(
        static_bytes=_number(values, "static", where),
        arena_bytes=_number(values, "arena", where),
        stack_bytes=_number(values, "stack", where),
        stack_limit_bytes=_number(values, "stack_limit", where),
        inferences=_number(values, "inferences", where),
    )


def push_in(lines: Sequence[str], where: str) -> PathStep:
    """What `x-push` answers.

    Raises:
        ProtocolError: A figure is missing or is none.
    """
    values = _pairs(lines, "push", where)
    numbers = [struct.unpack(">f", _hex(values, key, where).to_bytes(4, "big"))[0] for key in ("vx", "vy", "x", "y")]
    cycles, fresh = _number(values, "cycles", where), bool(_number(values, "fresh", where))
    return PathStep(cycles, fresh, (numbers[0], numbers[1]), (numbers[2], numbers[3]))


def input_in(lines: Sequence[str], where: str) -> DutInput:
    """What `x-in` answers.

    Raises:
        ProtocolError: A figure is missing or is none.
    """
    values = _pairs(lines, "in", where)
    address, crc = (_hex(values, key, where) for key in ("at", "crc"))
    return DutInput(address, _number(values, "bytes", where), crc)


def _hex(values: Mapping[str, str], key: str, where: str) -> int:
    text = values.get(key, "")
    if not re.fullmatch("[0-9a-f]{8}", text):
        raise ProtocolError(f"{key} should be 8 hex digits, is {text!r:.40}", where=where)
    return int(text, 16)


def timestamp_in(lines: Sequence[str], where: str) -> int:
    """Microseconds that `timestamp` answers.

    Raises:
        ProtocolError: There is no such line.
    """
    return int(one(lines, r"m-lap-us-(\d{1,20})", where))


def operators_in(lines: Sequence[str], where: str) -> tuple[int, ...]:
    """Cycles that `x-ops` answers.

    Raises:
        ProtocolError: There is no such line.
    """
    text = one(lines, r"m-ops-\[([\d,]*)\]", where)
    return tuple(int(cycles) for cycles in text.split(",") if cycles)


def output_in(lines: Sequence[str], where: str) -> bytes:
    """The bytes that `x-out` answers.

    Raises:
        ProtocolError: There is no such line.
    """
    return bytes.fromhex(one(lines, r"m-out-\[((?:[0-9a-f]{2})*)\]", where))


def inference(lines: Sequence[str], count: int, warmup: int, where: str) -> Inference:
    """The two laps and the results of `infer`.

    Args:
        lines: The reply.
        count: Timed inferences that were asked for.
        warmup: The untimed ones before them.
        where: The link.

    Raises:
        ProtocolError: Lines are missing, or say what cannot be.
    """
    laps = _laps(lines)
    if len(laps) != 2 or laps[1] < laps[0]:
        raise ProtocolError(f"expected two laps in ascending order, got {shown(lines)}", where=where)
    return Inference(count, laps[1] - laps[0], _results(lines, count, warmup, where))


def untimed_inference(lines: Sequence[str], count: int, warmup: int, where: str) -> tuple[float, ...]:
    """The results of `infer` from MLPerf Tiny's energy build, which tells no times. See `inference`."""
    if _laps(lines):
        raise ProtocolError(f"an energy build tells no times, got {shown(lines)}", where=where)
    return _results(lines, count, warmup, where)


def _laps(lines: Sequence[str]) -> list[int]:
    return [int(match[1]) for line in lines if (match := re.fullmatch(r"m-lap-us-(\d{1,20})", line))]


def _results(lines: Sequence[str], count: int, warmup: int, where: str) -> tuple[float, ...]:
    ran = one(lines, r"m-warmup-start-(\d{1,9})", where), one(lines, r"m-infer-start-(\d{1,9})", where)
    if ran != (str(warmup), str(count)):
        raise ProtocolError(f"the board did not run {warmup} and {count} inferences: {shown(lines)}", where=where)
    text = one(lines, r"m-results-\[([^\]]*)\]", where)
    try:
        return tuple(float(value) for value in text.split(",") if value)
    except ValueError as error:
        raise ProtocolError(f"results that are no numbers: {text!r:.80}", where=where) from error


def plain(text: str) -> str:
    """Text from a board that does no harm to a terminal: what is not printed becomes a question mark."""
    return "".join(c if c.isprintable() else "?" for c in text)


def shown(lines: Sequence[str]) -> str:
    """Lines for an error message, shortened."""
    return f"'{plain(' | '.join(lines)):.200}'" if lines else "nothing"
