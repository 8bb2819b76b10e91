"""Configurations as studies store them, also those of earlier versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinynas.config.config import Config, config_from_mapping

__all__ = ["config_of_study"]

#: Limits stood beside the weights once.
_LIMITS = {"sram_max_bytes": "sram_bytes", "flash_max_bytes": "flash_bytes", "latency_max_us": "latency_us"}
#: Where trainings paused with a limit of time and without `fidelity.rungs`.
_RUNGS = (0.2, 0.5)
#: What there was no key for, because it was always so: windows in the sensor's own frame, trained on as they are;
#: networks of which nothing is known before their training.
_BEFORE_KEYS: Mapping[tuple[str, str], Any] = {
    ("dataset", "frame"): "body",
    ("training", "augment"): {"yaw": False, "noise": 0.0},
    ("tuner", "promise"): False,
}


def config_of_study(values: Mapping[str, Any], folder: object) -> Config:
    """The configuration that a study was made with, whatever version made it.

    Args:
        values: As stored.
        folder: Of the study, for errors.

    Returns:
        The same search in today's keys: what was fixed then is written out.

    Raises:
        ConfigError: At folder:config:key.

    Example:
        >>> config_of_study({"objective": {"sram_max_bytes": 4096}}, "studies/one").objective.limits.sram_bytes
        4096
        >>> config_of_study({}, "studies/one").dataset.frame
        'body'
    """
    found = {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    objective = found.get("objective")
    if isinstance(objective, dict):
        limits = {new: objective.pop(old) for old, new in _LIMITS.items() if old in objective}
        if limits:
            objective["limits"] = limits
    fidelity = found.get("fidelity")
    if isinstance(fidelity, dict) and fidelity.get("rungs", ()) is None:
        fidelity["rungs"] = list(_RUNGS) if found.get("minutes") is not None else []
    for (section, key), value in _BEFORE_KEYS.items():
        part = found.setdefault(section, {})
        if isinstance(part, dict):
            part.setdefault(key, value)
    return config_from_mapping(found, f"{folder}:config")
