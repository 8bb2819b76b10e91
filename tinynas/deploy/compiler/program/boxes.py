"""Boxes of values within arrays, as pieces of a copy."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tinynas.deploy.compiler.program.work import Piece

__all__ = ["pick", "pitches", "put"]


def pitches(shape: Sequence[int]) -> list[int]:
    """Distance of neighbours along each axis of a contiguous array."""
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def put(shape: Sequence[int], start: Sequence[int], target: Sequence[int]) -> Piece:
    """A whole array of a shape, put at a place of a larger one."""
    pitch = pitches(target)
    offset = sum(s * p for s, p in zip(start, pitch, strict=True))
    return Piece(0, tuple(shape), tuple(pitches(shape)), tuple(pitch), 0, offset)


def pick(shape: Sequence[int], picks: Sequence[range]) -> Piece:
    """Positions of an array, packed."""
    pitch, counts = pitches(shape), [len(p) for p in picks]
    offset = sum(p.start * s for p, s in zip(picks, pitch, strict=True))
    strides = tuple(p.step * s for p, s in zip(picks, pitch, strict=True))
    return Piece(0, tuple(counts), strides, tuple(pitches(counts)), offset, 0)
