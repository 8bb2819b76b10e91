"""Which workers a search gets."""

from __future__ import annotations

from tinynas.search.workers.dask import DaskWorkers
from tinynas.search.workers.interface import Epoch, Workers
from tinynas.search.workers.local import ProcessWorkers, SerialWorkers
from tinynas.search.workers.setup import Setup

__all__ = ["hire"]


def hire(
    setup: Setup, on_epoch: Epoch, *, count: int = 1, dask: str | None = None, toolchain: str | None = None
) -> Workers:
    """Find the workers of a search; they are to be closed.

    Args:
        setup: What the stages share.
        on_epoch: Called with trial id, epoch and validation RMSE during training.
        count: How many processes of this computer; 1: this one.
        dask: Address of a Dask scheduler, whose workers are taken instead.
        toolchain: What built the images that were measured before.

    Raises:
        ConfigError: The extra `dask` is not installed.
        HostError: The scheduler does not answer, or has no worker.
        BoardNotFound: It has no worker with the board.
    """
    if dask is not None:
        return DaskWorkers(dask, setup, on_epoch, toolchain)
    return SerialWorkers(setup, on_epoch) if count == 1 else ProcessWorkers(count, setup, on_epoch)
