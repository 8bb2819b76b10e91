"""Searches on a Dask cluster of processes: which of them may be killed, and what that costs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from tests._tools import require
from tests.search.conftest import SETTINGS, Watcher, merged
from tests.search.workers._clusters import Processes
from tinynas.errors import HostError
from tinynas.search import check_cluster, run_search
from tinynas.study import Study, TrialState

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path):
    made = Processes(tmp_path)
    yield made
    made.close()


@pytest.fixture
def run(board, tasks, tmp_path):
    def run(config, address, observer):
        folder = tmp_path / "study"
        exists = (folder / "study.db").exists()
        about = {"config": config.to_dict(), "board": board.to_dict(), "provenance": {}}
        with Study.open(folder) if exists else Study.create(folder, **about) as study:
            run_search(study, config, board, tasks(config), observer, dask=address)
            return study.trials()

    return run


class Trouble(Watcher):
    """Does something once, when a trial has reached a state, or is in its training."""

    def __init__(self, action, state=None):
        super().__init__()
        self.action, self.wanted = action, state

    def epoch(self, *epoch):
        super().epoch(*epoch)
        if self.wanted is None:
            self._act()

    def state(self, trial):
        super().state(trial)
        if self.wanted == trial.state:
            self._act()

    def _act(self):
        action, self.action = self.action, lambda: None
        action()


LONG = {"training": {"epochs": 30, "batch_size": 32, "patience": 30}}
STATES = [TrialState.PROPOSED, TrialState.COSTED, TrialState.TRAINED, TrialState.CONVERTED]


def test_workers_that_are_killed_in_any_state_of_a_trial_cost_nothing_but_time(cluster, run, configure):
    cluster.scheduler()
    workers = [cluster.worker(), cluster.worker()]
    killed = []

    class Killer(Watcher):
        """In each trial kills a worker in another state; its nanny starts another one."""

        def state(self, trial):
            super().state(trial)
            if trial.state == STATES[trial.id] and trial.id not in killed:
                killed.append(trial.id)
                cluster.inside(workers[trial.id % 2]).kill()

    trials = run(configure(), cluster.address, Killer())
    assert sorted(killed) == [0, 1, 2, 3]
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


def test_a_scheduler_that_is_killed_is_waited_for(cluster, run, configure):
    scheduler = cluster.scheduler()
    cluster.worker()

    def replace():
        scheduler.kill()
        scheduler.wait()
        cluster.scheduler()
        cluster.worker()

    trials = run(configure(**LONG), cluster.address, Trouble(replace))
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


def test_a_scheduler_that_does_not_come_back_ends_the_search_and_a_resume_goes_on(cluster, run, configure, monkeypatch):
    from tinynas.search.workers import cluster as module

    monkeypatch.setattr(module, "_JOIN_S", 2.0)
    monkeypatch.setattr(module, "_ANSWER_S", 1.0)
    scheduler = cluster.scheduler()
    cluster.worker()
    with pytest.raises(HostError, match="no scheduler answers"):
        run(configure(), cluster.address, Trouble(scheduler.kill, TrialState.TRAINED))
    monkeypatch.undo()
    cluster.scheduler()
    cluster.worker()
    trials = run(configure(), cluster.address, Watcher())
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


DRIVER = """
import json, sys
from pathlib import Path
from tests.search.conftest import Watcher
from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.search import load_task, run_search
from tinynas.study import Study

config = config_from_mapping(json.loads(sys.argv[2]), "settings.yaml")
board = load_board("nucleo_f446re")

class Loud(Watcher):
    def epoch(self, *epoch):
        print("epoch", flush=True)

with Study.create(Path(sys.argv[1]), config=config.to_dict(), board=board.to_dict(), provenance={}) as study:
    run_search(study, config, board, load_task(config), Loud(), dask=config.dask)
"""


def test_a_driver_that_is_killed_leaves_workers_to_the_next_one(cluster, run, configure, tmp_path):
    cluster.scheduler()
    cluster.worker()
    settings = merged(SETTINGS, {"training": {"epochs": 100_000, "patience": 100_000}, "dask": cluster.address})
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "study"), json.dumps(settings)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "epoch\n"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    # The training that nobody waits for any longer ends by itself: the only worker is free again.
    trials = run(configure(), cluster.address, Watcher())
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


def test_a_worker_of_another_tinynas_is_refused_by_name_and_the_others_do_the_work(
    cluster, run, configure, tmp_path, caplog
):
    import shutil

    import tinynas

    other = tmp_path / "other"
    shutil.copytree(Path(tinynas.__file__).parent, other / "tinynas")
    for name in ("boards", "configs", "datasets", "firmware"):
        (other / name).symlink_to(Path(tinynas.__file__).parents[1] / name)
    with (other / "tinynas" / "objective.py").open("a") as changed:
        changed.write("# another version\n")
    cluster.scheduler()
    cluster.worker(PYTHONPATH=str(other))
    bare = tmp_path / "bare" / "tinynas"
    bare.mkdir(parents=True)
    (bare / "__init__.py").write_text("raise ImportError('an old one')\n")
    cluster.worker(PYTHONPATH=str(bare.parent))
    cluster.worker()
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)  # or the search ends before the others come
    trials = run(configure(trials=2), cluster.address, Watcher())
    assert [trial.state for trial in trials] == [TrialState.DONE] * 2
    assert "is refused: tinynas is 0.1.0 (sources " in caplog.text
    assert "is refused: it has no such tinynas" in caplog.text


@pytest.fixture
def certificates(tmp_path):
    """An authority, and a key and certificate that it has signed: environment of those who use them."""
    require("openssl")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=tmp_path)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=own")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "own.pem")
    own = {"KEY": tmp_path / "own.key", "CERT": tmp_path / "own.pem"}
    roles = {f"{role}__{name}": path for role in ("SCHEDULER", "WORKER", "CLIENT") for name, path in own.items()}
    settings = {"CA_FILE": tmp_path / "ca.pem", **roles}
    return {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        **{f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(path) for name, path in settings.items()},
    }


def test_tls_lets_in_who_has_a_certificate_and_nobody_else(tmp_path, certificates, configure, board, monkeypatch):
    from tinynas.search.workers import cluster as module

    cluster = Processes(tmp_path, certificates, "tls")
    try:
        cluster.scheduler()
        cluster.worker()
        monkeypatch.setattr(module, "_ANSWER_S", 5.0)
        config = configure(dask=cluster.address)
        with pytest.raises(HostError, match="no scheduler answers"):
            check_cluster(board, config)
        with pytest.raises(HostError, match="no scheduler answers"):
            check_cluster(board, configure(dask=cluster.address.replace("tls", "tcp")))
        script = (
            "import sys; from tinynas.board import load_board; from tinynas.config import Config\n"
            "from tinynas.search import check_cluster\n"
            "check_cluster(load_board('nucleo_f446re'), Config(dask=sys.argv[1]))"
        )
        environment = {**os.environ, **certificates}
        subprocess.run([sys.executable, "-c", script, cluster.address], env=environment, check=True, timeout=120)
    finally:
        cluster.close()
