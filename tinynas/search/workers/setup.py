"""What a worker is made from, and what it does with a trial."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tinynas.board import Board
from tinynas.config import Config
from tinynas.search.bench import Bench
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.problem import Problem
from tinynas.search.task import Task
from tinynas.search.workers.notebook import Notebook, Step
from tinynas.study import Trial

__all__ = ["Setup", "Worker"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """Everything that the stages of all trials share.

    Attributes:
        config: The search's configuration.
        board: The board.
        task: The data.
        folder: The study's folder, for messages.
        others: Further boards that are searched for at the same time.
    """

    config: Config
    board: Board
    task: Task
    folder: Path
    others: tuple[Board, ...] = ()

    @property
    def boards(self) -> tuple[Board, ...]:
        """All boards, by the numbers that stages name."""
        return (self.board, *self.others)


@dataclass(frozen=True, eq=False)
class Worker:
    """Runs stages of trials, one after another.

    Attributes:
        setup: What they share.
        on_epoch: Called with trial id, epoch and validation RMSE during training.
    """

    setup: Setup
    on_epoch: Callable[[int, int, float], None]

    @cached_property
    def _notebook(self) -> Notebook:
        return Notebook(self.setup.folder)

    @cached_property
    def _pipelines(self) -> list[CandidatePipeline]:
        """One for each board; all train on the same tensors."""
        config, task = self.setup.config, self.setup.task
        found: list[CandidatePipeline] = []
        for board in self.setup.boards:
            problem = Problem(board, task, config)
            bench = Bench(board, config.hil, config.engine, config.cost.compiler) if config.mode == "hil" else None
            own: Any = {"limits": problem.limits, "engine": problem.engine, "bench": bench, "gate": problem.gate}
            if found:
                found.append(dataclasses.replace(found[0], **own))
            else:
                found.append(CandidatePipeline(self._notebook, config, task=task, on_epoch=self.on_epoch, **own))
        return found

    def run(self, trial: Trial, files: Mapping[str, bytes], board: int = 0) -> Sequence[Step]:
        """Run the next stage of a trial.

        Args:
            trial: As the study has it.
            files: SHA-256 to content of the artefacts that the stage reads.
            board: Number of the board, of a search for several.

        Raises:
            TinynasError: What concerns the search as a whole.
        """
        _LOG.debug("trial %d, %s: its next stage begins in process %d", trial.id, trial.state, os.getpid())
        self._notebook.open(trial, files)
        self._pipelines[board].step(trial)
        return tuple(self._notebook.steps)
