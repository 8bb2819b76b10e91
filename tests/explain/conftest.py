"""Studies made up as a search leaves them, with costs by the resource model."""

from __future__ import annotations

import os

import pytest

from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.cost import Engine, estimate, repeat
from tinynas.network import TCN
from tinynas.report import read_view
from tinynas.study import Study


class Made:
    """A study under construction."""

    def __init__(self, folder, board=None, **settings):
        self.config = config_from_mapping(settings, "made.yaml")
        self.board = board or load_board("nucleo_f446re")
        self.study = Study.create(
            folder, config=self.config.to_dict(), board=self.board.to_dict(), provenance={"seed": 0}
        )

    def add(self, error=None, final_of=None, reason=None, metrics=None, network=None, chosen=(), measured=(), **fields):
        """A trial; `chosen` are parameters beside its layers, `measured` what a board says instead."""
        small = {"filters": 8, "kernel_size": 3, "dilations": (1, 2), "window": 64, "channels": 6}
        network = network or TCN(**{**small, **fields})
        params = {"filters": network.filters, "kernel_size": network.kernel_size, **dict(chosen)}
        if final_of is not None:
            params = {"final_of": final_of}
        trial = self.study.propose(params=params, architecture=network.to_dict(), key=network.key, seed=0).id
        engine = Engine.aot(self.board).at(params.get("clock_hz")) if self.config.aot else Engine.tflm()
        cost = repeat(estimate(network, engine), params.get("turns", self.config.deploy.turns))
        self.study.advance(trial, "costed", measurement={**cost.to_dict(), **dict(measured)})
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

    def create(board=None, **settings):
        made.append(Made(tmp_path / f"study{len(made)}", board, **settings))
        return made[-1]

    yield create
    for one in made:
        one.study.close()
