"""Where evaluations run: executors of `concurrent.futures`, and a batch evaluated on one of them.

Any `concurrent.futures.Executor` will do: threads, processes, or a cluster's (`distributed.Client.get_executor()`). Two
that the standard library lacks are here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from tinynas.tuner.config import Params

__all__ = ["Answer", "SerialExecutor", "evaluate_batch", "process_pool", "processor_count"]

logger = logging.getLogger(__name__)

# What an objective answers: the values, or the points that were evaluated and their values.
Answer = list[Any] | tuple[list[Params], list[Any]]

# The number of threads of linear algebra in a process is read from these at its start.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class SerialExecutor(Executor):
    """Runs each call at once, in the thread that submits it.

    Example:
        >>> SerialExecutor().submit(pow, 2, 3).result()
        8
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a call; the future that comes back is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def process_pool(workers: int) -> Executor:
    """Processes that take local functions too and live on from one batch to the next.

    Those that died are replaced at the next call.

    Args:
        workers: Number of processes, at least 1.
    """
    from loky import get_reusable_executor  # only searches in processes need it

    threads = str(max(1, processor_count() // workers))
    environment = {name: os.environ.get(name, threads) for name in THREAD_VARIABLES}
    pool: Executor = get_reusable_executor(max_workers=workers, env=environment)
    return pool


def processor_count() -> int:
    """How many processes can run at a time, with the limits of containers and affinities."""
    from loky import cpu_count

    return int(cpu_count())


def evaluate_batch(
    executor: Executor, function: Callable[..., Any], batch: Sequence[Params], timeout: float | None = None
) -> Answer:
    """Call a function for every point, all at once as far as the executor can.

    A call that raises, or whose result is late, is logged and fails its own point only.

    Args:
        executor: Where the calls run.
        function: Takes the parameters of a point as keyword arguments.
        batch: The points.
        timeout: Seconds to wait for each result; None waits for ever.

    Returns:
        The values, or `(points, values)` of those that succeeded where others failed.

    Example:
        >>> evaluate_batch(SerialExecutor(), lambda x: 1 / x, [{"x": 0}, {"x": 2}])
        ([{'x': 2}], [0.5])
    """
    futures = [_submit(executor, function, params) for params in batch]
    succeeded: list[tuple[Params, Any]] = []
    for params, future in zip(batch, futures, strict=True):
        with _logged_failure(params):
            succeeded.append((params, future.result(timeout)))
        future.cancel()  # what is late and has not begun would keep the next batch waiting
    values = [value for _, value in succeeded]
    return values if len(values) == len(batch) else ([params for params, _ in succeeded], values)


@contextmanager
def _logged_failure(params: Params) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        logger.warning("the evaluation of %s failed: %r", params, error)


def _submit(executor: Executor, function: Callable[..., Any], params: Params) -> Future[Any]:
    try:
        return executor.submit(function, **params)
    except Exception as error:  # the pool is broken, or the call cannot be sent to it
        refused: Future[Any] = Future()
        refused.set_exception(error)
        return refused
