"""One recording in words: the network's errors beside those of standing still and of a compass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinynas.report.view import number_at
from tinynas.report.words import NONE, number, signed

__all__ = ["RULERS", "describe_errors", "judge"]

#: Names of the baselines, as a study keeps them, and in words.
RULERS = {"zero": "standing still", "mean": "the training mean", "compass": "a compass"}

_REVERSED_DEG = 135.0
_TURNED_DEG = 30.0
_SPEED_SHARE = 0.15


def judge(row: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a recording as a whole: reversed, turned, slow or fast; None if nothing is.

    Args:
        row: Metrics of a recording, as a study keeps them.

    Example:
        >>> judge({"direction_mean_deg": -174.0})
        'reversed'
    """
    direction, speed = number_at(row, "direction_mean_deg"), number_at(row, "speed_mean_m_s")
    true = number_at(row, "rulers", "zero", "velocity_rmse")
    if direction is not None and abs(direction) >= _REVERSED_DEG:
        return "reversed"
    if direction is not None and abs(direction) >= _TURNED_DEG:
        return f"turned by {signed(direction)} degrees"
    if speed is not None and true and abs(speed) >= _SPEED_SHARE * true:
        return "too slow" if speed < 0 else "too fast"
    return None


def describe_errors(row: Mapping[str, Any]) -> str:
    """Errors of the network on a recording, with those of standing still and of a compass in brackets.

    Args:
        row: Metrics of a recording, as a study keeps them.

    Example:
        >>> row = {"joint": 0.15, "rulers": {"zero": {"velocity_rmse": 0.8}}, "ate_m": None, "rte_m": None}
        >>> describe_errors(row)
        '0.150 m/s (standing still 0.800)'
    """
    parts = [_beside(row, "joint", "velocity_rmse", "", " m/s", 3)]
    parts += [
        _beside(row, key, key, f"{name} ", unit, digits)
        for key, name, unit, digits in (("ate_m", "ATE", " m", 1), ("rte_m", "RTE", " m", 1))
        if number_at(row, key) is not None
    ]
    if (drift := number_at(row, "drift_percent")) is not None:
        parts.append(f"drift {drift:.1f} % of the way")
    speed, spread = number_at(row, "speed_mean_m_s"), number_at(row, "speed_spread_m_s")
    if speed is not None and spread is not None:
        parts.append(f"speed {signed(speed, 2)} \N{PLUS-MINUS SIGN} {spread:.2f} m/s")
    direction, spread = number_at(row, "direction_mean_deg"), number_at(row, "direction_spread_deg")
    if direction is not None and spread is not None:
        parts.append(f"direction {signed(direction)} \N{PLUS-MINUS SIGN} {spread:.0f} degrees")
    if (yaw := number_at(row, "yaw_drift_deg")) is not None:
        parts.append(f"the frame's yaw drifts by {yaw:.0f} degrees")
    text = "; ".join(parts)
    return f"{text}: {verdict}" if (verdict := judge(row)) else text


def _beside(row: Mapping[str, Any], key: str, ruler_key: str, name: str, unit: str, digits: int) -> str:
    value = number_at(row, key)
    text = f"{name}{number(value, digits)}{unit if value is not None else ''}"
    others = [
        f"{RULERS[ruler].removeprefix('a ')} {number(found, digits)}"
        for ruler in ("zero", "compass")
        if (found := number_at(row, "rulers", ruler, ruler_key)) is not None
    ]
    return f"{text} ({', '.join(others)})" if others and text != NONE else text
