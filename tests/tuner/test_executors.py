import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tinynas.tuner import Tuner, scheduler
from tinynas.tuner.executors import SerialExecutor, evaluate_batch, process_pool

POINTS = [{"x": 1}, {"x": 2}, {"x": 3}]


@pytest.fixture(params=["serial", "threads", "processes", "dask"])
def executor(request):
    """The executors that the schedulers are made of, one of the standard library, and a cluster's."""
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif request.param == "dask":
        distributed = pytest.importorskip("distributed")
        quiet = {"processes": False, "dashboard_address": None}
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client.get_executor(pure=False)
    else:
        yield SerialExecutor() if request.param == "serial" else process_pool(2)


def test_values_come_in_the_order_of_the_points(executor):
    def slow_at_first(x):
        time.sleep(0.2 if x == 1 else 0.0)
        return 10 * x

    assert evaluate_batch(executor, slow_at_first, POINTS) == [10, 20, 30]
    assert evaluate_batch(executor, slow_at_first, []) == []


def test_a_call_that_raises_costs_its_own_point(executor, caplog):
    def fragile(x):
        if x == 2:
            raise RuntimeError("broken cable")
        return x

    with caplog.at_level(logging.WARNING, logger="tinynas.tuner"):
        assert evaluate_batch(executor, fragile, POINTS) == ([{"x": 1}, {"x": 3}], [1, 3])
    assert "broken cable" in caplog.text


def test_what_is_late_is_dropped():
    release = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        answer = evaluate_batch(pool, lambda x: release.wait(10) if x == 2 else x, POINTS, timeout=0.2)
        release.set()
    assert answer == ([{"x": 1}, {"x": 3}], [1, 3])


def test_what_is_late_and_has_not_begun_never_runs():
    ran, release = [], threading.Event()

    def slow(x):
        ran.append(x)
        release.wait(10)

    with ThreadPoolExecutor(1) as pool:
        assert evaluate_batch(pool, slow, POINTS, timeout=0.1) == ([], [])
        release.set()
    assert ran == [1]


def test_a_search_on_any_executor_with_results_that_fail(executor):
    def fragile(x):
        if x % 3 == 0:
            raise RuntimeError("broken cable")
        return (x - 7) ** 2

    objective = scheduler.on(executor, n_jobs=3)(fragile)
    results = Tuner({"x": range(10)}, objective, {"seed": 0, "num_iteration": 4, "log_progress": False}).minimize()
    assert results["best_params"] == {"x": 7}


def test_a_serial_call_runs_in_the_thread_that_submits_it():
    future = SerialExecutor().submit(threading.get_ident)
    assert future.done()
    assert future.result() == threading.get_ident()


def test_a_process_that_dies_costs_a_batch_and_no_more():
    def die(x):
        os._exit(3)

    assert evaluate_batch(process_pool(2), die, POINTS) == ([], [])
    assert evaluate_batch(process_pool(2), lambda x: x + 1, POINTS) == [2, 3, 4]


def test_a_pool_that_was_shut_down_fails_the_points():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    assert evaluate_batch(pool, lambda x: x, POINTS) == ([], [])
