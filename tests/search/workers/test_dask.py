"""Searches on a Dask cluster whose workers are threads of this process: who gets which stage, and who is refused."""

import itertools
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from distributed import Client, get_worker

from tests.search.conftest import Watcher
from tests.search.workers._clusters import threads
from tinynas.errors import BoardNotFound, ConfigError, HostError, LinkTimeout
from tinynas.search import check_cluster, run_search, running
from tinynas.search.running import RunningTrials
from tinynas.search.workers import Setup, Step, remote
from tinynas.search.workers import cluster as cluster_module
from tinynas.search.workers import dask as dask_module
from tinynas.search.workers.dask import DaskWorkers
from tinynas.study import Study, TrialState

BOARD = {"board:nucleo_f446re": 1}
NEXT = {
    TrialState.PROPOSED: Step(TrialState.COSTED, measurement={"sram_bytes": 5}),
    TrialState.COSTED: Step(TrialState.TRAINED, artefacts={"weights": b"w"}),
    TrialState.TRAINED: Step(TrialState.CONVERTED, artefacts={"tflite": b"t"}),
    TrialState.CONVERTED: Step(TrialState.MEASURED, measurement={"sram_bytes": 6}, metrics={"error_int8": 0.5}),
    TrialState.MEASURED: Step(TrialState.DONE, objective=0.5, feasible=True),
}
MEASURING = {TrialState.PROPOSED, TrialState.CONVERTED}


class Stages:
    """Stands in for what a worker does with a trial, and notes who did what."""

    def __init__(self):
        self.seen, self.trouble = [], lambda name, trial: None

    def __call__(self, setup, on_epoch):
        self.setup, self.on_epoch = setup, on_epoch
        return self

    def run(self, trial, files, board=0):
        name = get_worker().name
        self.seen.append((name, trial.state))
        self.trouble(name, trial)
        if trial.state is TrialState.COSTED:
            self.on_epoch(trial.id, 0, 0.25)
        assert trial.state is not TrialState.TRAINED or list(files.values()) == [b"w"]
        return [NEXT[trial.state]]

    def names(self, *states):
        return [name for name, state in self.seen if state in states]


@pytest.fixture
def stages(monkeypatch):
    made = Stages()
    monkeypatch.setattr(remote, "Worker", made)
    monkeypatch.setattr(remote, "load_tensorflow", lambda _threads: True)
    monkeypatch.setattr(cluster_module, "toolchain_version", _same_version)
    monkeypatch.setattr(cluster_module, "_REFUSED_S", 0.2)
    return made


@pytest.fixture
def run(board, tmp_path):
    """Take some trials to their end on a cluster; returns them, and what was told of their epochs."""

    def run(config, address, trials=4):
        folder, epochs = tmp_path / "study", []
        with Study.create(folder, config={}, board={}, provenance={}) as study:
            setup = Setup(config, board, None, folder)
            workers = DaskWorkers(address, setup, lambda *epoch: epochs.append(epoch))
            try:
                at_work = RunningTrials([study], workers, lambda *_news: None)
                numbers = iter(range(trials))
                while len(study.trials()) < trials or len(at_work):
                    for number in islice(numbers, max(0, workers.count - len(at_work))):
                        at_work.add(study.propose(params=None, architecture={}, key=str(number), seed=number))
                    at_work.finished()
            finally:
                workers.close()
            return study.trials(), epochs

    return run


def _same_version(_compiler):
    return "gcc 13"


def test_every_trial_is_finished_trainings_are_heard_of_and_data_are_sent_once(run, configure, stages, monkeypatch):
    sent, packed = [], dask_module._packed
    monkeypatch.setattr(dask_module, "_packed", lambda setup: sent.append(packed(setup)) or sent[-1])
    with threads(a={}, b={}) as address:
        trials, epochs = run(configure(), address, trials=8)
        with Client(address, set_as_default=False) as client:
            folders = client.run(lambda dask_worker: dask_worker.local_directory).values()
            [name, _] = sent[0]
            assert set(client.run(lambda dask_worker: name in dask_worker.plugins).values()) == {False}
        assert [[file.name for file in Path(folder).glob("tinynas-*")] for folder in folders] == [[name], [name]]
    assert [trial.state for trial in trials] == [TrialState.DONE] * 8
    assert len(stages.seen) == 8 * 5
    assert set(stages.names(*TrialState)) == {"a", "b"}
    assert sorted(epochs) == [(number, 0, 0.25) for number in range(8)]


