"""No test waits for long, or leaves a thread behind."""

from __future__ import annotations

import threading

import pytest

from tinynas.hil.power import harness as harness_module
from tinynas.hil.power import lpm01a as lpm01a_module


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    for module in (lpm01a_module, harness_module):
        monkeypatch.setattr(module, "_TIMEOUT_S", 0.6)
    monkeypatch.setattr(lpm01a_module, "_CALIBRATION_S", 0.6)
    monkeypatch.setattr(lpm01a_module, "_QUIET_S", 0.02)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
