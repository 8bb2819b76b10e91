"""One BLAS thread for small matrices.

With a hundred observations, threads cost the linear algebra several times what they save, and rounding (hence, now and
then, a suggestion) would depend on how many there are.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["single_blas_thread"]


def single_blas_thread() -> AbstractContextManager[Any]:
    """Context in which BLAS runs on one thread; nothing changes where threadpoolctl is not installed."""
    controller = _controller()
    return nullcontext() if controller is None else controller.limit(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    try:
        threadpoolctl = import_module("threadpoolctl")
    except ImportError:
        return None
    # It controls the libraries loaded by now, and is made once, for looking for them takes milliseconds.
    import_module("scipy.linalg")
    return threadpoolctl.ThreadpoolController()
