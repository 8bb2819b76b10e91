"""The official interpreter: outputs, arenas, and whatever it may be given."""

import subprocess
import sys
from tempfile import NamedTemporaryFile

import numpy as np
import pytest

from tests.deploy.candidates import filled
from tests.deploy.conftest import ANCHORS
from tinynas.cost import TflmInterpreter, lower
from tinynas.deploy import Graph, Op, Tensor, pack, read_graph
from tinynas.errors import ConversionError, ToolchainMissing, UnsupportedOp
from tinynas.tcn import Architecture

NET = Architecture(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)
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


def attack(code, *arguments):
    """Run code on MODEL in a process of its own: its exit status and what it printed."""
    with NamedTemporaryFile(suffix=".tflite") as file:
        file.write(MODEL)
        file.flush()
        command = [sys.executable, "-c", code, file.name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip()


def test_a_model_whose_operands_contradict_each_other():
    """TFLM checks this with an assertion that ends the process."""
    code = (
        "import sys\nfrom dataclasses import replace\n"
        "from tinynas.cost import TflmInterpreter\nfrom tinynas.deploy import pack, read_graph\n"
        "from tinynas.errors import ConversionError\n"
        "graph = read_graph(open(sys.argv[1], 'rb').read())\n"
        "ops = tuple(replace(op, kind='ADD') if op.kind == 'RESHAPE' else op for op in graph.ops)\n"
        "try:\n    TflmInterpreter(pack(replace(graph, ops=ops)))\nexcept ConversionError:\n    print('refused')\n"
    )
    assert attack(code) == (0, "refused")


# The interpreter trusts a file's offsets, and damaged ones end the process: they are tried in a process of their own.
ATTACK = """
import sys
import numpy as np
from tinynas.cost import TflmInterpreter
from tinynas.errors import TinynasError
model = open(sys.argv[1], 'rb').read()
rng = np.random.default_rng(int(sys.argv[2]))
for attempt in range(60):
    data = bytearray(model)
    if attempt % 6 == 0:
        data = data[: int(rng.integers(0, len(data)))]
    elif attempt % 6 == 1:
        data[8:] = rng.integers(0, 256, len(data) - 8, dtype=np.uint8).tobytes()
    else:
        for position in rng.integers(8, len(data), 4):
            data[position] = rng.integers(0, 256)
    try:
        interpreter = TflmInterpreter(bytes(data))
        interpreter.arena()
        interpreter.run(np.zeros((1, 20, 3), np.int8))
    except TinynasError:
        pass
print('alive')
"""


@pytest.mark.parametrize("seed", [8, 9])
def test_damaged_models_do_not_end_the_process(seed):
    assert attack(ATTACK, str(seed)) == (0, "alive")
