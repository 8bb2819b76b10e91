"""What a stage writes to where there is no study: the steps of one trial, for the driver to store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study import Trial, TrialState

__all__ = ["Notebook", "Step"]


@dataclass(frozen=True)
class Step:
    """A transition of a trial, and what was learned on the way: the arguments of `Study.advance`.

    Attributes:
        state: The state that the trial enters.
        measurement, metrics, objective, feasible, reason: See `Trial`; None where nothing new is known.
        artefacts: Kind of file to content.
    """

    state: TrialState
    measurement: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    objective: float | None = None
    feasible: bool | None = None
    reason: str | None = None
    artefacts: Mapping[str, bytes] = field(default_factory=dict)


class Notebook:
    """Takes the place of the study in a worker, for one trial at a time.

    Args:
        folder: The study's folder, for messages. It is never touched.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[Step] = []
        self._trial: Trial | None = None
        self._files: dict[str, bytes] = {}

    def open(self, trial: Trial, files: Mapping[str, bytes]) -> None:
        """Begin a page for a trial.

        Args:
            trial: As the study has it.
            files: SHA-256 to content of its artefacts.
        """
        self.steps, self._trial, self._files = [], trial, dict(files)

    def artefact(self, sha256: str) -> bytes:
        """See `Study.artefact`."""
        if sha256 not in self._files:
            raise StudyError(f"the worker was not given the file {sha256[:12]}", where=str(self.folder))
        return self._files[sha256]

    def advance(
        self,
        trial_id: int,
        state: TrialState,
        *,
        measurement: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        objective: float | None = None,
        feasible: bool | None = None,
        reason: str | None = None,
        artefacts: Mapping[str, bytes] | None = None,
    ) -> Trial:
        """Note a transition of the open trial; the driver checks and stores it. See `Study.advance`."""
        trial = self._trial
        if trial is None or trial.id != trial_id:
            raise StudyError(f"the worker was not given trial {trial_id}", where=str(self.folder))
        files = dict(artefacts or {})
        self.steps.append(Step(state, measurement, metrics, objective, feasible, reason, files))
        hashes = {kind: hashlib.sha256(content).hexdigest() for kind, content in files.items()}
        self._files |= {hashes[kind]: content for kind, content in files.items()}
        self._trial = replace(
            trial,
            state=state,
            measurement=trial.measurement if measurement is None else measurement,
            metrics=trial.metrics if metrics is None else {**(trial.metrics or {}), **metrics},
            objective=trial.objective if objective is None else objective,
            feasible=trial.feasible if feasible is None else feasible,
            reason=trial.reason if reason is None else reason,
            artefacts={**trial.artefacts, **hashes},
        )
        return self._trial
