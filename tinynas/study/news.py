"""Small files beside a study in which a search at work tells of itself. They are news and no record.

A search reads nothing back from them, a study is whole without them, and they end with the search. Only the driver
writes them.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynas.study.artefacts import refuse_links

__all__ = ["clear_news", "number_or_none", "process_lives", "read_news", "whole_or_none", "write_news"]

# Of a search on another computer nobody can see whether it lives, only when it last wrote.
_SILENT_S = 600.0
_MOST_BYTES = 4_000_000


def write_news(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file of news. A disk that does not take it is no reason to stop: then there is none.

    Args:
        path: The file, in the study's folder.
        content: What to tell, as JSON values; who writes, and when, is added.
    """
    signed = {"pid": os.getpid(), "host": socket.gethostname(), "written": time.time(), **content}
    part = path.with_name(f"{path.name}.part")
    with contextlib.suppress(OSError, ValueError):
        part.unlink(missing_ok=True)  # SQLite's rule here, too: no link is followed
        part.write_text(json.dumps(signed, allow_nan=False), "utf-8")
        part.replace(path)


def clear_news(path: Path) -> None:
    """Take a file of news away: the search has ended."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def read_news(path: Path) -> dict[str, Any]:
    """What a file of news says; nothing where it is missing, damaged, or left by a search that was killed.

    Args:
        path: The file.
    """
    try:
        refuse_links(path)
        if path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_bytes())
    except Exception:  # whatever is wrong with it: it is news only
        return {}
    return found if isinstance(found, dict) and _lives(found) else {}


def _lives(found: Mapping[str, Any]) -> bool:
    """Whether the process that wrote the news is still there."""
    written, pid = number_or_none(found.get("written")), whole_or_none(found.get("pid"))
    if written is None or pid is None:
        return False
    if found.get("host") != socket.gethostname() or os.name == "nt":
        return time.time() - written < _SILENT_S
    return process_lives(pid)


def process_lives(pid: int) -> bool:
    """Whether a process of this computer is there; on Windows, where nobody can ask without harm, it is."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it is there, and another user's
    return True


def whole_or_none(value: object) -> int | None:
    """A positive whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def number_or_none(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
