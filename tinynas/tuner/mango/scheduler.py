"""Decorators that turn a function of one point into an objective of a list of points.

Every scheduler answers with the pair `(points evaluated, values)` when some evaluations failed, and with the plain list
of values otherwise; both are what `Tuner` expects of an objective. A call that raises is logged and counts as failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any, Protocol

from tinynas.tuner.config import ConfigValueError, JobsError, Params

__all__ = ["Objective", "celery", "custom", "parallel", "serial"]

logger = logging.getLogger(__name__)

Answer = list[Any] | tuple[list[Params], list[Any]]


class Objective(Protocol):
    """What a scheduler makes: callable with a list of points; `batch_size`, where present, is the length it wants."""

    def __call__(self, batch: list[Params]) -> Answer:
        """Evaluate a batch."""
        ...


@dataclass(frozen=True)
class _Failure:
    reason: str


def serial(function: Callable[..., Any]) -> Objective:
    """Evaluate the points one after another.

    Args:
        function: Takes the parameters as keyword arguments, returns a number.

    Returns:
        The objective, with `__wrapped__` and `is_wrapped`.

    Example:
        >>> @serial
        ... def square(x):
        ...     return x * x
        >>> square([{"x": 2}, {"x": 3}])
        [4, 9]
    """

    @wraps(function)
    def objective(batch: list[Params]) -> Answer:
        return _sift(batch, [_guarded(function, params) for params in batch])

    return _mark(objective)


def parallel(n_jobs: int) -> Callable[[Callable[..., Any]], Objective]:
    """Evaluate the points of a batch in parallel processes (joblib); the batch size becomes `n_jobs`.

    Args:
        n_jobs: Number of processes; -1 for as many as there are processors.

    Raises:
        JobsError: If `n_jobs` is 0 or below -1.
    """
    if not _is_int(n_jobs) or n_jobs == 0 or n_jobs < -1:
        raise JobsError(f"n_jobs must be -1 or at least 1, not {n_jobs!r}", where="n_jobs")

    def decorate(function: Callable[..., Any]) -> Objective:
        @wraps(function)
        def objective(batch: list[Params]) -> Answer:
            import joblib  # only this scheduler needs it

            outcomes = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(_guarded)(function, params) for params in batch)
            return _sift(batch, outcomes)

        return _mark(objective, _processors() if n_jobs == -1 else n_jobs)

    return decorate


def custom(n_jobs: int) -> Callable[[Callable[[list[Params]], Any]], Objective]:
    """Take a function that evaluates batches itself; the batch size becomes `n_jobs`.

    Args:
        n_jobs: Points per call, at least 1.

    Raises:
        JobsError: If `n_jobs` is below 1.
    """
    _check_positive(n_jobs)

    def decorate(function: Callable[[list[Params]], Any]) -> Objective:
        @wraps(function)
        def objective(batch: list[Params]) -> Any:
            return function(batch)

        return _mark(objective, n_jobs)

    return decorate


def celery(n_jobs: int, timeout: float | None = None) -> Callable[[Callable[..., Any]], Objective]:
    """Evaluate the points of a batch as Celery tasks; the batch size becomes `n_jobs`.

    The decorated function starts a task for one point and returns its `AsyncResult`. Tasks that do not answer in time
    are dropped from the batch.

    Args:
        n_jobs: Tasks at once, at least 1.
        timeout: Seconds to wait for each result; None waits for ever.

    Raises:
        JobsError: If `n_jobs` is below 1.
        ConfigValueError: If celery is not installed.
    """
    _check_positive(n_jobs)
    try:
        too_late = import_module("celery.exceptions").TimeoutError
    except ImportError as error:
        raise ConfigValueError("celery is not installed", advice="pip install celery") from error

    def decorate(function: Callable[..., Any]) -> Objective:
        @wraps(function)
        def objective(batch: list[Params]) -> Answer:
            # All tasks start before the first result is waited for.
            tasks = [_guarded(function, params) for params in batch]
            return _sift(batch, [_collected(task, timeout, too_late) for task in tasks])

        return _mark(objective, n_jobs)

    return decorate


def _collected(task: Any, timeout: float | None, too_late: type[Exception]) -> Any:
    if isinstance(task, _Failure):
        return task
    try:
        return task.get(timeout=timeout)
    except too_late:
        return _Failure(f"no result within {timeout} s")
    except Exception as error:
        return _Failure(repr(error))


def _guarded(function: Callable[..., Any], params: Params) -> Any:
    try:
        return function(**params)
    except Exception as error:
        return _Failure(repr(error))


def _sift(batch: list[Params], outcomes: list[Any]) -> Answer:
    good = [(params, value) for params, value in zip(batch, outcomes, strict=True) if not isinstance(value, _Failure)]
    if len(good) == len(batch):
        return [value for _, value in good]
    for params, outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, _Failure):
            logger.warning("the evaluation of %s failed: %s", params, outcome.reason)
    return [params for params, _ in good], [value for _, value in good]


def _mark(objective: Any, batch_size: int | None = None) -> Objective:
    objective.is_wrapped = True
    if batch_size is not None:
        objective.batch_size = int(batch_size)
    marked: Objective = objective
    return marked


def _processors() -> int:
    import joblib

    return int(joblib.cpu_count())


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_positive(n_jobs: int) -> None:
    if not _is_int(n_jobs) or n_jobs < 1:
        raise JobsError(f"n_jobs must be at least 1, not {n_jobs!r}", where="n_jobs")
