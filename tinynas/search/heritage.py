"""Whose weights a candidate's training begins with, up to its first rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tinynas.network import Architecture, share_of_weights
from tinynas.study import Trial

__all__ = ["find_donor"]

_IN_COMMON = ("family", "window", "channels", "outputs", "symmetry")


def find_donor(trial: Trial, known: Iterable[Trial]) -> Trial | None:
    """The trial that a candidate inherits from: the most similar network that was trained from scratch.

    A training that has itself inherited gives nothing on, so that no candidate has more than one training behind it,
    however late it comes.

    Args:
        trial: The candidate.
        known: The search's trials, as they last came to rest.

    Returns:
        Of the same family, frame and window; among equally similar ones the most advanced, then the first. None: there
        is none.
    """
    own = _read(trial)
    ranked = [
        (share_of_weights(own, _read(other)), len(other.rungs), -other.id, other)
        for other in known
        if other.id != trial.id and _gives(other) and _sees(other) == _sees(trial)
    ]
    share, *_, donor = max(ranked, key=lambda one: one[:3], default=(0.0, None))
    return donor if share > 0 else None


def _gives(trial: Trial) -> bool:
    """Whether a trial has weights of a training from scratch."""
    scratch = len(trial.rungs) > (trial.inherits_from is not None)
    return scratch and trial.final_of is None and trial.duplicate_of is None and "checkpoint" in trial.artefacts


def _sees(trial: Trial) -> tuple[Any, ...]:
    return (trial.params or {}).get("frame"), *(trial.architecture.get(name) for name in _IN_COMMON)


def _read(trial: Trial) -> Architecture:
    return _built(_Fields(trial.key, trial.architecture))


class _Fields:
    """An architecture's fields, hashed by its key."""

    def __init__(self, key: str, fields: Mapping[str, Any]) -> None:
        self.key, self.fields = key, fields

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Fields) and other.key == self.key


@lru_cache(maxsize=1024)
def _built(fields: _Fields) -> Architecture:
    """The network; its graph, once made, is kept with it."""
    return Architecture.from_dict(fields.fields)
