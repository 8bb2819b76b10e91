"""What there is to read in a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.artefacts import ArtefactStore
from tinynas.study.database import Database
from tinynas.study.documents import load, printable
from tinynas.study.records import best_trial, read_trials
from tinynas.study.table import render, to_frame
from tinynas.study.trial import Trial, TrialState

__all__ = ["Reading"]


class Reading:
    """Documents, trials and files of a study.

    Args:
        folder: Of the study.
        database: Its database.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        self._artefacts = ArtefactStore(folder / "artefacts")

    @property
    def config(self) -> dict[str, Any]:
        """Snapshot of the configuration of the search."""
        return self._document("config")

    @property
    def board(self) -> dict[str, Any]:
        """Description of the board."""
        return self._document("board")

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, seeds, git state."""
        return self._document("provenance")

    @property
    def summary(self) -> dict[str, Any]:
        """What was found out at the end of the search; empty before."""
        return self._document("summary")

    def trials(self) -> list[Trial]:
        """Return all trials in the order of proposal."""
        return self._select("")

    def trial(self, trial_id: int) -> Trial:
        """Return one trial.

        Raises:
            StudyError: There is no trial with this id.
        """
        found = self._select("WHERE id = ?", trial_id)
        if not found:
            raise StudyError(f"there is no trial {trial_id}", where=str(self.folder), advice="ids are 0, 1, 2, ...")
        return found[0]

    def to_dataframe(self) -> Any:
        """Return the trials as a `pandas.DataFrame`, a row each: state, objective, metrics, costs, `params.NAME`.

        Raises:
            StudyError: pandas is not installed (`pip install 'tinynas[pandas]'`).
        """
        return to_frame(self.trials())

    def _repr_html_(self) -> str:
        """What a notebook shows of a study."""
        return render(self.folder.absolute().name, str(self.board.get("name", "?")), self.trials(), self.best())

    def find(self, key: str) -> Trial | None:
        """Return the first trial with this architecture that was scored (done or infeasible), or None."""
        scored = self._select("WHERE key = ? AND state IN ('done', 'infeasible') ORDER BY id LIMIT 1", printable(key))
        return next(iter(scored), None)

    def best(self) -> Trial | None:
        """Return the feasible, finished trial of lowest objective (the first on ties), or its refit; else None."""
        return best_trial(self._database)

    def unfinished(self) -> list[Trial]:
        """Return the trials that are neither in a final state nor paused, in the order of proposal."""
        return [trial for trial in self.trials() if not trial.at_rest]

    def counts(self) -> dict[TrialState, int]:
        """Return how many trials are in each state; states without trials count 0."""
        rows = self._database.read("SELECT state, COUNT(*) AS count FROM trial GROUP BY state")
        return dict.fromkeys(TrialState, 0) | {TrialState(row["state"]): row["count"] for row in rows}

    def artefact(self, sha256: str) -> bytes:
        """Return a stored file by the SHA-256 of its content (`Trial.artefacts` holds it).

        Raises:
            StudyError: The file is missing, or its content is not what was stored.
        """
        return self._artefacts.get(sha256)

    def _document(self, name: str) -> dict[str, Any]:
        rows = self._database.read("SELECT json FROM document WHERE name = ?", name)
        return load(rows[0]["json"] if rows else "", f"{self._database.path}:{name}")

    def _select(self, condition: str, *values: object) -> list[Trial]:
        return read_trials(self._database, condition, *values)
