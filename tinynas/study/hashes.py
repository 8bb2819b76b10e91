"""The hash of a row: what a flipped bit, a bad sector or an editor changed in a study is noticed before it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

__all__ = ["row_hash"]

_DIGITS = 32


def row_hash(table: str, values: Sequence[object]) -> str:
    """Return the hash of a row's values.

    Args:
        table: Where the row is.
        values: In the order of the table's columns, as SQLite returns them, without the hash.

    Example:
        >>> row_hash("document", ["board", "{}"]) == row_hash("document", ["board", "{ }"])
        False
    """
    text = json.dumps([table, *values], ensure_ascii=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
