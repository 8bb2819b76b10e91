"""Searches with workers: what they find, and what becomes of them when workers, or the driver, die."""

import logging
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.search.conftest import Watcher
from tinynas.errors import HostError
from tinynas.search import crew_watch, run_search
from tinynas.study import Study, TrialState, read_crew


@pytest.fixture
def run(board, tasks, tmp_path):
    def run(config, observer=None, workers=2):
        folder = tmp_path / "study"
        if (folder / "study.db").exists():
            study = Study.open(folder)
        else:
            study = Study.create(folder, config=config.to_dict(), board=board.to_dict(), provenance={})
        with study:
            run_search(study, config, board, tasks(config), observer or Watcher(), workers=workers)
            return study.trials()

    return run


def children():
    """Processes that this one began and that live."""
    commands = {child.pid: " ".join(child.cmdline()) for child in psutil.Process().children()}
    return [pid for pid, command in commands.items() if "loky" in command and "tracker" not in command]


@pytest.mark.slow
def test_two_workers_finish_every_trial_and_leave_nothing_behind(run, configure, caplog):
    caplog.set_level(logging.DEBUG, "tinynas")
    watcher, before = Watcher(), children()
    trials = run(configure(), watcher)
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4
    assert sorted(trial for trial, *_ in watcher.epochs) == [0, 1, 2, 3]
    assert set(children()) <= set(before)
    # What is logged in the workers arrives here, under its own name.
    told = [record.getMessage() for record in caplog.records if record.name == "tinynas.search.workers.setup"]
    assert {re.search(r"trial (\d)", text)[1] for text in told} == {"0", "1", "2", "3"}
    assert str(os.getpid()) not in {re.search(r"process (\d+)", text)[1] for text in told}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_who_works_on_which_trial_is_told_beside_the_study(run, configure, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(crew_watch, "_LOOK_S", 0.01)
    told = []

    class Reader(Watcher):
        def epoch(self, *epoch):
            super().epoch(*epoch)
            time.sleep(0.05)  # for the thread that tells
            told.append((epoch[0], read_crew(tmp_path / "study").workers))

    trials = run(configure(), Reader(), workers)
    assert len(trials) == 4
    names = {note.name for _, notes in told for note in notes}
    assert len(names) == workers
    assert (f"process {os.getpid()}" in names) == (workers == 1)
    busy = [trial for trial, notes in told if any(trial in note.trials for note in notes)]
    assert len(busy) >= len(told) // 2  # a short training has ended before its epoch is heard of
    assert read_crew(tmp_path / "study").workers == ()


class Killer(Watcher):
    """Kills a worker when trial 1 begins its training, so many times."""

    def __init__(self, times):
        super().__init__()
        self.left, self.before = times, set(children())

    def state(self, trial):
        super().state(trial)
        if self.left and trial.state is TrialState.COSTED:
            self.left -= 1
            os.kill(next(pid for pid in children() if pid not in self.before), signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_that_dies_costs_nothing_but_time(run, configure):
    trials = run(configure(), Killer(1))
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


@pytest.mark.slow
def test_a_worker_that_dies_as_it_tells_an_epoch_holds_nobody_up(run, configure, monkeypatch):
    from tinynas.search.workers import local

    class Locked(Killer):
        """Leaves the queue of epochs as such a worker does."""

        def state(self, trial):
            if self.left and trial.state is TrialState.COSTED:
                crews[0]._news._wlock.acquire()
            super().state(trial)

    crews, start = [], local.ProcessWorkers._start
    monkeypatch.setattr(local.ProcessWorkers, "_start", lambda self: (crews.append(self), start(self))[1])
    trials = run(configure(trials=2), Locked(1))
    assert [trial.state for trial in trials] == [TrialState.DONE] * 2


def test_workers_that_die_again_and_again_stop_the_search_and_nothing_is_scored(run, configure, tmp_path, monkeypatch):
    from tinynas.search.workers import local

    monkeypatch.setattr(local.ProcessWorkers, "submit", lambda *_: _broken())
    with pytest.raises(HostError, match=r"died while it took trial 0 .* 3 times") as caught:
        run(configure())
    assert "--workers" in caught.value.advice
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert {trial.state for trial in study.trials()} == {TrialState.PROPOSED}


def _broken():
    from concurrent.futures import Future
    from concurrent.futures.process import BrokenProcessPool

    future = Future()
    future.set_exception(BrokenProcessPool("killed"))
    return future


DRIVER = """
import sys
from pathlib import Path
from tests.search.conftest import SETTINGS, Watcher
from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.search import load_task, run_search
from tinynas.study import Study

config = config_from_mapping({**SETTINGS, "training": {"epochs": 400, "batch_size": 32}}, "settings.yaml")
board = load_board("nucleo_f446re")

class Loud(Watcher):
    def epoch(self, *epoch):
        print("epoch", flush=True)

with Study.create(Path(sys.argv[1]), config=config.to_dict(), board=board.to_dict(), provenance={}) as study:
    run_search(study, config, board, load_task(config), Loud(), workers=2)
"""


@pytest.mark.slow
def test_workers_end_with_a_driver_that_is_killed(tmp_path):
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path / "study")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "epoch\n"
    group = driver.pid
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail("workers live on without their driver")