@pytest.mark.slow
def test_what_a_cluster_finds_is_what_this_process_finds(configure, board, tasks, tmp_path, finished):
    config = configure()
    with threads(a={}) as address, Study.create(tmp_path / "study", config={}, board={}, provenance={}) as study:
        run_search(study, config, board, tasks(config), Watcher(), dask=address)
        found = [trial.objective for trial in study.trials()]
    with Study.open(finished[0], readonly=True) as study:
        assert found == [trial.objective for trial in study.trials()]


def test_only_a_worker_with_the_board_measures_and_it_does_not_train(run, configure, stages):
    with threads(trainer={}, desk=BOARD, other={"board:nucleo_l476rg": 1}) as address:
        trials, _ = run(configure(mode="hil"), address)
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4
    assert stages.names(*MEASURING) == ["desk"] * 8
    assert set(stages.names(*set(TrialState) - MEASURING)) <= {"trainer", "other"}


def test_a_board_serves_one_measurement_at_a_time(run, configure, stages):
    at_once, busy, lock = [], [], threading.Lock()

    def trouble(_name, trial):
        if trial.state in MEASURING:
            with lock:
                busy.append(trial.id)
                at_once.append(len(busy))
            threading.Event().wait(0.02)
            with lock:
                busy.remove(trial.id)

    stages.trouble = trouble
    with threads(a={}, b={}, one=BOARD, two=BOARD) as address:
        run(configure(mode="hil"), address, trials=8)
    assert max(at_once) == 2


@pytest.mark.slow
def test_a_worker_with_the_board_trains_where_there_is_no_other(run, configure, stages):
    with threads(desk=BOARD) as address:
        run(configure(mode="hil"), address, trials=1)
    assert stages.names(*TrialState) == ["desk"] * 5


def test_without_a_board_a_search_does_not_begin(run, configure, board, stages, monkeypatch):
    monkeypatch.setattr(cluster_module, "_JOIN_S", 0.2)
    with threads(trainer={}) as address:
        with pytest.raises(BoardNotFound, match="no worker has a board:nucleo_f446re") as caught:
            run(configure(mode="hil"), address)
        assert f"dask worker {address} --nthreads 1 --resources board:nucleo_f446re=1" in caught.value.advice
        with pytest.raises(BoardNotFound):
            check_cluster(board, configure(mode="hil", dask=address))
        check_cluster(board, configure(dask=address))


def test_a_worker_whose_disk_is_full_is_set_aside(run, configure, stages, caplog):
    def trouble(name, trial):
        if name == "a" and trial.state is TrialState.COSTED:
            raise HostError("the disk is full", where="/tmp/x")

    stages.trouble = trouble
    with threads(a={}, b={}) as address:
        trials, _ = run(configure(), address)
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4
    assert "is set aside: /tmp/x: the disk is full" in caplog.text
    assert stages.names(TrialState.COSTED).count("a") == 1


def test_who_works_is_told_and_why_one_gets_no_work(run, configure, stages, monkeypatch):
    monkeypatch.setattr(dask_module, "_LOOK_S", 0.0)
    told = {}

    def trouble(name, trial):
        if name == "a" and trial.state is TrialState.COSTED:
            raise HostError("the disk is full", where="/tmp/x")
        threading.Event().wait(0.05)

    def see(workers, see_members=DaskWorkers._see_members):
        found = see_members(workers)
        for note in found.values():
            told.setdefault(note.name, []).append(note)
        return found

    stages.trouble = trouble
    monkeypatch.setattr(DaskWorkers, "_see_members", see)
    with threads(a={}, b={}) as address:
        run(configure(), address, trials=8)
    assert len(told) == 2
    [refused] = [notes for notes in told.values() if notes[-1].problem is not None]
    assert refused[-1].problem == "/tmp/x: the disk is full"
    [good] = [notes for notes in told.values() if notes[-1].problem is None]
    assert {trial for note in good for trial in note.trials} <= set(range(8))
    assert any(note.trials for note in good)
    # What is the same as before has begun when it did before.
    for before, after in itertools.pairwise(good):
        assert before.trials != after.trials or before.since == after.since


def test_where_every_disk_is_full_the_search_stops_and_nothing_is_scored(run, configure, stages, tmp_path):
    def trouble(_name, trial):
        raise HostError("the disk is full", where="/tmp/x")

    stages.trouble = trouble
    with threads(a={}, b={}) as address, pytest.raises(HostError, match="is full"):
        run(configure(), address)
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert {trial.state for trial in study.trials()} == {TrialState.PROPOSED}


