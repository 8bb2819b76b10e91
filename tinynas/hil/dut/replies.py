"""What a device under test answers, taken apart: pure functions from lines to values."""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from tinynas.errors import CrcError, ProtocolError, TargetFault

__all__ = [
    *("DutInfo", "DutMemory", "Inference"),
    *("fault_in", "inference", "info_in", "memory_in", "one", "payload", "shown"),
]

_FAULT = re.compile(r"x-fault (?P<kind>\S+)(?P<registers>( [a-z]+=[0-9a-fA-F]{1,8})*)")
#: Bits of the Configurable Fault Status Register (Armv7-M ARM, B3.2.15).
_CFSR = {
    0: "instruction fetch from memory that holds no code",
    1: "access to forbidden memory",
    3: "forbidden access on return from an exception",
    4: "forbidden access while entering an exception: a stack overflow?",
    8: "bus error on an instruction fetch",
    9: "bus error",
    10: "bus error, imprecise",
    11: "bus error on return from an exception",
    12: "bus error while entering an exception: a stack overflow?",
    16: "undefined instruction",
    17: "jump to an address that is no Thumb code",
    18: "damaged exception return",
    19: "use of a disabled coprocessor",
    24: "unaligned access",
    25: "division by zero",
}


@dataclass(frozen=True)
class DutInfo:
    """What runs on the board.

    Attributes:
        board: Name of the board that the image was built for.
        clock_hz: Clock of the core.
        icache: Whether the instruction cache is on.
        dcache: Whether the data cache is on.
        engine: "aot" or "tflm".
        model: Hash of the model.
        image: Hash of the image.
        input_bytes: Bytes of one input.
        output_bytes: Bytes of one output.
    """

    board: str
    clock_hz: int
    icache: bool
    dcache: bool
    engine: str
    model: str
    image: str
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class DutMemory:
    """Memory of the image that runs.

    Attributes:
        static_bytes: .data and .bss, with the arena.
        arena_bytes: The arena within them.
        stack_bytes: High-water mark of the stack since the reset.
        stack_limit_bytes: Room of the stack.
    """

    static_bytes: int
    arena_bytes: int
    stack_bytes: int
    stack_limit_bytes: int


@dataclass(frozen=True)
class Inference:
    """Timed inferences on one input.

    Attributes:
        count: How many.
        elapsed_us: From before the first to after the last.
        results: Dequantised outputs of the last.
    """

    count: int
    elapsed_us: int
    results: tuple[float, ...]

    @property
    def latency_us(self) -> float:
        """Mean time of one inference, in microseconds."""
        return self.elapsed_us / self.count


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
    )


def payload(lines: Sequence[str], where: str) -> bytes:
    """The bytes of `m-out-[hex]`, checked against `m-crc-[...]`.

    Raises:
        CrcError: They do not fit together, or a digit was lost.
        ProtocolError: One of the lines is missing.
    """
    digits = one(lines, r"m-out-\[([^\]]*)\]", where)
    checksum = one(lines, r"m-crc-\[([^\]]*)\]", where)
    try:
        data, expected = unhexlify(digits), int(checksum, 16)
    except ValueError as error:
        raise CrcError(f"damaged digits: {error}", where=where) from error
    if crc32(data) != expected:
        raise CrcError(f"CRC-32 of the output is {crc32(data):08x}, the board said {expected:08x}", where=where)
    return data


def inference(lines: Sequence[str], count: int, where: str) -> Inference:
    """The two laps and the results of `infer`.

    Raises:
        ProtocolError: Lines are missing, or say what cannot be.
    """
    laps = [int(match[1]) for line in lines if (match := re.fullmatch(r"m-lap-us-(\d{1,20})", line))]
    if len(laps) != 2 or laps[1] < laps[0]:
        raise ProtocolError(f"expected two laps in ascending order, got {shown(lines)}", where=where)
    if one(lines, r"m-infer-start-(\d{1,9})", where) != str(count):
        raise ProtocolError(f"the board did not run {count} inferences: {shown(lines)}", where=where)
    text = one(lines, r"m-results-\[([^\]]*)\]", where)
    try:
        results = tuple(float(value) for value in text.split(",") if value)
    except ValueError as error:
        raise ProtocolError(f"results that are no numbers: {text!r:.80}", where=where) from error
    return Inference(count, laps[1] - laps[0], results)


def fault_in(line: str, where: str) -> TargetFault | None:
    """The fault that a line reports, if it does; it may begin in the middle of a line that the fault cut short."""
    match = _FAULT.search(line)
    if not match:
        return None
    texts = dict(pair.split("=") for pair in match["registers"].split())
    registers = {name: int(digits, 16) for name, digits in texts.items()}
    status = registers.get("cfsr", 0)
    reasons = [reason for bit, reason in _CFSR.items() if status >> bit & 1]
    if status >> 7 & 1:
        reasons.append(f"at address 0x{texts.get('mmfar', texts.get('hfar', '?'))}")
    if status >> 15 & 1:
        reasons.append(f"at address 0x{texts.get('bfar', '?')}")
    words = f" ({', '.join(reasons)})" if reasons else ""
    places = " ".join(f"{name}=0x{value}" for name, value in texts.items())
    message = f"the core took a {match['kind']}{words}: {places}"
    return TargetFault(message, where=where, kind=match["kind"], registers=registers)


def shown(lines: Sequence[str]) -> str:
    """Lines for an error message, shortened."""
    text = " | ".join(lines)
    return f"{text!r:.200}" if lines else "nothing"
