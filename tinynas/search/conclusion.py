"""The end of a search: the best network on recordings that nothing was chosen by, and the summary."""

from __future__ import annotations

from typing import Any

from tinynas.errors import NoFeasibleCandidate
from tinynas.search.budget import Budget
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.problem import Problem
from tinynas.study import Study, TrialState

__all__ = ["conclude"]

#: Figures for the summary and trajectories, of tested networks by the number of their trial.
Tested = dict[int, tuple[dict[str, Any], bytes]]


def conclude(
    study: Study,
    problem: Problem,
    pipeline: CandidatePipeline,
    budget: Budget,
    early: str | None,
    tested: Tested,
) -> None:
    """Test a study's best network and write the summary.

    Args:
        study: With all trials finished or paused.
        problem: What was searched.
        pipeline: Tests the network.
        budget: Knows what the search took.
        early: Why there were fewer trials than asked for, or None.
        tested: What is known of networks that other boards have chosen as well; this one is added.

    Raises:
        NoFeasibleCandidate: No network fits.
    """
    best = study.best()
    if best is None:
        failed = study.counts()[TrialState.FAILED]
        raise NoFeasibleCandidate(
            f"none of {len(study.trials())} trials ended with a network that fits"
            + (f"; {failed} failed" if failed else ""),
            where=str(study.folder),
            advice="the report has the reasons; try more trials" + (", or another training" if failed else ""),
        )
    task = problem.task.of(best.params or {})
    if best.id not in tested:
        tested[best.id] = pipeline.evaluate(best)
    test, evaluation = tested[best.id]
    study.attach(best.id, {"evaluation": evaluation})
    baselines, share = task.baselines(), problem.infeasible_share()
    study.set_summary(
        {
            "seconds": round(budget.spent_s, 3),
            "best_trial": best.id,
            "baselines": baselines,
            "space_infeasible_share": share,
            "ended_early": early,
            "test": test,
            "rate_hz": task.dataset.rate_hz,
            "turns": (best.params or {}).get("turns", problem.config.deploy.turns),
            **task.describe(),
            **({"variants": [one.describe() for one in problem.tasks]} if problem.task.others else {}),
        }
    )
