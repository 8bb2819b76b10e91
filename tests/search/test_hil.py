"""The search with the hardware in the loop: what is measured when, and whose fault is whose."""

import dataclasses
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from tests.deploy.candidates import filled
from tests.hil._figures import FIGURES
from tinynas.cli import exit_code
from tinynas.config import HilOptions
from tinynas.cost import Engine, estimate, lower
from tinynas.deploy import pack
from tinynas.errors import (
    BoardError,
    BoardNotFound,
    ConfigError,
    FlashError,
    FlashOverflow,
    LinkTimeout,
    NoFeasibleCandidate,
    ParityError,
    RamOverflow,
    StudyError,
)
from tinynas.hil import measure as module
from tinynas.hil import pool as pool_module
from tinynas.hil.boards import SerialRig, VirtualRig
from tinynas.hil.image import Toolchain
from tinynas.network import TCN
from tinynas.search import Problem, check_compiler, choose_compiler
from tinynas.search import bench as bench_module
from tinynas.search import problem as problem_module
from tinynas.search.bench import Bench
from tinynas.study import Study


class Rig:
    """Stands in for `measure`: answers with figures, or with the next of some errors."""

    def __init__(self, *errors, **figures):
        self.errors, self.calls, self.options = list(errors), [], {}
        self.figures = dataclasses.replace(FIGURES, **figures)

    def __call__(self, board, model, **options):
        self.calls.append(model)
        self.options = options
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return self.figures


@pytest.fixture
def taken(monkeypatch):
    """A pool that has a board whenever one is asked for: the pools that were asked."""
    pools = []

    def take(pool):
        pools.append(pool)
        return nullcontext()

    monkeypatch.setattr(pool_module.BoardPool, "take", take)
    return pools


@pytest.fixture
def rig(monkeypatch, taken):
    def install(*errors, **figures):
        made = Rig(*errors, **figures)
        monkeypatch.setattr(module, "measure", made)
        monkeypatch.setattr(bench_module, "_PAUSE_S", 0.0)
        return made

    return install


def test_the_engine_is_the_compiled_one_and_its_limits_are_the_boards(configure, board, tasks):
    config = configure(mode="hil")
    assert config.aot
    limits = Problem(board, tasks(config), config).limits
    assert (limits.sram_bytes, limits.flash_bytes) == (128 * 1024, 512 * 1024)
    lower = configure(mode="hil", objective={"limits": {"sram_bytes": 5000}})
    assert Problem(board, tasks(config), lower).limits.sram_bytes == 5000
    assert not configure().aot
    assert configure(cost={"engine": "aot"}).aot


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"mode": "hil", "cost": {"engine": "tflm"}}, "hil.tflm_root"),
        ({"mode": "hil", "hil": {"tflm_root": "tflite-micro"}}, "hil.tflm_root"),
        ({"mode": "tflm", "cost": {"engine": "aot"}}, "cost.engine"),
        ({"cost": {"compiler": "zig"}}, "cost.compiler"),
        ({"mode": "hil", "conversion": {"precision": "float32"}}, "conversion.precision"),
        ({"hil": {"flasher": "magic"}}, "hil.flasher"),
    ],
)
def test_contradictions_are_refused(configure, changes, key):
    with pytest.raises(ConfigError) as caught:
        configure(**changes)
    assert caught.value.where == f"settings.yaml:{key}"


LIBRARY = {"mode": "hil", "cost": {"engine": "tflm"}, "hil": {"link": "virtual", "tflm_root": "tflite-micro"}}


