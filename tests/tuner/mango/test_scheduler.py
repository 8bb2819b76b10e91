import logging
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import pytest

from tinynas.errors import ConfigError
from tinynas.tuner import Tuner, scheduler

BATCH = [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]


def total(x, y):
    """Add."""
    return x + y


def fragile(x, y):
    if x == 3:
        raise RuntimeError("broken cable")
    return x + y


class _Task:
    def __init__(self, value, error=None):
        self.value, self.error, self.timeout = value, error, "not asked"

    def get(self, timeout=None):
        self.timeout = timeout
        if self.error:
            raise self.error
        return self.value


@pytest.fixture
def celery_timeout(monkeypatch):
    """A stand-in for celery: only its TimeoutError is used."""
    timeout = type("TimeoutError", (Exception,), {})
    package, exceptions = types.ModuleType("celery"), types.ModuleType("celery.exceptions")
    exceptions.TimeoutError = timeout
    monkeypatch.setitem(sys.modules, "celery", package)
    monkeypatch.setitem(sys.modules, "celery.exceptions", exceptions)
    return timeout


def _made(name):
    if name == "serial":
        return scheduler.serial
    if name == "parallel":
        return scheduler.parallel(n_jobs=2)
    if name == "on":
        return scheduler.on(ThreadPoolExecutor(2), n_jobs=2)
    return lambda function: scheduler.celery(n_jobs=2)(lambda x, y: _Task(function(x, y)))


@pytest.mark.parametrize("name", ["serial", "parallel", "on", "celery"])
class TestContract:
    def test_all_values_in_order(self, name, celery_timeout):
        assert _made(name)(total)(BATCH) == [3, 7, 11]

    def test_an_empty_batch(self, name, celery_timeout):
        assert _made(name)(total)([]) == []

    def test_a_failed_call_costs_only_its_point(self, name, celery_timeout, caplog):
        with caplog.at_level(logging.WARNING, logger="tinynas.tuner"):
            assert _made(name)(fragile)(BATCH) == ([BATCH[0], BATCH[2]], [3, 11])
        assert "broken cable" in caplog.text

    def test_marks(self, name, celery_timeout):
        objective = _made(name)(total)
        assert objective.is_wrapped
        assert callable(objective.__wrapped__)
        assert getattr(objective, "batch_size", None) == (None if name == "serial" else 2)


def test_the_name_and_docstring_are_kept():
    assert scheduler.serial(total).__name__ == "total"
    assert scheduler.parallel(n_jobs=1)(total).__doc__ == "Add."


def test_parallel_takes_local_functions_and_all_processors():
    offset = 10

    @scheduler.parallel(n_jobs=-1)
    def shifted(x, y):
        return x + y + offset

    assert shifted(BATCH) == [13, 17, 21]
    assert shifted.batch_size >= 1


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, None])
def test_bad_numbers_of_jobs(n_jobs):
    for make in (scheduler.parallel, scheduler.custom, scheduler.celery):
        with pytest.raises(AssertionError) as caught:
            make(n_jobs)
        assert isinstance(caught.value, ConfigError)
    with pytest.raises(AssertionError):
        scheduler.custom(-1)
    with pytest.raises(AssertionError):
        scheduler.on(ThreadPoolExecutor(1), n_jobs=0)


def test_what_is_no_executor_is_refused():
    with pytest.raises(ConfigError, match=r"concurrent\.futures\.Executor is needed, not int"):
        scheduler.on(4, n_jobs=4)


def test_celery_drops_what_comes_too_late(celery_timeout):
    tasks = [_Task(1), _Task(None, celery_timeout()), _Task(3)]
    queue = iter(tasks)

    @scheduler.celery(n_jobs=3, timeout=0.5)
    def objective(x, y):
        return next(queue)

    assert objective(BATCH) == ([BATCH[0], BATCH[2]], [1, 3])
    assert [task.timeout for task in tasks] == [0.5] * 3


def test_a_search_through_celery_with_tasks_that_never_end(celery_timeout):
    @scheduler.celery(n_jobs=2, timeout=0.1)
    def objective(x):
        return _Task(x, celery_timeout()) if x < -8 else _Task((x - 5) ** 2)

    tuner = Tuner({"x": range(-10, 10)}, objective, {"seed": 0, "log_progress": False})
    assert tuner.config.batch_size == 2
    results = tuner.minimize()
    assert results["best_params"] == {"x": 5}
    assert len(results["params_tried"]) == 18  # all there is, but -10 and -9


def test_celery_starts_all_tasks_before_it_waits(celery_timeout):
    events = []

    class Slow(_Task):
        def get(self, timeout=None):
            events.append("wait")
            return 0

    @scheduler.celery(n_jobs=3)
    def objective(x, y):
        events.append("start")
        return Slow(0)

    objective(BATCH)
    assert events == ["start"] * 3 + ["wait"] * 3


def test_without_celery_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.setitem(sys.modules, "celery.exceptions", None)
    with pytest.raises(ConfigError, match="celery is not installed"):
        scheduler.celery(n_jobs=1)


def test_custom_passes_the_batch_and_the_answer_through():
    @scheduler.custom(n_jobs=3)
    def objective(batch):
        return batch[:1], [0.5]

    assert objective(BATCH) == (BATCH[:1], [0.5])
    assert objective.batch_size == 3


@pytest.mark.parametrize("decorate", [scheduler.serial, scheduler.parallel(n_jobs=2)])
def test_a_search_on_a_grid_through_a_scheduler(decorate):
    objective = decorate(total)
    conf = {"seed": 0, "num_iteration": 12, "log_progress": False}
    results = Tuner({"x": range(20), "y": range(20)}, objective, conf).maximize()
    assert results["best_objective"] == 38
