"""Intel's hexadecimal object file format, of 32-bit addresses (Intel, 1988)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["intel_hex"]

_DATA, _END, _UPPER = 0, 1, 4
_A_LINE = 16


def intel_hex(address: int, data: bytes) -> str:
    r"""Bytes as text.

    Args:
        address: Of the first.
        data: The bytes.

    Example:
        >>> print(intel_hex(0x0800_0000, b"\x00\x80"), end="")
        :020000040800F2
        :0200000000807E
        :00000001FF
    """
    return "".join(f"{line}\n" for line in _lines(address, data))


def _lines(address: int, data: bytes) -> Iterator[str]:
    upper = None
    at = 0
    while at < len(data):
        here = address + at
        if here >> 16 != upper:
            upper = here >> 16
            yield _line(0, _UPPER, upper.to_bytes(2, "big"))
        size = min(_A_LINE, len(data) - at, 0x10000 - (here & 0xFFFF))
        yield _line(here & 0xFFFF, _DATA, data[at : at + size])
        at += size
    yield _line(0, _END, b"")


def _line(offset: int, kind: int, data: bytes) -> str:
    record = bytes([len(data), *offset.to_bytes(2, "big"), kind]) + data
    return f":{record.hex().upper()}{-sum(record) & 0xFF:02X}"
