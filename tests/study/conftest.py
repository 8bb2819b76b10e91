"""A study to work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinynas.study import Study

PATH_TO_DONE = ("costed", "trained", "converted", "measured", "done")


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "study", config={"seed": 1}, board={"name": "b"}, provenance={"git": None}) as study:
        yield study


@pytest.fixture
def finish(study: Study) -> Callable[..., int]:
    """Propose a trial and take it all the way to done; returns its id."""

    def run(objective: float, *, feasible: bool = True, key: str = "k", **given: Any) -> int:
        trial_id = study.propose(params=None, architecture={"filters": 2}, key=key, seed=0).id
        for state in PATH_TO_DONE[:-1]:
            study.advance(trial_id, state)
        study.advance(trial_id, "done", objective=objective, feasible=feasible, **given)
        return trial_id

    return run