def test_the_interpreter_on_the_board(configure, board, tasks, search, tmp_path, rig, monkeypatch):
    config = configure(**LIBRARY, trials=1)
    assert not config.aot
    compiled = configure(mode="hil")
    task = tasks(config)
    # The firmware is around it as well.
    assert Problem(board, task, config).limits == Problem(board, task, compiled).limits
    made = rig(engine="tflm")
    with pytest.raises(ConfigError, match="no folder of TensorFlow Lite Micro") as caught:
        search(tmp_path / "none", config)
    assert caught.value.where == "hil.tflm_root tflite-micro"
    assert made.calls == []
    monkeypatch.setattr(problem_module.TflmLibrary, "find", lambda *arguments: None)
    (trial,) = search(tmp_path / "study", config)
    assert (made.options["engine"], made.options["tflm_root"]) == ("tflm", "tflite-micro")
    assert (trial.measurement["engine"], trial.measurement["source"]) == ("tflm", "virtual")
    assert trial.measurement["predicted_flash_bytes"] > 80_000  # of the interpreter's resource model


def test_float_models_are_not_measured(configure):
    options = {**LIBRARY, "conversion": {"precision": "float32"}}
    with pytest.raises(ConfigError, match="only int8 models are measured"):
        configure(**options)


@pytest.mark.slow
def test_candidates_are_measured_before_and_after_their_training(search, configure, tmp_path, rig, taken):
    made = rig()
    options = {"probe": "07", "flasher": "pyocd", "recover": "uhubctl -a cycle", "keep": str(tmp_path / "lines")}
    trials = search(tmp_path / "study", configure(mode="hil", trials=2, hil=options))
    assert {(one.link, one.probe_id, one.flasher, one.recover) for one in taken} == {
        ("auto", "07", "pyocd", "uhubctl -a cycle")
    }
    assert [trial.state for trial in trials] == ["done", "done"]
    assert len(made.calls) == 4
    assert made.calls[0] != made.calls[1]  # perturbed, then trained
    assert (made.options["link"], made.options["window"].dtype) == ("auto", "int8")
    assert made.options["transcript"].parent == tmp_path / "lines"
    assert made.options["window"].shape[0] == 64
    found = trials[0].measurement
    assert (found["sram_bytes"], found["flash_bytes"], found["latency_us"]) == (3700, 20_000, 100.0)
    assert (found["source"], found["engine"], found["parity"]) == ("virtual", "aot", True)
    assert 1000 < found["predicted_sram_bytes"] != 3700
    assert 5000 < found["predicted_flash_bytes"] != 20_000


def test_what_is_measured_too_large_is_never_trained(search, configure, tmp_path, rig, watcher):
    rig(sram_bytes=200_000)
    seen = watcher()
    with pytest.raises(NoFeasibleCandidate):
        search(tmp_path / "study", configure(mode="hil", trials=2), seen)
    assert [state for _, state in seen.states if state != "proposed"] == ["costed", "infeasible"] * 2
    assert not seen.epochs


@pytest.mark.slow
@pytest.mark.parametrize("error", [FlashOverflow("600000 bytes of flash are needed"), RamOverflow("too much")])
def test_what_does_not_link_is_infeasible_by_the_penalty(search, configure, tmp_path, rig, error):
    rig(error)
    trials = search(tmp_path / "study", configure(mode="hil", trials=2))
    assert [trial.state for trial in trials] == ["infeasible", "done"]
    assert trials[0].objective >= 10.0 > trials[1].objective
    assert trials[0].reason == error.message


@pytest.mark.slow
def test_a_rig_that_recovers_is_never_scored(search, configure, tmp_path, rig):
    made = rig(LinkTimeout("no answer"), LinkTimeout("no answer"), None, LinkTimeout("no answer"))
    trials = search(tmp_path / "study", configure(mode="hil", trials=1))
    assert trials[0].state == "done"
    assert len(made.calls) == 5
    assert made.calls[0] == made.calls[1] == made.calls[2]


@pytest.mark.slow
def test_a_rig_that_does_not_recover_ends_the_search_which_goes_on_later(search, configure, tmp_path, rig):
    config = configure(mode="hil", trials=2)
    made = rig(None, None, *[LinkTimeout("no answer", where="/dev/ttyACM0")] * 3)
    with pytest.raises(BoardError, match="failed 3 times: no answer"):
        search(tmp_path / "study", config)
    assert len(made.calls) == 5
    rig()
    assert [trial.state for trial in search(tmp_path / "study", config)] == ["done", "done"]


