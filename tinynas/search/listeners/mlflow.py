"""Runs in MLflow: one for the study, and below it one for each trial."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynas.search.listeners.interface import Watched, collect_figures, describe_params
from tinynas.study import Trial, TrialState

__all__ = ["MLflow"]

_STUDY, _TRIAL, _STATE = "tinynas.study", "tinynas.trial", "tinynas.state"
# Older servers take no longer values.
_LONGEST = 500


class MLflow:
    """Writes to a tracking server or data base. A search that is resumed goes on in the same runs.

    Args:
        place: Tracking URI. None: that of MLFLOW_TRACKING_URI, else a data base in the study's folder.
        watched: The search.
    """

    def __init__(self, place: str | None, watched: Watched) -> None:
        # A search tells nobody that it was not told to.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # or it would tell of each table that it makes
        self._client = MlflowClient(place or os.environ.get("MLFLOW_TRACKING_URI") or _data_base(watched.folder))
        self._experiment = self._find_experiment(f"tinynas: {watched.title}")
        self._study = self._find_run({_STUDY: watched.key}) or self._create(watched.name, {_STUDY: watched.key})
        self._client.update_run(self._study, status="RUNNING")
        self._key = watched.key
        self._runs: dict[int, str] = {}
        self._write_params(self._study, _flatten(watched.config))

    def epoch(self, trial: int, epoch: int, rmse: float) -> None:
        """See `Listener`."""
        if trial in self._runs:
            self._client.log_metric(self._runs[trial], "validation_rmse", rmse, step=epoch)

    def state(self, trial: Trial) -> None:
        """See `Listener`."""
        run = self._run(trial)
        self._client.set_tag(run, _STATE, trial.state.value)
        if not trial.state.is_finished:
            return
        for name, value in collect_figures(trial).items():
            self._client.log_metric(run, name, value)
        if trial.note:
            self._client.set_tag(run, "mlflow.note.content", trial.note[:_LONGEST])
        self._client.set_terminated(run, "FAILED" if trial.state is TrialState.FAILED else "FINISHED")
        del self._runs[trial.id]

    def close(self, summary: Mapping[str, Any] | None) -> None:
        """See `Listener`."""
        for run in self._runs.values():
            self._client.set_terminated(run, "KILLED")
        if summary is not None:
            best = summary.get("best_trial")
            figures = {f"test_{name}": value for name, value in (summary.get("test") or {}).items()}
            for name, value in {"best_trial": best, "seconds": summary.get("seconds"), **figures}.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    self._client.log_metric(self._study, name, float(value))
        self._client.set_terminated(self._study, "KILLED" if summary is None else "FINISHED")

    def _run(self, trial: Trial) -> str:
        """The run of a trial: known, found again, or made."""
        if trial.id not in self._runs:
            tags = {"mlflow.parentRunId": self._study, _STUDY: f"{self._key}/{trial.id}", _TRIAL: str(trial.id)}
            found = self._find_run({_STUDY: tags[_STUDY]})
            self._runs[trial.id] = found or self._create(f"trial {trial.id}", tags)
            if found is None:
                self._write_params(self._runs[trial.id], describe_params(trial))
        return self._runs[trial.id]

    def _create(self, name: str, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(self._experiment, tags={**tags, "mlflow.runName": name}, run_name=name)
        return str(run.info.run_id)

    def _write_params(self, run: str, params: Mapping[str, Any]) -> None:
        known = self._client.get_run(run).data.params
        for name, value in params.items():
            if name not in known:  # MLflow refuses to change one, and a resume may have other workers
                self._client.log_param(run, name, str(value)[:_LONGEST])

    def _find_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        return str(self._client.create_experiment(name) if found is None else found.experiment_id)

    def _find_run(self, tags: Mapping[str, str]) -> str | None:
        wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        found = self._client.search_runs([self._experiment], wanted, max_results=1)
        return str(found[0].info.run_id) if found else None


def _data_base(folder: Path) -> str:
    return f"sqlite:///{folder.absolute() / 'mlflow.db'}"


def _flatten(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested keys with dots, as the configuration's page has them; what is null is left out."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{above}{name}.")
        elif value is not None:
            flat[f"{above}{name}"] = value
    return flat
