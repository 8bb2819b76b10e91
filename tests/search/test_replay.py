"""Networks on another board: sorted out by what counts there."""

import dataclasses
import json

import pytest

from tinynas.board import OperatingPoint, load_board
from tinynas.errors import FlashOverflow
from tinynas.measurement import Measurement
from tinynas.search import replay_models

FIGURES = Measurement(900, 9000, 50, "virtual", "aot", 300, clock_hz=64_000_000, latency_us=1000.0)


@pytest.fixture
def measured(monkeypatch):
    def measure(_board, model, **_options):
        if model == b"large":
            raise FlashOverflow("too large")
        return dataclasses.replace(FIGURES, flash_bytes=len(model) * 1000)

    monkeypatch.setattr("tinynas.hil.measure.measure", measure)


def test_what_another_one_beats_there_and_what_does_not_fit_are_told(measured):
    point = OperatingPoint(64_000_000, 20.0, 1.0)
    board = dataclasses.replace(load_board("nucleo_g071rb"), operating_points=(point,))
    models = {7: b"abc", 2: b"abcdef", 5: b"large", 4: b"ab"}
    errors, turns = {7: 0.3, 2: 0.4, 5: 0.1, 4: 0.5}, {7: 1, 2: 1, 5: 1, 4: 2}
    found = replay_models(board, models, errors=errors, turns=turns)
    assert [one.trial for one in found] == [5, 7, 2, 4]
    assert [one.on_front for one in found] == [False, True, False, True]
    assert (found[0].measurement, found[0].remark) == (None, "too large")
    assert found[2].remark == "another one is better in everything"
    assert (found[3].measurement.latency_us, found[3].measurement.energy_uj) == (2000.0, 40.0)
    assert json.loads(json.dumps(found[1].to_dict()))["measurement"]["flash_bytes"] == 3000
