import sys

import pytest

from tinynas.tuner import threads


def test_blas_has_one_thread_inside_and_its_own_number_outside():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def counts():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    with threads.single_blas_thread():
        assert set(counts()) <= {1}
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = counts()
        with threads.single_blas_thread():
            assert set(counts()) <= {1}
        assert counts() == before


def test_without_threadpoolctl_nothing_happens(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    threads._controller.cache_clear()
    try:
        with threads.single_blas_thread():
            pass
    finally:
        threads._controller.cache_clear()
