"""Dask clusters for tests: in this process, and of processes that can be killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

__all__ = ["Processes", "threads"]


@contextmanager
def threads(**workers: Mapping[str, float]) -> Iterator[str]:
    """A cluster in threads of this process: the scheduler's address.

    Args:
        workers: Resources of each worker, by its name. Each has a thread.
    """
    from distributed import Scheduler, SpecCluster, Worker

    quiet = {"dashboard_address": None}
    spec = {
        name: {"cls": Worker, "options": {"nthreads": 1, "name": name, "resources": resources, **quiet}}
        for name, resources in workers.items()
    }
    scheduler = {"cls": Scheduler, "options": {"protocol": "inproc://", "dashboard_address": None}}
    with SpecCluster(workers=spec, scheduler=scheduler) as cluster:
        yield cluster.scheduler_address


class Processes:
    """A scheduler and workers in processes, as `dask scheduler` and `dask worker` start them.

    Args:
        folder: For what they write.
        environment: Variables besides this process's.
        scheme: "tcp" or "tls".
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None, scheme: str = "tcp") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.scheme = folder, scheme
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self._environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **(environment or {})}
        self._began: list[subprocess.Popen[bytes]] = []

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start a scheduler."""
        return self._start("scheduler", "--host", f"{self.scheme}://127.0.0.1", "--port", str(self.port))

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, with its nanny."""
        common = ("--nthreads", "1", "--local-directory", str(self.folder / "dask"))
        return self._start("worker", self.address, *common, *options, **environment)

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        log = (self.folder / f"{arguments[0]}-{len(self._began)}.log").open("wb")
        with log:
            # Not here: `-m` would put this folder before PYTHONPATH.
            process = subprocess.Popen(
                command, env=self._environment | environment, stdout=log, stderr=log, cwd=self.folder
            )
        self._began.append(process)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        """What a process has written."""
        index = self._began.index(process)
        [path] = self.folder.glob(f"*-{index}.log")
        return path.read_text(errors="replace")

    @staticmethod
    def inside(worker: subprocess.Popen[bytes]) -> psutil.Process:
        """The process in which a worker's stages run, below its nanny."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for child in psutil.Process(worker.pid).children():
                if "spawn_main" in " ".join(child.cmdline()):
                    return child
            time.sleep(0.1)
        raise AssertionError("the worker did not start")

    def close(self) -> None:
        """End everything that was started."""
        for process in self._began:
            family = []
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                process.kill()
            for child in family:
                if child.is_running():
                    child.kill()
            process.wait()
