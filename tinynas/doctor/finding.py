"""One line of the examination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "State"]

State = Literal["ok", "missing", "failed"]
"""`missing`: something that only some of the work needs; `failed`: no search runs, or what is there does not work."""


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        area: "python", "images", "desk" or "room".
        name: The thing.
        state: How it is.
        detail: What was found.
        remedy: What to do; None: nothing.
    """

    area: str
    name: str
    state: State
    detail: str
    remedy: str | None = None
