"""Strict JSON: what goes into a study comes out equal, or is refused with the place of the mistake."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tinynas.errors import StudyError

__all__ = ["dump", "load", "printable"]


def dump(value: Mapping[str, Any], name: str) -> str:
    """Turn a mapping into strict JSON text (RFC 8259), numpy scalars and arrays included.

    Tuples and arrays become lists. NaN and infinities are refused, because JSON has no word for them and a reader in
    another language would choke: unknown is None, and a training that diverged is a failed trial.

    Args:
        value: A mapping with text keys; values are None, bool, int, float, str, lists, mappings or numpy values.
        name: What the mapping is, for the message ("metrics").

    Raises:
        StudyError: The mapping holds something else; `where` names the key, as in `metrics.error_float`.

    Example:
        >>> dump({"filters": 24, "dilations": (1, 4)}, "architecture")
        '{"filters":24,"dilations":[1,4]}'
        >>> dump({"error": {"x": float("nan")}}, "metrics")
        Traceback (most recent call last):
        ...
        tinynas.errors.StudyError: metrics.error.x: nan is not a number a study can store (use None for unknown)
    """
    if not isinstance(value, Mapping):
        raise StudyError(f"expected a mapping, not {type(value).__name__}", where=name)
    # ASCII only: lone surrogates (undecodable file names) survive as escapes, where UTF-8 would refuse them.
    return json.dumps(_plain(value, name), allow_nan=False, separators=(",", ":"))


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise StudyError(f"the key {key!r} is not text", where=where, advice="JSON keys are text")
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StudyError(
                f"{float(value)} is not a number a study can store", where=where, advice="use None for unknown"
            )
        return float(value)
    tolist = getattr(value, "tolist", None)  # numpy scalars and arrays, without importing numpy
    if callable(tolist):
        return _plain(tolist(), where)
    raise StudyError(f"{type(value).__name__} cannot be stored as JSON", where=where)


def load(text: str, where: str) -> dict[str, Any]:
    """Read a mapping back.

    Raises:
        StudyError: The text is not a JSON object: the database was damaged or edited.
    """
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise StudyError(f"stored JSON is damaged: {error}", where=where) from error
    if not isinstance(value, dict):
        raise StudyError(f"stored JSON is a {type(value).__name__}, not an object", where=where)
    return value


def printable(text: str) -> str:
    """Return the text with what UTF-8 cannot hold (lone surrogates, as in undecodable file names) spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
