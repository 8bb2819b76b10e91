"""What a worker is made from, and what it does with a trial."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

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
    """

    config: Config
    board: Board
    task: Task
    folder: Path


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
    def _pipeline(self) -> CandidatePipeline:
        config, board, task = self.setup.config, self.setup.board, self.setup.task
        problem = Problem(board, task, config)
        bench = Bench(board, config.hil, config.engine, config.cost.compiler) if config.mode == "hil" else None
        return CandidatePipeline(self._notebook, config, problem.limits, task, self.on_epoch, problem.engine, bench)

    def run(self, trial: Trial, files: Mapping[str, bytes]) -> Sequence[Step]:
        """Run the next stage of a trial.

        Args:
            trial: As the study has it.
            files: SHA-256 to content of the artefacts that the stage reads.

        Raises:
            TinynasError: What concerns the search as a whole.
        """
        _LOG.debug("trial %d, %s: its next stage begins in process %d", trial.id, trial.state, os.getpid())
        self._notebook.open(trial, files)
        self._pipeline.step(trial)
        return tuple(self._notebook.steps)
