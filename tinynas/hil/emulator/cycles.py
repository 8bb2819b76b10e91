"""The estimate of time: what a straight run of Thumb code costs.

From tables of cycles an instruction, with perfect prediction of nothing: a branch that is taken costs the refill of the
pipeline. On top come a factor of the core (`cores`) and what reads of flash wait, by `memories`.

What an IT block skips counts as executed.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinynas.hil.emulator.cores import Timing

__all__ = ["block_cost", "has_conditions", "has_floats", "instructions", "is_baseline"]


_OTHER, _LOAD, _STORE = 0, 1, 2


def instructions(code: bytes) -> Iterator[tuple[int, int | None]]:
    """First and second halfword of each instruction; None where it has one."""
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        wide = first >> 11 in (0b11101, 0b11110, 0b11111)
        yield first, int.from_bytes(code[at + 2 : at + 4], "little") if wide else None
        at += 4 if wide else 2


def has_floats(code: bytes) -> bool:
    """Whether there are instructions of the floating-point unit (coprocessors 10 and 11) in a straight run of code."""
    return any(
        second is not None and first & 0xEC00 == 0xEC00 and second & 0x0E00 == 0x0A00
        for first, second in instructions(code)
    )


def is_baseline(code: bytes) -> bool:
    """Whether an Armv6-M has all instructions of a straight run of code; Unicorn executes two of an Armv7-M there."""
    compares = any(first & 0xF500 == 0xB100 for first, _ in instructions(code))  # CBZ, CBNZ
    return not compares and not has_conditions(code)


def has_conditions(code: bytes) -> bool:
    """Whether a straight run of code has an IT block (Armv7-M, A7.7.38)."""
    return any(first >> 8 == 0xBF and first & 0xF for first, _ in instructions(code))


def block_cost(code: bytes, timing: Timing) -> tuple[int, int]:
    """Cycles and number of instructions of a straight run of code, without what a branch at its end adds.

    Args:
        code: Thumb instructions, from the first to the last byte.
        timing: Of the core.
    """
    cycles, count, after_access = 0, 0, False
    for first, second in instructions(code):
        kind, cost = _narrow(first, timing) if second is None else _wide(first, second, timing)
        if kind == _LOAD:
            cost = timing.next_load if after_access else timing.load
        elif kind == _STORE:
            cost = timing.store
        cycles, count, after_access = cycles + cost, count + 1, kind != _OTHER
    return cycles, count


def _narrow(first: int, timing: Timing) -> tuple[int, int]:
    top = first >> 11
    if top == 0b01001:  # LDR, literal
        return _LOAD, 0
    if first >> 12 == 0b0101:  # register offset: three stores, then five loads
        return (_LOAD, 0) if (first >> 9 & 7) > 2 else (_STORE, 1)
    if 0b01100 <= top <= 0b10011:  # immediate offset, stack
        return (_LOAD, 0) if top & 1 else (_STORE, 1)
    if first >> 12 == 0xC:  # STM, LDM
        return _OTHER, _several(first & 0xFF, timing)
    if first & 0xF600 == 0xB400:  # PUSH, POP with one more register
        return _OTHER, _several(first & 0x1FF, timing)
    return _OTHER, 1


def _wide(first: int, second: int, timing: Timing) -> tuple[int, int]:
    if first & 0xFE00 == 0xF800:  # single loads and stores
        return (_LOAD, 0) if first & 0x10 else (_STORE, 1)
    if first & 0xFE40 == 0xE800:
        return _OTHER, _several(second, timing)
    if first & 0xFE40 == 0xE840:  # LDRD, STRD; exclusive accesses; table branches
        return _OTHER, timing.pair if first & 0x0120 else 2
    if first & 0xFF80 == 0xFB00:
        accumulates = first & 0xFFF0 == 0xFB00 and second >> 12 != 15
        return _OTHER, timing.multiply_add if accumulates else 1
    if first & 0xFFD0 == 0xFB90:
        return _OTHER, timing.division
    if first & 0xFE00 == 0xEC00:
        return _float_access(first, second, timing)
    if first & 0xFF00 == 0xEE00 and not second & 0x10:
        return _OTHER, _float(first, second, timing)
    return _OTHER, 1


def _float_access(first: int, second: int, timing: Timing) -> tuple[int, int]:
    if first & 0xFFE0 == 0xEC40:  # two core registers from or to the floating-point unit
        return _OTHER, 2
    if first & 0x0120 == 0x0100:  # VLDR, VSTR
        return (_LOAD, 0) if first & 0x10 else (_STORE, 1)
    return _OTHER, _words(second & 0xFF, timing)


def _float(first: int, second: int, timing: Timing) -> int:
    operation = first & 0xFFB0
    if operation == 0xEE80 or (first & 0xFFBF == 0xEEB1 and second & 0x0FC0 == 0x0AC0):
        return timing.float_division
    return timing.float_multiply_add if operation in (0xEE00, 0xEE10, 0xEE90, 0xEEA0) else 1


def _several(registers: int, timing: Timing) -> int:
    return _words(registers.bit_count(), timing)


def _words(count: int, timing: Timing) -> int:
    return 1 + int(count * timing.word + 0.5)
