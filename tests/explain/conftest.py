"""Studies made up as a search leaves them, with costs by the resource model."""

from __future__ import annotations

import os

import pytest

from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.cost import Engine, estimate
from tinynas.network import TCN
from tinynas.report import read_view
from tinynas.study import Study


class Made:
    """A study under construction."""

    def __init__(self, folder, **settings):
        self.config = config_from_mapping(settings, "made.yaml")
        self.board = load_board("nucleo_f446re")
        self.study = Study.create(
            folder, config=self.config.to_dict(), board=self.board.to_dict(), provenance={"seed": 0}
        )

    def add(self, error=None, final_of=None, reason=None, metrics=None, **fields):
        network = TCN(**{"filters": 8, "kernel_size": 3, "dilations": (1, 2), "window": 64, "channels": 6, **fields})
        params = {"filters": network.filters, "kernel_size": network.kernel_size}
        if final_of is not None:
            params = {"final_of": final_of}
        trial = self.study.propose(params=params, architecture=network.to_dict(), key=network.key, seed=0).id
        engine = Engine.aot(self.board) if self.config.aot else Engine.tflm()
        self.study.advance(trial, "costed", measurement=estimate(network, engine).to_dict())
        if reason is not None and error is None:
            self.study.advance(trial, "failed", reason=reason)
        elif error is None:
            self.study.advance(trial, "infeasible", objective=10.5, reason="too large")
        else:
            self.study.advance(trial, "trained", metrics=metrics or {})
            self.study.advance(trial, "converted", metrics={"error_int8": error})
            self.study.advance(trial, "measured", feasible=True)
            self.study.advance(trial, "done", objective=error)
        return trial

    @property
    def view(self):
        return read_view(self.study)


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = []

    def create(**settings):
        made.append(Made(tmp_path / f"study{len(made)}", **settings))
        return made[-1]

    yield create
    for one in made:
        one.study.close()
