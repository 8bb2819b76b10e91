"""Study: the durable record of one search, and the only way to change it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study.creation import create_study
from tinynas.study.database import Database
from tinynas.study.documents import dump, printable
from tinynas.study.lock import WriterLock
from tinynas.study.reading import Reading
from tinynas.study.records import insert_trial, refer, store_document, update_trial
from tinynas.study.trial import Trial, TrialState, check_feasible, check_objective, check_transition

__all__ = ["Study"]

Document = Mapping[str, Any]


class Study(Reading):
    """A search on disk: configuration, board, provenance, trials and their files.

    Every change is one transaction, durable when the call returns: a killed process loses at most the step it was in.
    One process writes at a time; any number may read. Not for several threads, and not after a fork. `create` and
    `open` make one; `close`, or leaving the `with` block, ends it.

    Example:
        >>> import tempfile
        >>> from tinynas.study import TrialState
        >>> folder = tempfile.mkdtemp() + "/study"
        >>> with Study.create(folder, config={"seed": 1}, board={"name": "nucleo_f446re"}, provenance={}) as study:
        ...     trial = study.propose(params=None, architecture={"filters": 8}, key="8", seed=1)
        ...     study.advance(trial.id, TrialState.COSTED, measurement={"sram_bytes": 9000}).state.value
        'costed'
        >>> with Study.open(folder, readonly=True) as study:
        ...     study.trial(0).measurement
        {'sram_bytes': 9000}
    """

    def __init__(self, folder: Path, database: Database, lock: WriterLock | None) -> None:
        super().__init__(folder, database)
        self._writer_lock = lock

    @classmethod
    def create(cls, folder: str | Path, *, config: Document, board: Document, provenance: Document) -> Study:
        """Make a new study and open it for writing.

        Args:
            folder: Made when missing. May hold other files, but no study; what a killed `create` left is replaced.
            config: Snapshot of the configuration of the search.
            board: Description of the board.
            provenance: Versions, seeds, git state: whatever is needed to repeat the search.

        Raises:
            StudyError: A study is already there, or the folder cannot be written; nothing is left behind then.
        """
        documents = {"config": config, "board": board, "provenance": provenance, "summary": {}}
        texts = {name: dump(document, name) for name, document in documents.items()}
        return cls(Path(folder), *create_study(Path(folder), texts))

    @classmethod
    def open(cls, folder: str | Path, *, readonly: bool = False) -> Study:
        """Open an existing study, for writing unless `readonly`.

        Args:
            folder: The folder `create` made.
            readonly: Refuse changes. Works while another process writes, and on read-only media.

        Raises:
            StudyError: Not a study, damaged, written by a newer tinynas, or in use by another writer.
        """
        folder = Path(folder)
        path = folder / "study.db"
        # Look before locking: locking a folder that is no study would leave a lock file in it.
        lock = WriterLock(folder / "study.lock") if not readonly and path.is_file() else None
        try:
            study = cls(folder, Database(path, readonly=readonly), lock)
        except BaseException:
            if lock:
                lock.release()
            raise
        if lock:
            study._artefacts.sweep()
        return study

    def close(self) -> None:
        """Close the study and let others write. Does nothing the second time."""
        self._database.close()
        if self._writer_lock is not None:
            self._writer_lock.release()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def set_summary(self, summary: Document) -> None:
        """Replace the summary.

        Raises:
            StudyError: It is not JSON, or cannot be stored.
        """
        self._set_document("summary", summary)

    def set_config(self, config: Document) -> None:
        """Replace the snapshot of the configuration: a search that is given more trials or minutes.

        Raises:
            StudyError: It is not JSON, or cannot be stored.
        """
        self._set_document("config", config)

    def propose(self, *, params: Document | None, architecture: Document, key: str, seed: int) -> Trial:
        """Add a trial in the state `proposed`.

        Args:
            params: What the tuner suggested, or None.
            architecture: The network.
            key: Canonical form of the architecture: equal keys mean equal networks.
            seed: Seed of everything random about this trial.

        Raises:
            StudyError: Something is not JSON, or cannot be stored.
        """
        self._check_writable()
        texts = (dump(architecture, "architecture"), None if params is None else dump(params, "params"))
        trial_id = int(self._database.read("SELECT COALESCE(MAX(id) + 1, 0) AS id FROM trial")[0]["id"])
        with self._database.transaction(f"store trial {trial_id}"):
            insert_trial(self._database, trial_id, (str(operator.index(seed)), printable(key), *texts))
        return self.trial(trial_id)

    def advance(
        self,
        trial_id: int,
        state: TrialState | str,
        *,
        measurement: Document | None = None,
        metrics: Document | None = None,
        objective: float | None = None,
        feasible: bool | None = None,
        reason: str | None = None,
        artefacts: Mapping[str, bytes] | None = None,
    ) -> Trial:
        """Move a trial to the next state and store what was learned on the way, in one transaction.

        What is None stays as it was. A measurement replaces the earlier one, because figures of two sources must not be
        mixed. Metrics are added to the earlier ones; the later value of a key wins. The files are on disk before the
        transaction refers to them.

        Args:
            trial_id: The trial.
            state: State to enter, or its value.
            measurement: What the network costs.
            metrics: What it achieves.
            objective: f_opt; needed (now or earlier) to be done.
            feasible: Whether it fits the board; needed to be done, and never True when infeasible.
            reason: Why; needed to fail.
            artefacts: Kind of file to content.

        Raises:
            StudyError: Illegal transition, no such trial, not JSON, a full disk. The trial is then as before.
        """
        self._check_writable()
        trial, state = self.trial(trial_id), _state(trial_id, state)
        check_transition(trial.id, trial.state, state, reason)
        cost = trial.measurement if measurement is None else measurement
        gained = trial.metrics if metrics is None else {**(trial.metrics or {}), **metrics}
        score = trial.objective if objective is None else check_objective(trial.id, objective)
        fits = check_feasible(trial.id, state, trial.feasible if feasible is None else bool(feasible), score)
        texts = [None if v is None else dump(v, name) for name, v in (("measurement", cost), ("metrics", gained))]
        reason = trial.reason if reason is None else printable(reason)
        return self._store(trial, state, (*texts, score, fits, reason, None), self._put(artefacts or {}))

    def answer(self, trial_id: int, original_id: int) -> Trial:
        """Finish a proposed trial with all that an earlier trial of the same network learned, files included.

        Args:
            trial_id: The trial, in the state `proposed`.
            original_id: The earlier trial, done or infeasible, as `find` returns it.

        Raises:
            StudyError: Another network, or one of the two is in another state. The trial is then as before.
        """
        self._check_writable()
        trial, original = self.trial(trial_id), self.trial(original_id)
        scored = original.state in (TrialState.DONE, TrialState.INFEASIBLE)
        if trial.state is not TrialState.PROPOSED or not scored or trial.key != original.key:
            message = f"cannot be answered from trial {original.id}"
            advice = "a proposed trial can take over the results of a scored trial of the same network"
            raise StudyError(message, where=f"trial {trial.id}", advice=advice)
        texts = [
            None if v is None else dump(v, name)
            for name, v in (("measurement", original.measurement), ("metrics", original.metrics))
        ]
        values = (*texts, original.objective, original.feasible, original.reason, original.id)
        return self._store(trial, original.state, values, original.artefacts)

    def _store(self, trial: Trial, state: TrialState, values: Sequence[object], hashes: Mapping[str, str]) -> Trial:
        with self._database.transaction(f"store trial {trial.id} as {state}"):
            update_trial(self._database, trial.id, state, values, hashes)
        return self.trial(trial.id)

    def attach(self, trial_id: int, artefacts: Mapping[str, bytes]) -> Trial:
        """Add files to a trial in whatever state, as the evaluation of the best one; its state stays.

        Args:
            trial_id: The trial.
            artefacts: Kind of file to content. A kind that is there already then means the new content.

        Raises:
            StudyError: There is no such trial, or the disk is full.
        """
        self._check_writable()
        trial = self.trial(trial_id)
        hashes = self._put(artefacts)
        with self._database.transaction(f"store files of trial {trial.id}"):
            refer(self._database, trial.id, hashes)
        return self.trial(trial.id)

    def _put(self, artefacts: Mapping[str, bytes]) -> dict[str, str]:
        # memoryview: bytes(7) would be seven zeros, not an error.
        return {kind: self._artefacts.put(bytes(memoryview(content))) for kind, content in artefacts.items()}

    def _check_writable(self) -> None:
        # Before anything is touched: a reader must not leave artefacts behind either.
        if self._writer_lock is None:
            raise StudyError("the study was opened read-only", where=str(self.folder), advice="open it for writing")

    def _set_document(self, name: str, document: Document) -> None:
        self._check_writable()
        text = dump(document, name)
        with self._database.transaction(f"store the {name}"):
            store_document(self._database, name, text)


def _state(trial_id: int, state: TrialState | str) -> TrialState:
    try:
        return TrialState(state)
    except ValueError as error:
        advice = f"one of {', '.join(TrialState)}"
        raise StudyError(f"unknown state {state!r}", where=f"trial {trial_id}", advice=advice) from error
