"""Sizes of memories as people write them."""

from __future__ import annotations

__all__ = ["size_text"]


def size_text(size_bytes: int) -> str:
    """Write a size in KiB where it is a whole number of them.

    Example:
        >>> size_text(2048), size_text(2050)
        ('2 KiB', '2050 B')
    """
    return f"{size_bytes // 1024} KiB" if size_bytes % 1024 == 0 else f"{size_bytes} B"