@pytest.mark.parametrize("error", [ParityError("1 of 2 outputs differ"), BoardNotFound("none is attached")])
def test_what_no_second_try_would_mend_ends_it_at_once(search, configure, tmp_path, rig, error):
    made = rig(error)
    with pytest.raises(type(error)):
        search(tmp_path / "study", configure(mode="hil", trials=1))
    assert len(made.calls) == 1


@pytest.mark.slow
def test_another_compiler_does_not_go_on(search, configure, tmp_path, rig):
    config = configure(mode="hil", trials=2)
    rig(None, None, BoardNotFound("none is attached"))
    with pytest.raises(BoardNotFound):
        search(tmp_path / "study", config)
    rig(toolchain="another gcc")
    with pytest.raises(StudyError, match="built by another gcc, those of earlier trials were by gcc"):
        search(tmp_path / "study", config)
    rig()
    trials = search(tmp_path / "study", config)
    assert [(trial.state, trial.measurement["toolchain"]) for trial in trials] == [("done", "gcc")] * 2


@pytest.mark.slow
def test_the_compiler_that_builds_is_the_one_whose_sizes_are_predicted(search, configure, tmp_path, rig, monkeypatch):
    made = rig()
    monkeypatch.setattr(Toolchain, "detect", classmethod(lambda cls, kind=None: Toolchain(kind, (), "made up")))
    predicted = {}
    for kind in ("gcc", "zig"):
        monkeypatch.setattr(Toolchain, "installed", staticmethod(lambda kind=kind: (kind,)))
        (trial,) = search(tmp_path / kind, configure(mode="hil", trials=1))
        assert made.options["toolchain"].kind == kind
        predicted[kind] = trial.measurement["predicted_flash_bytes"]
    assert predicted["zig"] > predicted["gcc"]


def test_a_study_keeps_its_compiler(configure, monkeypatch):
    monkeypatch.setattr(Toolchain, "installed", staticmethod(lambda: ("gcc", "zig")))
    assert choose_compiler(configure(mode="hil")).cost.compiler == "gcc"
    assert choose_compiler(configure(mode="hil", cost={"compiler": "zig"})).cost.compiler == "zig"
    monkeypatch.setattr(Toolchain, "installed", staticmethod(tuple))
    assert choose_compiler(configure(cost={"engine": "aot"})).cost.compiler == "gcc"
    assert choose_compiler(configure()).cost.compiler is None


def test_a_resume_with_the_other_compiler_says_so(configure, board, tmp_path, monkeypatch):
    study = Study.create(tmp_path / "study", config={}, board=board.to_dict(), provenance={})
    monkeypatch.setattr(Toolchain, "installed", staticmethod(lambda: ("zig",)))
    by_gcc = {"compiler": "gcc"}
    with pytest.raises(StudyError, match="are built by gcc, here is zig"):
        check_compiler(study, configure(mode="hil", cost=by_gcc))
    remark = check_compiler(study, configure(cost={"engine": "aot", **by_gcc}))
    assert remark == "costs stay those of images built by gcc, with which this study began; here is zig"
    assert check_compiler(study, configure(mode="hil", cost={"compiler": "zig"})) is None
    assert check_compiler(study, configure()) is None
    study.close()


class Desk:
    """Two attached boards that are virtual ones; one or both do not start."""

    def __init__(self, monkeypatch, broken):
        self.broken, self.starts = set(broken), []
        monkeypatch.setattr(bench_module, "_PAUSE_S", 0.0)
        monkeypatch.setattr(pool_module, "rigs_for", lambda board, **options: [self.rig(key) for key in "AB"])

    def rig(self, key):
        desk = self

        class DeskRig(SerialRig):
            source = "virtual"

            @contextmanager
            def running(self, image):
                desk.starts.append(key)
                if key in desk.broken:
                    raise FlashError("SWD ERROR", where=key)
                with VirtualRig().running(image) as link:
                    yield link

        return DeskRig(f"/dev/{key}", 115_200, None, key)


