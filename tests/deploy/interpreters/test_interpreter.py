"""The official interpreters: outputs, arenas, and whatever they may be given."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.deploy.candidates import filled
from tests.deploy.conftest import ANCHORS
from tinynas.cost import lower
from tinynas.deploy import Graph, LitertInterpreter, Model, Op, Tensor, TflmInterpreter, pack, read_graph
from tinynas.deploy.interpreters import process
from tinynas.errors import ConversionError, HostError, ToolchainMissing, UnsupportedOp
from tinynas.hostfaults import is_host_fault
from tinynas.network import TCN

NET = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)
MODEL = pack(filled(lower(NET)))


def test_outputs_are_those_of_the_board(anchors):
    for name, (_, model) in anchors.items():
        graph = read_graph(model)
        window = np.frombuffer((ANCHORS / f"{name}.in").read_bytes(), np.int8)
        outputs = TflmInterpreter(model).run(window.reshape(graph.tensors[graph.inputs[0]].shape))
        assert outputs.tobytes() == (ANCHORS / f"{name}.out").read_bytes(), name


def test_windows_are_run_one_by_one_and_independently():
    windows = np.random.default_rng(0).integers(-128, 128, (5, 20, 3)).astype(np.int8)
    interpreter = TflmInterpreter(MODEL)
    together = interpreter.run(windows)
    assert together.shape == (5, 2)
    assert together.dtype == np.int8
    assert np.ptp(together)
    assert np.array_equal(interpreter.run(windows[::-1]), together[::-1])
    assert np.array_equal(np.concatenate([TflmInterpreter(MODEL).run(w[None]) for w in windows]), together)


def test_windows_may_be_views():
    windows = np.random.default_rng(0).integers(-128, 128, (3, 3, 20)).astype(np.int8).transpose(0, 2, 1)
    assert np.array_equal(TflmInterpreter(MODEL).run(windows), TflmInterpreter(MODEL).run(windows.copy()))


def test_no_windows_no_outputs():
    assert TflmInterpreter(MODEL).run(np.zeros((0, 20, 3), np.int8)).shape == (0, 2)


@pytest.mark.parametrize(
    "inputs", [np.zeros((1, 19, 3), np.int8), np.zeros((20, 3), np.int8), np.zeros((2, 20, 3), np.float32)]
)
def test_inputs_of_another_shape_or_type(inputs):
    with pytest.raises(ConversionError, match="needed"):
        TflmInterpreter(MODEL).run(inputs)


def test_a_bytearray_will_do():
    assert TflmInterpreter(bytearray(MODEL)).arena() == TflmInterpreter(MODEL).arena()


def test_the_arena_does_not_grow_with_use():
    interpreter = TflmInterpreter(MODEL)
    before = interpreter.arena()
    interpreter.run(np.zeros((4, 20, 3), np.int8))
    assert interpreter.arena() == before


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(ToolchainMissing, match="pip install --pre tflite-micro"):
        TflmInterpreter(MODEL)


@pytest.mark.parametrize(("kind", "operands"), [("GELU", (0,)), ("SIGN", (0,)), ("POW", (0, 0))])
def test_an_operator_that_tflm_lacks(kind, operands, capfd):
    model = pack(Graph((Tensor((1, 4), "float32"),) * 2, (Op(kind, operands, (1,)),), (0,), (1,)))
    with pytest.raises(UnsupportedOp, match=kind) as caught:
        TflmInterpreter(model)
    assert caught.value.disposition == "infeasible"
    assert capfd.readouterr().err == ""


def test_a_model_that_no_arena_holds():
    x, out = Tensor((1, 1 << 24), "int8"), Tensor((1, 1 << 24), "int8")
    with pytest.raises(ConversionError, match="rejects"):
        TflmInterpreter(pack(Graph((x, out), (Op("RELU", (0,), (1,)),), (0,), (1,))))


def stored(name):
    return (Path(__file__).parent / "models" / f"{name}.tflite").read_bytes()


@pytest.mark.parametrize("interpreter", [TflmInterpreter, LitertInterpreter])
def test_a_model_that_ends_the_interpreter_costs_one_error(interpreter):
    """Its scales are far apart: both interpreters check that by an assertion, and end by SIGABRT."""
    with pytest.raises(ConversionError, match="SIGABRT") as caught:
        interpreter(Model(stored("aborts"), "aborts.tflite"))
    assert (caught.value.where, caught.value.disposition) == ("aborts.tflite", "infeasible")
    assert not is_host_fault(caught.value)
    assert TflmInterpreter(MODEL).run(np.zeros((1, 20, 3), np.int8)).shape == (1, 2)


def test_a_model_that_ends_the_interpreter_in_the_middle_of_another_ones_work():
    before = TflmInterpreter(MODEL)
    windows = np.random.default_rng(1).integers(-128, 128, (2, 20, 3)).astype(np.int8)
    expected = before.run(windows)
    with pytest.raises(ConversionError):
        TflmInterpreter(stored("aborts"))
    assert np.array_equal(before.run(windows), expected)


def test_a_process_that_somebody_ends_is_no_fault_of_the_model(monkeypatch):
    TflmInterpreter(MODEL)
    child = process._kept.child
    send = process.send

    def killed(stream, *message):
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        send(stream, *message)

    monkeypatch.setattr(process, "send", killed)
    with pytest.raises(HostError, match="SIGKILL"):
        TflmInterpreter(MODEL).arena()
    monkeypatch.undo()
    assert TflmInterpreter(MODEL).arena().total_bytes > 0


def test_a_model_that_takes_too_long(monkeypatch):
    monkeypatch.setattr(process, "_DEADLINE_S", 0.2)
    monkeypatch.setattr(process, "send", lambda stream, *message: None)  # no request, no reply
    with pytest.raises(ConversionError, match=r"does not end within 0\.2 s"):
        LitertInterpreter(MODEL)


def test_modules_in_the_current_folder_are_not_imported(tmp_path):
    for name in ("tflite_micro", "numpy", "json", "tinynas"):
        tmp_path.joinpath(f"{name}.py").write_text("import os; os.write(2, b'imported'); os._exit(7)")
    code = (
        "import os, sys\nfrom tinynas.deploy import TflmInterpreter\nos.chdir(sys.argv[2])\n"
        "print(TflmInterpreter(open(sys.argv[1], 'rb').read()).arena().total_bytes > 0)"
    )
    file = tmp_path / "model.tflite"
    file.write_bytes(MODEL)
    command = [sys.executable, "-c", code, file, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


@pytest.mark.slow
def test_its_process_ends_with_the_one_that_asks():
    code = (
        "import sys\nfrom tinynas.deploy import LitertInterpreter\nfrom tinynas.deploy.interpreters import process\n"
        "import os\nLitertInterpreter(sys.stdin.buffer.read())\nprint(process._kept.child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=MODEL, capture_output=True, timeout=60, check=False)
    for _ in range(100):
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("it goes on")


def test_a_model_that_keeps_a_state_is_reset_before_each_window():
    model = Model(stored("lstm"))
    assert model.graph.ops[model.graph.stateful].kind == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    windows = np.random.default_rng(2).integers(-128, 128, (1, 28, 28)).astype(np.int8).repeat(3, 0)
    for interpreter in (TflmInterpreter(model), LitertInterpreter(model)):
        first, second, third = interpreter.run(windows)
        assert first.tolist() == second.tolist() == third.tolist()


def test_tflm_miscomputes_an_open_batch_and_litert_does_not():
    """The compiled C agrees with LiteRT: tests/hil/test_parity.py."""
    model = Model(stored("open_batch"))
    assert model.graph.open
    windows = np.random.default_rng(0).integers(-128, 128, (4, 128, 6)).astype(np.int8)
    apart = TflmInterpreter(model).run(windows).astype(int) - LitertInterpreter(model).run(windows)
    assert np.abs(apart).max() > 1
    assert not Model(MODEL).graph.open


def damaged(model, rng):
    """Cut short, scrambled, or with a few bytes changed."""
    data, how = bytearray(model), rng.integers(6)
    if how == 0:
        return bytes(data[: int(rng.integers(0, len(data)))])
    if how == 1:
        data[8:] = rng.integers(0, 256, len(data) - 8, dtype=np.uint8).tobytes()
    else:
        for position in rng.integers(8, len(data), 4):
            data[position] = rng.integers(0, 256)
    return bytes(data)


@pytest.mark.parametrize(
    "count", [pytest.param(40, id="40"), pytest.param(1500, id="1500", marks=pytest.mark.exhaustive)]
)
def test_damaged_models_cost_an_error_each_at_most(count):
    rng = np.random.default_rng(count)
    for _ in range(count):
        with contextlib.suppress(ConversionError):
            interpreter = TflmInterpreter(damaged(MODEL, rng))
            interpreter.arena()
            interpreter.run(np.zeros((1, 20, 3), np.int8))
    assert TflmInterpreter(MODEL).run(np.zeros((1, 20, 3), np.int8)).shape == (1, 2)
