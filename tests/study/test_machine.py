"""The state machine, against a model of it in plain Python."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tinynas.errors import StudyError
from tinynas.study import Study, TrialState

FINAL = {"done", "infeasible", "failed"}
STATES = [state.value for state in TrialState]
ORDER = ["proposed", "costed", "trained", "converted", "measured", "done"]


def allowed(current: str, target: str) -> bool:
    """The contract, written a second time and differently from the table in the package."""
    if current in FINAL:
        return False
    if target == "failed":
        return True
    if target == "infeasible":
        return current == "costed"
    if "paused" in (current, target):
        return (current, target) in {("costed", "paused"), ("paused", "paused"), ("paused", "trained")}
    return ORDER.index(target) == ORDER.index(current) + 1


class StudyMachine(RuleBasedStateMachine):
    """Random proposals, transitions, crashes of the caller and reopenings."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        # Durability has tests of its own; here thousands of syncs would only cost time.
        self.patch = mock.patch.object(os, "fsync", return_value=None)
        self.patch.start()
        self.model: list[dict[str, Any]] = []

    @initialize()
    def create(self) -> None:
        self.study = Study.create(self.folder / "s", config={}, board={}, provenance={})
        self.study._database.execute("PRAGMA synchronous = OFF")

    def teardown(self) -> None:
        self.patch.stop()
        self.study.close()
        shutil.rmtree(self.folder)

    @rule(key=st.sampled_from("abc"), seed=st.integers(0, 2**128))
    def propose(self, key: str, seed: int) -> None:
        trial = self.study.propose(params={"k": key}, architecture={"key": key}, key=key, seed=seed)
        assert trial.id == len(self.model)
        assert trial.seed == seed
        self.model.append({"state": "proposed", "key": key, "path": ["proposed"], "objective": None, "feasible": None})

    @rule(
        data=st.data(),
        state=st.sampled_from(STATES),
        blind=st.booleans(),
        objective=st.none() | st.floats(-2, 2),
        feasible=st.none() | st.booleans(),
        reason=st.none() | st.just("because"),
        file=st.none() | st.binary(max_size=4),
    )
    def advance(
        self,
        data: st.DataObject,
        state: str,
        blind: bool,
        objective: float | None,
        feasible: bool | None,
        reason: str | None,
        file: bytes | None,
    ) -> None:
        if not self.model:
            return
        trial_id = data.draw(st.integers(0, len(self.model) - 1))
        entry = self.model[trial_id]
        # Mostly forwards: blind draws would hardly ever get past the first states.
        ahead = [target for target in STATES if allowed(entry["state"], target)]
        state = data.draw(st.sampled_from(ahead)) if ahead and not blind else state
        score = entry["objective"] if objective is None else objective
        fits = entry["feasible"] if feasible is None else feasible
        legal = allowed(entry["state"], state)
        legal &= state != "failed" or reason is not None
        legal &= state != "done" or (score is not None and fits is not None)
        legal &= state != "infeasible" or not fits
        files = {} if file is None else {"tflite": file}
        if not legal:
            with pytest.raises(StudyError):
                self.study.advance(trial_id, state, objective=objective, feasible=feasible, reason=reason)
            return
        trial = self.study.advance(
            trial_id, state, objective=objective, feasible=feasible, reason=reason, artefacts=files
        )
        entry |= {"state": state, "objective": score, "feasible": False if state == "infeasible" else fits}
        pauses = sum(name.startswith("paused") for name in entry["path"])
        entry["path"].append(f"paused_{pauses + 1}" if state == "paused" and pauses else state)
        if file is not None:
            assert self.study.artefact(trial.artefacts["tflite"]) == file

    @rule(key=st.sampled_from("abc"), objective=st.integers(0, 2), feasible=st.booleans())
    def run_to_the_end(self, key: str, objective: int, feasible: bool) -> None:
        """Few different objectives, so that ties come up."""
        trial = self.study.propose(params=None, architecture={"key": key}, key=key, seed=0)
        for state in ORDER[1:]:
            self.study.advance(trial.id, state, objective=objective, feasible=feasible)
        self.model.append(
            {"state": "done", "key": key, "path": ORDER[:], "objective": float(objective), "feasible": feasible}
        )

    @rule(data=st.data())
    def answer_from_another(self, data: st.DataObject) -> None:
        if not self.model:
            return
        trial_id = data.draw(st.integers(0, len(self.model) - 1))
        entry = self.model[trial_id]
        found = self.study.find(entry["key"])
        if found is None or entry["state"] != "proposed":
            return
        assert self.study.answer(trial_id, found.id).duplicate_of == found.id
        entry |= {"state": found.state, "objective": found.objective, "feasible": found.feasible}
        entry["path"].append(found.state)

    @rule(stop=st.booleans())
    def reopen(self, stop: bool) -> None:
        with contextlib.suppress(RuntimeError), self.study:
            if stop:
                raise RuntimeError
        self.study = Study.open(self.folder / "s")
        self.study._database.execute("PRAGMA synchronous = OFF")

    @invariant()
    def agrees_with_the_model(self) -> None:
        trials = self.study.trials()
        assert [trial.id for trial in trials] == list(range(len(self.model)))
        for trial, entry in zip(trials, self.model, strict=True):
            assert (trial.state, trial.key) == (entry["state"], entry["key"])
            assert (trial.objective, trial.feasible) == (entry["objective"], entry["feasible"])
            assert list(trial.times) == entry["path"]
        states = [entry["state"] for entry in self.model]
        assert self.study.counts() == {state: states.count(state) for state in STATES}
        assert [trial.id for trial in self.study.unfinished()] == [
            index for index, state in enumerate(states) if state not in FINAL | {"paused"}
        ]
        ranked = [
            (entry["objective"], index)
            for index, entry in enumerate(self.model)
            if entry["state"] == "done" and entry["feasible"]
        ]
        best = self.study.best()
        assert (best and best.id) == (min(ranked)[1] if ranked else None)
        for key in "abc":
            found = self.study.find(key)
            scored = [i for i, e in enumerate(self.model) if e["key"] == key and e["state"] in {"done", "infeasible"}]
            assert (found and found.id) == (scored[0] if scored else None)


TestStudyMachine = StudyMachine.TestCase
TestStudyMachine.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
