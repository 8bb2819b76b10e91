"""The cycles of each operator: all of the model's, and together about what an inference takes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tests.hil.emulator._programs import emulated
from tinynas.board import load_board
from tinynas.cli import main
from tinynas.errors import BoardError
from tinynas.hil import operators as module
from tinynas.hil.dut import Dut
from tinynas.hil.operators import measure_operators

pytestmark = emulated
MODEL = BUILDERS["branches"](np.random.default_rng(0))


@pytest.mark.slow
def test_together_they_are_an_inference(tmp_path, capsys):
    path = tmp_path / "model.tflite"
    path.write_bytes(MODEL)
    assert main(["measure", str(path), "--board", "nucleo_f446re", "--operators", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    operators = found["operators"]
    assert [one["title"].split()[0] for one in operators][:4] == ["0", "1", "2", "3"]
    assert "CONV_2D: 16 x 36 -> 8 x 36" in operators[0]["title"]
    assert all(one["cycles"] > 0 for one in operators)
    # The calls that count come on top; what turns the operators takes is left out.
    assert sum(one["cycles"] for one in operators) == pytest.approx(found["cycles"], rel=0.1)


def test_a_table_with_shares(tmp_path, capsys):
    path = tmp_path / "model.tflite"
    path.write_bytes(BUILDERS["dense_relu"](np.random.default_rng(0)))
    assert main(["measure", str(path), "--board", "nucleo_f446re", "--operators"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(i for i, line in enumerate(lines) if line.split()[:2] == ["cycles", "share"])
    assert [line.split()[1] for line in lines[heading + 1 :]] == ["100.0"]
    assert "FULLY_CONNECTED" in lines[-1]


def test_another_number_of_operators_is_no_answer(monkeypatch):
    monkeypatch.setattr(Dut, "ops", lambda dut: (1, 2))
    with pytest.raises(BoardError, match="counts 2 operators, the model has 1"):
        measure_operators(load_board("nucleo_f446re"), BUILDERS["dense_relu"](np.random.default_rng(0)))


def test_without_titles_kinds_are_names():
    assert module._titles({"model.cc": "int x;"}) == []
