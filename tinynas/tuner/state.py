"""The saved state of a tuner: plain JSON data, exact, and checked when read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tinynas.tuner.config import ConfigValueError
from tinynas.tuner.observation import Observation, PointCode
from tinynas.tuner.space import Space

__all__ = ["read_state", "write_state"]

FORMAT = 1


def write_state(
    space: Space,
    seed: int,
    sense: str,
    asked: int,
    observations: Sequence[Observation],
    pending: Sequence[PointCode],
) -> dict[str, Any]:
    """Put a tuner's state in JSON types. Floats survive JSON bit by bit (their shortest representation is exact)."""
    return {
        "format": FORMAT,
        "space": _fingerprint(space),
        "seed": seed,
        "sense": sense,
        "asked": asked,
        "observations": [{"point": _plain(told.code), "value": told.value} for told in observations],
        "pending": [_plain(code) for code in pending],
    }


def read_state(
    space: Space, sense: str, state: Mapping[str, Any]
) -> tuple[int, int, list[Observation], list[PointCode]]:
    """Check a state and take it apart.

    Returns:
        Seed, number of points asked for, observations, pending points.

    Raises:
        ConfigValueError: If the state is of another space, sense or format, or damaged.
    """
    if not isinstance(state, Mapping) or state.get("format") != FORMAT:
        raise ConfigValueError("not a saved state of a tuner, or one of another format", where="state:format")
    if state.get("space") != _fingerprint(space):
        raise ConfigValueError("the state belongs to another search space", where="state:space")
    if state.get("sense") != sense:
        raise ConfigValueError(f"the state belongs to a search that does not {sense}", where="state:sense")
    try:
        seed, asked = int(state["seed"]), int(state["asked"])
        observations = [_observation(space, item) for item in state["observations"]]
        pending = [_code(space, point) for point in state["pending"]]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ConfigValueError(f"the state is damaged: {error!r}", where="state") from error
    if asked < 0 or seed < 0:
        raise ConfigValueError("the state is damaged: negative counts", where="state")
    return seed, asked, observations, pending


def _observation(space: Space, item: Mapping[str, Any]) -> Observation:
    value = _value(item["value"])
    return Observation(_code(space, item["point"]), None if value is None else (value,))


def _plain(code: PointCode) -> list[Any]:
    return [list(part) if isinstance(part, tuple) else part for part in code]


def _code(space: Space, point: Sequence[Any]) -> PointCode:
    if len(point) != len(space.names):
        raise ValueError(f"{point!r} has the wrong number of parameters")
    code: list[Any] = []
    for part, (name, kind, columns, size) in zip(point, _fingerprint(space), strict=True):
        if kind == "Multivariate":
            code.append(tuple(float(x) for x in part))
            sound = len(code[-1]) == columns and all(map(math.isfinite, code[-1]))
        elif kind == "Float":
            code.append(float(part))
            sound = math.isfinite(code[-1])
        else:
            code.append(int(part))
            sound = kind == "Integer" or 0 <= code[-1] < size
        if not sound:
            raise ValueError(f"{part!r} is no value of '{name}'")
    return tuple(code)


def _value(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


def _fingerprint(space: Space) -> list[list[Any]]:
    # What a saved state must agree with: names, kinds and sizes.
    return [[p.name, type(p).__name__, p.columns, p.size] for p in space.parameters]
