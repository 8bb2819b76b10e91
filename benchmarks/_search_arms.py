"""The searches that benchmarks/search.py compares: functions of a scenario, a seed and a limit of CPU time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from time import process_time
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from _evaluations import Ends, Evaluator, StopTraining, TimeIsUp, make_study, standing_still

from tinynas.board import Board
from tinynas.config import Config, config_from_mapping
from tinynas.search import Task, run_search, rungs
from tinynas.search.problem import Problem
from tinynas.study import Study, records

__all__ = ["ARMS", "Scenario", "hyperband", "search_by_time", "search_by_trials"]


# Random networks before the first edition's surrogate led.
FIRST_EDITION = 10


@dataclass(frozen=True)
class Scenario:
    """Data, board and space of a comparison.

    Attributes:
        options: The configuration, but for the seed and what an arm decides.
        board: The board.
        task: The data.
        folder: Where studies are kept.
        pit: Interpreter of an environment with torch and PLiNIO; None: there is none.
    """

    options: Mapping[str, Any]
    board: Board
    task: Task
    folder: Path
    pit: Path | None = None

    def config(self, seed: int, **more: Any) -> Config:
        """The configuration of an arm."""
        return config_from_mapping({**self.options, **more, "seed": seed}, "benchmark")


def search_by_trials(scenario: Scenario, name: str, seed: int, trials: int, *, random: bool = False) -> dict[str, Any]:
    """The first edition: all candidates are trained to the end; the surrogate leads, or chance with the same gate."""
    options = {"promise": False, "initial_random": trials if random else FIRST_EDITION}
    return _run(scenario, name, scenario.config(seed, trials=trials, tuner=options))


def search_by_time(scenario: Scenario, name: str, seed: int, cpu_s: float, **more: Any) -> dict[str, Any]:
    """Tinynas with a limit of time, which is that of the CPU's clock."""
    return _run(scenario, name, scenario.config(seed, minutes=cpu_s / 60, **more))


def search_front(scenario: Scenario, name: str, seed: int, cpu_s: float) -> dict[str, Any]:
    """Tinynas with a limit of time, looking for the front of error, flash and SRAM instead of the least f_opt."""
    objective = {**scenario.options["objective"], "pareto": ["error", "flash_bytes", "sram_bytes"]}
    return search_by_time(scenario, name, seed, cpu_s, objective=objective)


def _run(scenario: Scenario, name: str, config: Config) -> dict[str, Any]:
    path = scenario.folder / f"{name}-{config.seed}"
    # A search that was killed begins anew: what its trials took would be lost.
    with make_study(_emptied(path), config, scenario.board) as study:
        # Trainings and what follows them are timed by the clock that the search plans by.
        stages = SimpleNamespace(time=process_time)
        with patch.object(rungs, "perf_counter", process_time), patch.object(records, "time", stages):
            ends = Ends()
            run_search(study, config, scenario.board, scenario.task, ends, clock=process_time)
            cpu_s = process_time() - ends.since
        trials = study.trials()
        return {
            "cpu_s": round(cpu_s, 2),
            "suggested": len(trials),
            "trained": sum("train_seconds" in (one.metrics or {}) for one in trials),
            "steps": ends.steps(study, Problem(scenario.board, scenario.task, config), scenario.task),
        }


def _emptied(path: Path) -> Path:
    if path.exists():
        rmtree(path)
    return path


