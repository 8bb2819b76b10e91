"""A model as data."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tinynas.cost import lower
from tinynas.deploy import Graph, Op, Tensor
from tinynas.network import TCN

NET = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)


def graph(kind, shapes):
    x, w, out = (Tensor(s, "int8", constant=i == 1) for i, s in enumerate(shapes))
    return Graph((x, w, out), (Op(kind, (0, 1), (2,)),), (0,), (2,))


@pytest.mark.parametrize(
    ("kind", "shapes", "macs"),
    [
        ("CONV_2D", ((1, 1, 10, 3), (8, 1, 5, 3), (1, 1, 6, 8)), 6 * 8 * 5 * 3),
        ("DEPTHWISE_CONV_2D", ((1, 4, 4, 3), (1, 3, 3, 6), (1, 2, 2, 6)), 4 * 6 * 9),
        ("FULLY_CONNECTED", ((1, 30), (2, 30), (1, 2)), 60),
        ("ADD", ((1, 30), (1, 30), (1, 30)), 0),
    ],
)
def test_macs_by_hand(kind, shapes, macs):
    assert graph(kind, shapes).macs == macs


def test_bytes_of_constants():
    tensors = (
        Tensor((2, 3), "int8", True),
        Tensor((5,), "int32", True),
        Tensor((), "float32", True),
        Tensor((9,), "int8"),
    )
    assert Graph(tensors, (), (), ()).weights_bytes == 6 + 20 + 4


def test_structure_ignores_values_but_nothing_else():
    a = lower(NET)
    assert a.same_structure(lower(NET))
    assert a.same_structure(replace(a, tensors=tuple(replace(t, name="x") for t in a.tensors)))
    for other in (
        lower(NET, "float32"),
        lower(replace(NET, filters=5)),
        lower(replace(NET, skip_connections=True)),
        replace(a, ops=a.ops[::-1]),
        replace(a, outputs=(0,)),
    ):
        assert not a.same_structure(other)


def test_data_does_not_decide_equality():
    assert Tensor((2,), "int8", True, data=np.zeros(2, np.int8)) == Tensor((2,), "int8", True, data=np.ones(2, np.int8))


def test_models_are_costed_and_planned_without_tensorflow():
    code = (
        "import sys\n"
        "from tinynas.cost import Engine, estimate, tflite_bytes, lower\n"
        "from tinynas.deploy import pack, planner, flatbuffer, graph\n"
        "from tinynas.network import TCN\n"
        "estimate(TCN(filters=2, kernel_size=2, dilations=(1,), window=8, channels=2), Engine.tflm())\n"
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert', 'tflite_micro'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
