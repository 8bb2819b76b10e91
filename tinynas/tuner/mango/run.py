"""A whole run: initial points, iterations, failures, early stopping."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import ConfigValueError, Params
from tinynas.tuner.history import read_answer, read_values
from tinynas.tuner.mango.record import Outcome, Record
from tinynas.tuner.space import ExhaustedError

__all__ = ["evaluate", "run"]

logger = logging.getLogger(__name__)

Objective = Callable[[list[Params]], Any]

# Batches tried, at most, to get the initial values that failures have cost.
TOP_UPS = 2


def run(tuner: AskTell, objective: Objective, bar: Any) -> dict[str, Any]:
    """Evaluate the initial points, then iterate; what `Tuner.run`, `maximize` and `minimize` do.

    What `Tuner.warm_start` was given guides the search without being part of the results. An exception of the objective
    fails the batch it was called with; None, NaN and infinities fail their point; points missing from a
    `(params, values)` pair fail too. An iteration in which nothing succeeded counts, but does not show in the results.
    A space with nowhere left to look ends the run.

    Args:
        tuner: Holds the space and the configuration, and knows nothing but `initial_custom` and what it was given by
            `warm_start`.
        objective: Evaluates a list of points.
        bar: Wraps the loop to show its progress, and has `write` for a line of text, as `tqdm.tqdm` does; used where
            `log_progress` is set.

    Returns:
        `params_tried` (object array of dictionaries, initial points first), `objective_values` (in the user's sign,
        shape (n,), or (n, senses) with several), `best_params` and `best_objective`, or with several senses
        `front_params` and `front_values` (the Pareto front). For the Bayesian optimiser also `random_params`,
        `random_params_objective` (the initial points) and `surrogate_values` (the prediction before each evaluation;
        NaN where there was none yet, the value itself for initial points).

    Raises:
        ConfigTypeError: If the objective returns something unusable.
        ConfigValueError: If no evaluation succeeded.
        SpaceError: If no point was found that satisfies the constraint.
    """
    config = tuner.config
    record = Record(tuner.senses, with_surrogate=config.is_bayesian)
    if config.is_bayesian:
        _evaluate_initial(tuner, objective, record)
    steps = range(config.num_iteration)
    for _ in bar(steps) if config.log_progress else steps:
        try:
            batch = tuner.ask(config.batch_size)
        except SpaceError as reason:
            if not record.values:
                raise
            # Results are not thrown away because there is nowhere left to look.
            logger.info("the run ends early: %s", reason)
            break
        if not record.add(evaluate(tuner, objective, batch)):
            continue
        if config.log_progress:
            bar.write(record.headline())
        if config.early_stop(record.results()):
            break
    if not record.values:
        raise ConfigValueError("No valid configuration found: not one evaluation succeeded") from record.last_error
    return record.results()


def _evaluate_initial(tuner: AskTell, objective: Objective, record: Record) -> None:
    config = tuner.config
    custom: list[Any] = list(config.initial_custom or ())
    if any(isinstance(item, tuple) for item in custom):
        told = [(params, value) for params, value in tuner.observations if value is not None]
        record.add(Outcome([params for params, _ in told], [value for _, value in told], [np.nan] * len(told)))
    else:
        distinct = {tuner.space.code(params) for params in custom}
        record.add(evaluate(tuner, objective, tuner.ask(len(distinct) or config.initial_random)))
    enough = 1 if custom else config.initial_random
    for _ in range(TOP_UPS):
        missing = enough - len(record.values)
        if missing <= 0:
            break
        with suppress(ExhaustedError):
            record.add(evaluate(tuner, objective, tuner.ask(missing)))
    record.close_initial()
    if not record.values:
        raise ConfigValueError(
            "No valid configuration found to initiate the Bayesian Optimizer: every initial evaluation failed",
            advice="see the log for what went wrong",
        ) from record.last_error


def evaluate(tuner: AskTell, objective: Objective, batch: list[Params]) -> Outcome:
    """Call the objective and tell the tuner; the successes with what was expected of them, and what went wrong."""
    count = len(tuner.config.senses)
    codes = [tuner.space.code(params) for params in batch]
    guided = tuner.config.is_bayesian
    expected = dict(zip(codes, tuner.predict(batch)[0].tolist(), strict=True)) if guided else {}
    unknown: Any = np.nan if count == 1 else [np.nan] * count
    error: Exception | None = None
    try:
        answer = objective([dict(params) for params in batch])
    except Exception as raised:
        logger.warning("the objective failed for %d points: %r", len(batch), raised)
        answer, error = ([], []), raised
    points, values = read_answer(answer, batch, count)
    outcome = Outcome(error=error)
    for params, value in zip(points, [read_values(value, count) for value in values], strict=True):
        tuner.tell(params, value if count > 1 or value is None else value[0])
        if value is not None:
            outcome.points.append(params)
            outcome.values.append(value if count > 1 else value[0])
            outcome.expected.append(expected.get(tuner.space.code(params), unknown))
    given = {tuner.space.code(params) for params in points}
    for params, code in zip(batch, codes, strict=True):
        if code not in given:
            tuner.tell(params, failed=True)
    return outcome