def test_a_worker_whose_board_fails_is_set_aside_and_the_last_one_ends_the_search(run, configure, stages, tmp_path):
    def trouble(name, trial):
        if trial.state in MEASURING and (name == "one" or len(stages.seen) > 20):
            raise LinkTimeout("no answer", where=name)

    stages.trouble = trouble
    with threads(a={}, one=BOARD, two=BOARD) as address, pytest.raises(LinkTimeout, match="no answer"):
        run(configure(mode="hil"), address, trials=20)
    assert stages.names(*MEASURING).count("one") == 1
    with Study.open(tmp_path / "study", readonly=True) as study:
        states = {trial.state for trial in study.trials()}
    assert states - {TrialState.DONE}
    assert not {TrialState.FAILED, TrialState.INFEASIBLE} & states


def test_a_stage_beyond_its_deadline_runs_again_elsewhere_and_is_not_scored(
    run, configure, stages, monkeypatch, caplog
):
    release, hung = threading.Event(), []

    def trouble(name, trial):
        if trial.state is TrialState.TRAINED and not hung:
            hung.append(name)
            release.wait(60)

    stages.trouble = trouble
    monkeypatch.setattr(running, "_PATIENCE_S", (3.0, 3.0))
    with threads(a={}, b={}) as address:
        try:
            trials, _ = run(configure(), address)
        finally:
            release.set()
    assert hung
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4
    assert "it hangs, and runs without a nanny" in caplog.text


def test_a_training_that_was_given_up_ends_at_its_next_epoch(run, configure, stages, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def trouble(_name, trial):
        if trial.state is TrialState.COSTED and not begun.is_set():
            begun.set()
            try:
                while not ended.wait(0.05):
                    stages.on_epoch(trial.id, 1, 0.5)
            except remote.Unwanted:
                ended.set()
                raise

    stages.trouble = trouble
    monkeypatch.setattr(running, "_PATIENCE_S", (3.0, 3.0))
    with threads(a={}, b={}) as address:
        trials, _ = run(configure(), address)
        assert ended.wait(10)
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4


def test_workers_of_another_version_are_refused_by_name(run, configure, stages, monkeypatch):
    mine = cluster_module.credentials()
    monkeypatch.setattr(cluster_module, "credentials", lambda: {**mine, "tinynas": "0.0.9"} if _in_worker() else mine)
    with threads(a={}) as address, pytest.raises(HostError) as caught:
        run(configure(), address)
    assert "is refused: tinynas is 0.0.9 there and" in str(caught.value)


def _in_worker():
    return threading.current_thread() is not threading.main_thread()


VERSIONS: list[str] = []


def _next_version(_compiler):
    return VERSIONS.pop(0)


def test_a_board_s_worker_with_another_compiler_is_refused_by_name(run, configure, stages, monkeypatch, caplog):
    monkeypatch.setattr(cluster_module, "toolchain_version", _next_version)
    VERSIONS[:] = ["gcc 13", "gcc 1"]
    with threads(a={}, one=BOARD, two=BOARD) as address:
        run(configure(mode="hil"), address)
    assert len(set(stages.names(*MEASURING))) == 1
    assert "is refused: it builds images by gcc 1, the search by gcc 13" in caplog.text


def _no_version(_compiler):
    return None


def test_a_worker_without_a_compiler_is_refused(run, configure, stages, monkeypatch):
    monkeypatch.setattr(cluster_module, "toolchain_version", _no_version)
    with threads(one=BOARD) as address, pytest.raises(HostError, match="it has a board, and no compiler"):
        run(configure(mode="hil"), address)


def test_a_scheduler_that_is_not_there(configure, board, monkeypatch):
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 0.5)
    with pytest.raises(HostError, match="no scheduler answers") as caught:
        check_cluster(board, configure(dask="tcp://127.0.0.1:9"))
    assert "dask scheduler" in caught.value.advice
    with pytest.raises(ConfigError, match="is no address"):
        check_cluster(board, configure(dask="desk.local"))


def test_without_dask_the_error_says_how_to_get_it(configure, board, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        check_cluster(board, configure(dask="tcp://127.0.0.1:9"))
    assert caught.value.advice == "pip install 'tinynas[dask]'"


def test_a_cluster_has_its_own_number_of_workers(configure):
    with pytest.raises(ConfigError, match="number of workers of its own"):
        configure(dask="tcp://127.0.0.1:9", workers=2)
