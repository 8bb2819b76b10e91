"""What a network's updates take of a battery: mean power over the time from one update to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinynas.report.view import StudyView, number_at
from tinynas.study import Trial

__all__ = ["describe_power", "read_power"]

_HOURS_A_DAY = 24.0
_US = 1e6


def read_power(view: StudyView, trial: Trial) -> dict[str, float | None]:
    """Return what a trial's network takes on average, with an update every `dataset.evaluation_stride` samples.

    Returns:
        update_s (from one update to the next), mean_power_mw (the supply's: active for the time of an update, idle for
        the rest) and battery_days (on the board's battery). None for what is not known: power and battery are the board
        file's.
    """
    stride, rate = number_at(view.config, "dataset", "evaluation_stride"), number_at(view.summary, "rate_hz")
    latency_us = number_at(trial.measurement, "latency_us")
    found: dict[str, float | None] = {"update_s": stride / rate if stride and rate else None}
    point = _point(view, number_at(trial.measurement, "clock_hz"))
    active, idle = (number_at(point, key) for key in ("active_mw", "idle_mw"))
    mean = days = None
    if found["update_s"] and latency_us is not None and active is not None and idle is not None:
        busy = min(latency_us / (_US * found["update_s"]), 1.0)
        mean = busy * active + (1 - busy) * idle
        battery = number_at(view.board, "battery_mwh")
        days = None if battery is None else battery / mean / _HOURS_A_DAY
    return found | {"mean_power_mw": mean, "battery_days": days}


def describe_power(figures: Mapping[str, Any]) -> str:
    """Say what `read_power` found; empty where the board's power is not known.

    Example:
        >>> describe_power({"update_s": 0.5, "mean_power_mw": 3.9, "battery_days": 7.21})
        '3.90 mW with an update every 0.5 s; a battery lasts 7.2 days'
    """
    mean, update, days = (number_at(figures, key) for key in ("mean_power_mw", "update_s", "battery_days"))
    if mean is None or update is None:
        return ""
    text = f"{mean:.2f} mW with an update every {update:g} s"
    return text if days is None else f"{text}; a battery lasts {days:.1f} days"


def _point(view: StudyView, clock_hz: float | None) -> Mapping[str, Any]:
    """The board's operating point at a clock; empty where it has none."""
    points = view.board.get("operating_points")
    named = points if isinstance(points, Sequence) and not isinstance(points, str) else []
    wanted = number_at(view.board, "clock_hz") if clock_hz is None else clock_hz
    found = (point for point in named if isinstance(point, Mapping) and point.get("clock_hz") == wanted)
    return next(found, {})
