"""Decorators that turn a function of one point into an objective of a list of points.

Each is an executor of `concurrent.futures` and a batch size; `on` takes any other executor. An objective answers with
the pair `(points evaluated, values)` when some evaluations failed, and with the plain list of values otherwise; `Tuner`
expects both. A call that raises is logged and counts as failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from tinynas.tuner.config import ConfigTypeError, ConfigValueError, JobsError, Params
from tinynas.tuner.executors import Answer, SerialExecutor, evaluate_batch, process_pool, processor_count
from tinynas.tuner.jobs import KubernetesJobs

__all__ = ["Objective", "celery", "custom", "kubernetes", "on", "parallel", "serial"]


class Objective(Protocol):
    """What a scheduler makes: callable with a list of points; `batch_size`, where present, is the length it wants."""

    def __call__(self, batch: list[Params]) -> Answer:
        """Evaluate a batch."""
        ...


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
    return _objective(function, SerialExecutor)


def on(executor: Executor, n_jobs: int, timeout: float | None = None) -> Callable[[Callable[..., Any]], Objective]:
    """Evaluate the points of a batch on an executor of your own, such as a cluster's; the batch size becomes `n_jobs`.

    Args:
        executor: Any `concurrent.futures.Executor`; it stays yours to shut down.
        n_jobs: Points per batch, at least 1.
        timeout: Seconds to wait for each result; None waits for ever.

    Raises:
        ConfigTypeError: If it is no executor.
        JobsError: If `n_jobs` is below 1.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> @on(ThreadPoolExecutor(2), n_jobs=2)
        ... def square(x):
        ...     return x * x
        >>> square([{"x": 2}, {"x": 3}])
        [4, 9]
    """
    if not isinstance(executor, Executor):
        raise ConfigTypeError(
            f"a concurrent.futures.Executor is needed, not {type(executor).__name__}", where="executor"
        )
    _check_positive(n_jobs)
    return lambda function: _objective(function, lambda: executor, n_jobs, timeout)


def parallel(n_jobs: int) -> Callable[[Callable[..., Any]], Objective]:
    """Evaluate the points of a batch in parallel processes (loky); the batch size becomes `n_jobs`.

    Args:
        n_jobs: Number of processes; -1 for as many as there are processors.

    Raises:
        JobsError: If `n_jobs` is 0 or below -1.
    """
    if not _is_int(n_jobs) or n_jobs == 0 or n_jobs < -1:
        raise JobsError(f"n_jobs must be -1 or at least 1, not {n_jobs!r}", where="n_jobs")
    workers = processor_count() if n_jobs == -1 else int(n_jobs)
    return lambda function: _objective(function, lambda: process_pool(workers), workers)


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
        import_module("celery.exceptions")
    except ImportError as error:
        raise ConfigValueError("celery is not installed", advice="pip install celery") from error
    return lambda function: _objective(function, _TaskExecutor, n_jobs, timeout)


def kubernetes(
    image: str,
    namespace: str | None = None,
    *,
    command: Sequence[str],
    resources: Mapping[str, str] | None = None,
    timeout: float = 3600.0,
    n_jobs: int = 1,
    kubeconfig: str | Path | None = None,
) -> Objective:
    """Evaluate the points of a batch as Jobs of Kubernetes, each in a container of its own. It decorates nothing.

    What came in before the deadline is the answer. Jobs are deleted after each batch. Those of a driver that was killed
    end at the deadline and go ten minutes later, or with the pod that the driver ran in.

    Args:
        image: The containers' image.
        namespace: Where the Jobs are made; None: the one of the configuration in use.
        command: Program and arguments. It finds its point as a JSON object in the environment variable TINYNAS_PARAMS,
            and prints the value (a list, for several objectives) as JSON in its last line.
        resources: What a container requests, and is limited to, such as {"cpu": "2", "memory": "4Gi"}.
        timeout: Seconds for a batch.
        n_jobs: Jobs at once, at least 1; the batch size.
        kubeconfig: File to reach the cluster by; None: the usual one, or that of the pod this process runs in.

    Raises:
        JobsError: If `n_jobs` is below 1.
        ConfigTypeError: If the command is not a list of texts.
        ConfigValueError: If the client is not installed, or the cluster does not answer.
    """
    _check_positive(n_jobs)
    jobs = KubernetesJobs(
        image, command, namespace=namespace, resources=resources, timeout=timeout, kubeconfig=kubeconfig
    )

    def objective(batch: list[Params]) -> Answer:
        return jobs(batch)

    return _mark(objective, n_jobs)


class _TaskExecutor(Executor):
    """Calls that start tasks elsewhere, and return what their results can be asked of."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return _TaskFuture(fn(*args, **kwargs))


class _TaskFuture(Future[Any]):
    """The result of a Celery task as a future."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self._task = task

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the task; raises what the task raised, or Celery's own `TimeoutError`."""
        return self._task.get(timeout=timeout)


def _objective(
    function: Callable[..., Any],
    executor: Callable[[], Executor],
    size: int | None = None,
    timeout: float | None = None,
) -> Objective:
    """An objective that asks for its executor anew with every batch: a broken pool costs one batch."""

    @wraps(function)
    def objective(batch: list[Params]) -> Answer:
        return evaluate_batch(executor(), function, batch, timeout)

    return _mark(objective, size)


def _mark(objective: Any, batch_size: int | None = None) -> Objective:
    objective.is_wrapped = True
    if batch_size is not None:
        objective.batch_size = int(batch_size)
    marked: Objective = objective
    return marked


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_positive(n_jobs: int) -> None:
    if not _is_int(n_jobs) or n_jobs < 1:
        raise JobsError(f"n_jobs must be at least 1, not {n_jobs!r}", where="n_jobs")