def hyperband(scenario: Scenario, name: str, seed: int, cpu_s: float, *, sampler: str) -> dict[str, Any]:
    """Optuna's sampler with Hyperband, which hears of f_opt after every epoch; the limits are constraints.

    Source: Li et al., "Hyperband", 2018; a third goes on, from the first epoch.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sampler == "GPSampler":
        import torch

        torch.set_num_threads(1)
    problem = Problem(scenario.board, scenario.task, scenario.config(seed))
    epochs = problem.config.training.epochs

    def constraints(trial: Any) -> list[float]:
        return list(trial.user_attrs["excess"])

    with make_study(_emptied(scenario.folder / f"{name}-{seed}"), problem.config, scenario.board) as kept:
        evaluate = Evaluator(kept, problem, cpu_s)
        # Of what does not fit.
        worst = standing_still(scenario.task)
        study = optuna.create_study(
            sampler=getattr(optuna.samplers, sampler)(seed=seed, constraints_func=constraints),
            pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3),
        )
        distributions = _distributions(problem.parameters())
        try:
            while True:
                _ask_and_tell(study, evaluate, distributions, worst)
        except TimeIsUp:
            pass
        return _outcome(evaluate, kept, scenario)


def _ask_and_tell(study: Any, evaluate: Evaluator, distributions: Mapping[str, Any], worst: float) -> None:
    from optuna.trial import TrialState

    trial = study.ask(dict(distributions))

    def hear(epoch: int, value: float) -> None:
        trial.report(value, epoch)
        if trial.should_prune():
            raise StopTraining

    trial.set_user_attr("excess", evaluate.excess(trial.params))
    try:
        value = evaluate(trial.params, hear)
    except StopTraining:
        study.tell(trial, state=TrialState.PRUNED)
        return
    study.tell(trial, worst if value is None else value)


def _distributions(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The search space as Optuna takes it."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, values in parameters.items():
        if isinstance(values, range):
            found[name] = IntDistribution(values[0], values[-1], step=values.step)
        elif isinstance(values, list):
            found[name] = CategoricalDistribution(values)
        else:  # a distribution of SciPy
            found[name] = FloatDistribution(*(float(end) for end in values.support()))
    return found


def _outcome(evaluate: Evaluator, study: Study, scenario: Scenario) -> dict[str, Any]:
    return {
        "cpu_s": round(evaluate.spent_s, 2),
        "suggested": evaluate.suggested,
        "trained": evaluate.suggested - evaluate.rejected,
        "steps": evaluate.ends.steps(study, evaluate.problem, scenario.task),
    }


def tinyodom(scenario: Scenario, name: str, seed: int, cpu_s: float) -> dict[str, Any]:
    """TinyOdom's procedure; see `_tinyodom`."""
    from _tinyodom import search_as_tinyodom

    problem = Problem(scenario.board, scenario.task, scenario.config(seed))
    with make_study(_emptied(scenario.folder / f"{name}-{seed}"), problem.config, scenario.board) as kept:
        return search_as_tinyodom(kept, problem, seed, cpu_s)


def pit(scenario: Scenario, name: str, seed: int, cpu_s: float) -> dict[str, Any]:
    """PLiNIO's PIT, three strengths; see `_pit_arm`. A network that does not fit is no step."""
    from _pit_arm import run_pit

    if scenario.pit is None:
        raise SystemExit("the arm `pit` needs --pit, the interpreter of its environment")
    config, folder = scenario.config(seed), scenario.folder / f"{name}-{seed}"
    folder.mkdir(exist_ok=True)
    rows = run_pit(config, scenario.board, scenario.task, python=scenario.pit, seed=seed, cpu_s=cpu_s, folder=folder)
    return {
        "cpu_s": round(max(row["cpu_s"] for row in rows), 2),
        "suggested": len(rows),
        "trained": len(rows),
        "steps": [{**row, "trial": number, "network": ""} for number, row in enumerate(rows) if row["feasible"]],
        "infeasible": [row for row in rows if not row["feasible"]],
    }


#: Arms by name: of the number of candidates of the reference search and of the CPU time it took.
ARMS: Mapping[str, Callable[[Scenario, str, int, int, float], dict[str, Any]]] = {
    "whole": lambda s, name, seed, trials, _cpu_s: search_by_trials(s, name, seed, trials),
    "random": lambda s, name, seed, trials, _cpu_s: search_by_trials(s, name, seed, trials, random=True),
    "tinyodom": lambda s, name, seed, _trials, cpu_s: tinyodom(s, name, seed, cpu_s),
    "tenth": lambda s, name, seed, _trials, cpu_s: search_by_time(s, name, seed, cpu_s / 10),
    "fifth": lambda s, name, seed, _trials, cpu_s: search_by_time(s, name, seed, cpu_s / 5),
    "two-fifths": lambda s, name, seed, _trials, cpu_s: search_by_time(s, name, seed, cpu_s / 2.5),
    "front": lambda s, name, seed, _trials, cpu_s: search_front(s, name, seed, cpu_s / 5),
    "pit": lambda s, name, seed, _trials, cpu_s: pit(s, name, seed, cpu_s / 5),
    "optuna-tpe": lambda s, name, seed, _trials, cpu_s: hyperband(s, name, seed, cpu_s / 5, sampler="TPESampler"),
    "optuna-gp": lambda s, name, seed, _trials, cpu_s: hyperband(s, name, seed, cpu_s / 5, sampler="GPSampler"),
    "optuna-nsga": lambda s, name, seed, _trials, cpu_s: hyperband(s, name, seed, cpu_s / 5, sampler="NSGAIISampler"),
}
