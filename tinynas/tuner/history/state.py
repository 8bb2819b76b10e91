"""The saved state of a tuner: plain JSON data, exact, and checked when read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinynas.tuner.checks import StateError
from tinynas.tuner.config import Sense
from tinynas.tuner.history.history import History
from tinynas.tuner.history.observation import Observation
from tinynas.tuner.space import Categorical, PointCode, Space

__all__ = ["Saved", "read_file", "read_state", "write_file", "write_state"]

FORMAT = 2
# More points than this were never asked for; a larger count would only make replays run out of memory.
MOST_ASKED = 10_000_000
# Seeds are drawn with 32 bits; those of users may be longer, but not without end.
MOST_SEED = 2**128


class Saved:
    """What has a state of JSON types can be saved to a file and loaded from it."""

    def state_dict(self) -> dict[str, Any]:
        """The state, as plain JSON data."""
        raise NotImplementedError

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state, in place of what is known."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict` to a JSON file, whole or not at all."""
        write_file(path, self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Take up the state that another one with the same arguments saved.

        Raises:
            StateError: If the file is not JSON, or `load_state_dict` refuses what it holds.
            OSError: If it cannot be read.
        """
        self.load_state_dict(read_file(path))


def write_state(history: History, seed: int) -> dict[str, Any]:
    """Put a tuner's state in JSON types. Floats survive JSON bit by bit (their shortest representation is exact)."""
    names = history.constraint_names
    return {
        "format": FORMAT,
        "space": _fingerprint(history.space),
        "conditions": history.space.conditions.plain(),
        "seed": seed,
        "sense": _sense(history.senses),
        "asked": history.asked,
        "constraint_names": None if names is None else list(names),
        "observations": [_record(told) for told in history.observations],
        "pending": [_plain(code) for code in history.pending],
    }


def read_state(space: Space, senses: tuple[Sense, ...], state: Any) -> tuple[int, History]:
    """Check a state and take it apart.

    Returns:
        The seed, and what was told and asked.

    Raises:
        StateError: If the state is of another space, sense or format, or damaged.
    """
    if not isinstance(state, Mapping) or state.get("format") != FORMAT:
        raise StateError("not a saved state of a tuner, or one of another format", where="state:format")
    if state.get("space") != _fingerprint(space) or state.get("conditions") != space.conditions.plain():
        raise StateError("the state belongs to another search space", where="state:space")
    if state.get("sense") != _sense(senses):
        raise StateError(f"the state belongs to a search that does not {_sense(senses)}", where="state:sense")
    history = History(space, senses)
    try:
        seed, history.asked = _whole(state["seed"]), _whole(state["asked"])
        names = state.get("constraint_names")
        history.constraint_names = None if names is None else tuple(map(str, names))
        for item in state["observations"]:
            history.add(_observation(history, item))
        # Last, because what is told is pending no longer.
        history.pending = [_code(space, point) for point in state["pending"]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise StateError(f"the state is damaged: {error!r}", where="state") from error
    if not 0 <= history.asked <= MOST_ASKED or not 0 <= seed <= MOST_SEED:
        raise StateError(
            f"the state is damaged: asked must lie in [0, {MOST_ASKED}], and seed in [0, 2^128]", where="state"
        )
    return seed, history


def write_file(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a state as JSON; the file is complete or, after a crash, still the old one."""
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(state, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def read_file(path: str | os.PathLike[str]) -> Any:
    """Read what `write_file` wrote.

    Raises:
        StateError: If the file is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StateError(f"not a saved state of a tuner: {error}", where=str(path)) from error


def _sense(senses: tuple[Sense, ...]) -> str | list[str]:
    return senses[0] if len(senses) == 1 else list(senses)


def _record(told: Observation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "point": _plain(told.code),
        "values": None if told.values is None else list(told.values),
    }
    if told.constraints:
        record["constraints"] = list(told.constraints)
    if told.fidelity != 1.0:
        record["fidelity"] = told.fidelity
    return record


def _observation(history: History, item: Mapping[str, Any]) -> Observation:
    values = item["values"]
    numbers = None if values is None else tuple(_finite(value) for value in values)
    if numbers is not None and len(numbers) != len(history.senses):
        raise ValueError(f"{values!r} has the wrong number of objectives")
    constraints = tuple(_finite(value) for value in item.get("constraints", ()))
    fidelity = _finite(item.get("fidelity", 1.0))
    if not 0 < fidelity <= 1:
        raise ValueError(f"{fidelity!r} is no fidelity")
    return Observation(_code(history.space, item["point"]), numbers, constraints, fidelity)


def _plain(code: PointCode) -> list[Any]:
    return [list(part) if isinstance(part, tuple) else part for part in code]


def _code(space: Space, point: Sequence[Any]) -> PointCode:
    if len(point) != len(space.names):
        raise ValueError(f"{point!r} has the wrong number of parameters")
    code: list[Any] = []
    for part, (name, kind, columns, size, _) in zip(point, _fingerprint(space), strict=True):
        if part is None:
            code.append(None)
            continue
        if kind == "Multivariate":
            code.append(tuple(map(_finite, part)))
            sound = len(code[-1]) == columns
        elif kind == "Float":
            code.append(_finite(part))
            sound = True
        else:
            code.append(_whole(part))
            # Integers outside their range can be told, but all must have coordinates.
            sound = math.isfinite(float(part)) if kind == "Integer" else 0 <= code[-1] < size
        if not sound:
            raise ValueError(f"{part!r} is no value of '{name}'")
    if [place for place, part in enumerate(code) if part is None] != sorted(space.conditions.absent(code)):
        raise ValueError(f"{point!r} does not have the parameters of a point")
    return tuple(code)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not an integer")
    return value


def _finite(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"{value!r} is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


def _fingerprint(space: Space) -> list[list[Any]]:
    # What a saved state must agree with: names, kinds, sizes and categories in their order.
    return [
        [p.name, type(p).__name__, p.columns, p.size, [*map(_label, p.values)] if isinstance(p, Categorical) else None]
        for p in space.parameters
    ]


def _label(category: Any) -> str:
    if category is None or isinstance(category, str | int | float | tuple | np.generic):
        return str(category)
    # Other objects are often shown with their address, which changes from one process to the next.
    return str(getattr(category, "__qualname__", type(category).__qualname__))
