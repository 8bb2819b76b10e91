"""One trial of a study, with its model: what the pages about a network are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tinynas.errors import TinynasError
from tinynas.report.view import StudyView
from tinynas.study import Study, Trial

if TYPE_CHECKING:
    from tinynas.deploy import ArenaMap, OperatorCost

__all__ = ["TrialView", "arena_of", "costs_of", "read_trial"]


@dataclass(frozen=True, eq=False)
class TrialView:
    """One trial at one moment.

    Attributes:
        study: Its study.
        trial: The trial.
        model: Its .tflite; None before the conversion, or where the file is missing or damaged.
        recordings: Paths over the test recordings, as `StudyView.recordings`; only the best network has any.
    """

    study: StudyView
    trial: Trial
    model: bytes | None
    recordings: tuple[Mapping[str, Any], ...] = ()

    @property
    def engine(self) -> str:
        """The runtime that its costs are those of."""
        return str((self.trial.measurement or {}).get("engine") or "tflm")


def read_trial(view: StudyView, study: Study, trial: Trial) -> TrialView:
    """Read a trial's model.

    Args:
        view: The study, read.
        study: The same study, open.
        trial: The trial.
    """
    model = None
    with contextlib.suppress(TinynasError, KeyError):
        model = study.artefact(trial.artefacts["tflite"])
    is_best = view.best is not None and view.best.id == trial.id
    return TrialView(view, trial, model, view.recordings if is_best else ())


def arena_of(one: TrialView) -> ArenaMap | None:
    """What lies where in the arena of a trial's model; None where the model is not known, or not read."""
    optimised = (one.trial.measurement or {}).get("kernels") == "cmsis_nn"
    return None if one.model is None else _arena(one.model, one.engine, optimised)


def costs_of(one: TrialView) -> list[OperatorCost]:
    """What each operator of a trial's model computes and holds; empty where the model is not known, or not read."""
    return [] if one.model is None else list(_costs(one.model, one.engine))


# Models do not change, and a dashboard asks again and again.
@lru_cache(maxsize=16)
def _arena(model: bytes, engine: str, optimised: bool) -> ArenaMap | None:
    from tinynas.cost import scratch_buffers
    from tinynas.deploy import Model, map_arena

    read = Model(model)
    with contextlib.suppress(TinynasError):
        return map_arena(read, engine, tuple(scratch_buffers(read.graph)) if optimised else ())
    return None


@lru_cache(maxsize=16)
def _costs(model: bytes, engine: str) -> tuple[OperatorCost, ...]:
    from tinynas.deploy import Model, operator_costs

    with contextlib.suppress(TinynasError):
        return tuple(operator_costs(Model(model), engine))
    return ()