@pytest.fixture
def desk(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path / "state"))
    return lambda *broken: Desk(monkeypatch, broken)


def measure_once(board):
    network = TCN(2, 2, (1,), window=16, channels=6)
    bench = Bench(board, HilOptions())
    model = pack(filled(lower(network)))
    return bench.measured(model, estimate(network, Engine.aot(board)), np.zeros((16, 6), np.float32))


@pytest.mark.slow
@pytest.mark.emulator
def test_a_candidate_goes_to_the_other_board_when_one_is_lost(board, desk):
    made = desk("A")
    assert measure_once(board).parity
    assert measure_once(board).parity
    assert made.starts == ["A", "B", "B"]


@pytest.mark.slow
def test_as_many_measurements_at_a_time_as_boards_are_attached(board, configure, desk, monkeypatch):
    desk()
    assert bench_module.count_boards(board, configure(mode="hil")) == 2
    assert bench_module.count_boards(board, configure(mode="hil", hil={"link": "virtual"})) is None
    assert bench_module.count_boards(board, configure()) is None
    monkeypatch.undo()
    assert bench_module.count_boards(board, configure(mode="hil", hil={"link": "/dev/none"})) == 1


def test_the_boards_of_a_search_as_its_dashboard_is_told(board, configure, monkeypatch):
    look = bench_module.look_at_boards
    virtual = {"mode": "hil", "hil": {"link": "virtual"}}
    [note] = look(board, configure(**virtual))
    assert (note.name, note.state, note.detail) == ("nucleo_f446re", "virtual", "one for each measurement")
    assert look(board, configure()) == []
    assert look(board, configure(**virtual, dask="tcp://a:1")) == []  # they are at the cluster's workers
    monkeypatch.setattr(pool_module, "rigs_for", lambda board, **options: [SerialRig("/dev/A", 115_200, None, "A")])
    assert [(one.name, one.state) for one in look(board, configure(mode="hil"))] == [("A", "free")]


@pytest.mark.slow
@pytest.mark.emulator
def test_the_last_board_s_failure_is_an_exit_code_4(board, desk):
    desk("A", "B")
    with pytest.raises(BoardError, match="SWD ERROR") as caught:
        measure_once(board)
    assert exit_code(caught.value) == 4


@pytest.mark.slow
@pytest.mark.emulator
def test_a_search_that_loses_its_boards_goes_on_with_them_later(search, configure, tmp_path, desk):
    config = configure(mode="hil", trials=1)
    made = desk("A", "B")
    with pytest.raises(BoardError, match="SWD ERROR"):
        search(tmp_path / "study", config)
    made.broken.clear()
    assert [trial.state for trial in search(tmp_path / "study", config)] == ["done"]


def test_pauses_grow(board, monkeypatch, taken):
    monkeypatch.setattr(module, "measure", Rig(*[LinkTimeout("no answer")] * 3))
    network, pauses = TCN(2, 2, (1,), window=16, channels=6), []
    bench = Bench(board, HilOptions(link="virtual"), sleep=pauses.append)
    with pytest.raises(BoardError):
        bench.measured(
            pack(filled(lower(network))), estimate(network, Engine.aot(board)), np.zeros((16, 6), np.float32)
        )
    assert len(pauses) == 2
    assert 0 < pauses[0] < pauses[1]


@pytest.mark.emulator
def test_a_search_on_a_virtual_board(search, configure, tmp_path):
    trials = search(tmp_path / "study", configure(mode="hil", trials=2, hil={"link": "virtual"}))
    assert [trial.state for trial in trials] == ["done", "done"]
    for trial in trials:
        found = trial.measurement
        assert found["source"] == "virtual"
        assert found["parity"] is True
        assert found["latency_us"] > 0
        assert found["predicted_sram_bytes"] == pytest.approx(found["sram_bytes"], rel=0.1)
        assert found["predicted_flash_bytes"] == pytest.approx(found["flash_bytes"], rel=0.1)
