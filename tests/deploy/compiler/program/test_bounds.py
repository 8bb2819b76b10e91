"""Limits: what a small file may ask for is refused before it takes memory or time, and nothing sensible is."""

import re
import time
import tracemalloc
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from tests.deploy._building import Model
from tinynas.deploy import Graph, compile_model, pack
from tinynas.deploy.compiler.program import bounds
from tinynas.deploy.compiler.program.bounds import check_program
from tinynas.deploy.compiler.program.ir import Access, Operator, Program, Rows, Value
from tinynas.deploy.compiler.program.work import Copy, Piece
from tinynas.errors import ConversionError, UnsupportedOp

DOCS = Path(__file__).parents[4] / "docs" / "compiler.md"


def model():
    return Model(np.random.default_rng(0))


def relus(count, rows):
    m = model()
    return m.pack(reduce(lambda x, _: m.unary("RELU", x), range(count), m.input(1, rows, 3)))


def convolution(m, positions, taps, dilation=1):
    return m.pack(m.conv(m.input(1, 1, positions, 1), 1, (1, taps), dilation=(1, dilation)))


def padded(m):
    x = m.input(1, 60_000, 1)
    x = m.strided_slice(x, (0, 0, 0), (1, 60_000, 1), (1, 59_999, 1))
    x = m.pad(x, [(0, 0), (50_000, 0), (0, 0)])
    return m.pack(m.unary("RELU", x))


def repeated(m):
    x = m.input(1, 4096, 64, 4)
    return m.pack(reduce(lambda y, _: m.arithmetic("ADD", y, m.values(4096, 1, 1)), range(9), x))


def multiplied(m):
    return m.pack(m.conv(m.input(1, 1, 1, 2048), 3, (1, 1), depthwise=True))


TOO_LARGE = {
    "operators": (lambda m: relus(bounds.MAX_OPERATORS + 1, 2), "513 operators"),
    "values": (lambda m: m.pack(m.unary("RELU", m.input(1, 3, 1 << 23))), "at most 16777216 values"),
    "rows": (lambda m: m.pack(m.unary("RELU", m.input(1, 65_536, 1))), "at most 65535 rows"),
    "window": (lambda m: convolution(m, 9, 3, 1 << 14), "at most 32767 are compiled"),
    "reads": (lambda m: convolution(m, 65_535, 17), "rows are read"),
    "distance": (padded, "too far away"),
    "repeated constants": (repeated, "constants of more than 8388608 bytes"),
    "weights filled up with zeros": (multiplied, "constants of more than 8388608 bytes"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_refused_at_once(name):
    build, message = TOO_LARGE[name]
    data = build(model())
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(UnsupportedOp, match=message) as caught:
            compile_model(data)
        assert time.process_time() - began < 5
        # An operand of 16 MB may be under way, and the file's own objects.
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert "docs/compiler.md" in str(caught.value.advice)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        lambda m: m.pack(m.unary("RELU", m.input(1, 2, 1 << 23))),
        lambda m: m.pack(m.unary("RELU", m.input(1, 65_535, 1))),
        lambda m: convolution(m, 9, 3, (1 << 14) - 1),
        lambda m: convolution(m, 65_535, 15),
        lambda m: relus(bounds.MAX_OPERATORS, 3),
        # A recursion as deep as there are operators, and many of them in one buffer.
        lambda m: relus(400, 2000),
    ],
)
def test_the_largest_that_is_allowed_takes_seconds(build):
    data = build(model())
    began = time.process_time()
    assert compile_model(data).output_bytes > 0
    assert time.process_time() - began < 20


def test_a_step_between_rows_of_which_there_is_one_does_not_count():
    m = model()
    x = m.strided_slice(m.input(1, 1, 9, 2), (0, 0, 4, 0), (1, 1, 5, 2), (1, 1, 1 << 30, 1))
    assert compile_model(m.pack(m.conv(x, 3, (1, 3)))).macs > 0


def test_weights_that_operators_share_count_for_each():
    m = model()
    x = m.input(1, 1, 1, 1024)
    for _ in range(9):
        x = m.conv(x, 1024, (1, 1))
    weights = next(t for t in m.tensors if t.data is not None and t.data.ndim == 4).data
    m.tensors = [replace(t, data=weights) if t.data is not None and t.data.ndim == 4 else t for t in m.tensors]
    with pytest.raises(UnsupportedOp, match="constants"):
        compile_model(m.pack(x))


def copying(piece, *, whole=False):
    rows = Rows(2, 1, 4)
    access = Access(0, high=2, whole=whole)
    op = Operator(0, "PAD", Copy((piece,), 0), (access,), 1, rows)
    return Program((Value(rows), Value(rows)), (op,), 1)


@pytest.mark.parametrize(
    ("piece", "whole"),
    [
        (Piece(0, (4,), (1,), (1,), 1, 0), False),  # reads past the row
        (Piece(0, (4,), (1,), (1,), 0, 1), False),  # writes past it
        (Piece(0, (4,), (-1,), (1,), 2, 0), False),  # reads before it
        (Piece(0, (2, 2), (4, 1), (2, 1), 4, 0), True),  # reads past the whole
    ],
)
def test_a_copy_that_leaves_its_memory(piece, whole):
    with pytest.raises(ConversionError, match="contradict"):
        check_program(copying(piece, whole=whole))


@pytest.mark.parametrize(
    ("piece", "whole"),
    [
        (Piece(0, (4,), (1,), (1,), 0, 0), False),
        (Piece(0, (4,), (-1,), (1,), 3, 0), False),
        (Piece(0, (2, 2), (4, 1), (2, 1), 2, 0), True),
    ],
)
def test_a_copy_that_reaches_the_ends_of_its_memory(piece, whole):
    check_program(copying(piece, whole=whole))


def test_the_page_has_the_limits():
    table = DOCS.read_text(encoding="utf-8").split("| limit | at most |")[1].split("\n\n")[0]
    numbers = [int(n.replace(",", "")) for n in re.findall(r"\| ([\d,]+) \|$", table, flags=re.MULTILINE)]
    assert numbers == [
        bounds.MAX_OPERATORS, bounds.MAX_TENSOR_BYTES, bounds.MAX_ROWS, bounds.MAX_CONSTANT_BYTES, bounds.MAX_WINDOW,
        bounds.MAX_READS,
    ]  # fmt: skip


def test_a_graph_without_a_size_is_refused():
    m = model()
    data = m.unary("RELU", m.input(1, 3, 2))
    m.tensors[0] = replace(m.tensors[0], shape=(1, 0, 2))
    with pytest.raises(ConversionError, match="without elements"):
        compile_model(pack(Graph(tuple(m.tensors), tuple(m.ops), (0,), (data,))))
