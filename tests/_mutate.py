"""Mutants of files: what copies, editors, other programs and attackers make of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["mutants"]

# Numbers that break what counts, allocates or rounds.
_NUMBERS = (
    b"0", b"-1", b"1e39", b"-1e308", b"1e999", b"nan", b"inf", b"4294967296", b"18446744073709551616", b"1e-320",
    b"0x10", b"1_000", b"9" * 400, b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 8, b"\x00" * 8,
)  # fmt: skip
_TEXTS = (
    b",", b";", b"\n", b"\r\n", b"\x00", b'"', b"#", b"\xff\xfe", b"\x1b[31m", b"../", b"&a *a", b"!!bool abc", b"- ",
    b": ", b"{", b"[" * 50, b"null", b"~", b"1:30:00", b"\xe2\x80\xa8", b"true", b"}",
)  # fmt: skip


def mutants(content: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Damage a file in many ways.

    Args:
        content: The sound file.
        count: How many mutants.
        seed: Equal seeds give equal mutants.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        mutant = bytearray(content)
        for _ in range(int(rng.choice([1, 1, 1, 2, 4, 16]))):
            _damage(mutant, rng)
        yield bytes(mutant)


def _damage(content: bytearray, rng: np.random.Generator) -> None:
    size = len(content)
    at = int(rng.integers(size + 1))
    span = min(int(rng.integers(1, 9)), size - at)
    match int(rng.integers(8)):
        case 0 if size:
            content[at % size] ^= 1 << int(rng.integers(8))
        case 1 if size:
            content[at % size] = int(rng.integers(256))
        case 2:
            content[at : at + span] = _NUMBERS[int(rng.integers(len(_NUMBERS)))]
        case 3:
            content[at:at] = _TEXTS[int(rng.integers(len(_TEXTS)))]
        case 4:
            del content[at : at + int(rng.integers(1, 65))]
        case 5:
            del content[at:]
        case 6:
            other = int(rng.integers(size + 1))
            content[at:at] = content[other : other + int(rng.integers(1, 257))]
        case _:
            content[at : at + span] = rng.integers(0, 256, span, np.uint8).tobytes()
