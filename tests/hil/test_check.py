"""The self-test finds nothing wrong with a device that is right, and what is wrong with one that is not."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from tests.hil._boards import CORES
from tests.hil._device import fault_lines
from tests.hil._rigs import FakeRig, ImageDevice
from tests.hil.firmware._host import build_host_dut
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.hil import check as module
from tinynas.hil.check import check_board, check_image, known_model
from tinynas.hil.image import build_image, read_elf

NAMES = ["start", "name", "clock", "parity", "memory", "fault"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    board = load_board("nucleo_f446re")
    return build_image(board, compile_model(known_model()), tmp_path_factory.mktemp("image"))


class Crashing(ImageDevice):
    """Faults where the firmware does."""

    place = "machine_crash"

    def _x_crash(self, words):
        pc = read_elf(self.image.elf).symbols[self.place] & ~1
        return fault_lines(f"x-fault UsageFault pc={pc:08x} lr=08000001 cfsr=00010000 hfar=00000000 bfar=00000000")


@pytest.fixture
def answers(image):
    def run(device=Crashing, source="virtual", **lies):
        found = check_image(FakeRig(lambda image: device(image, known_model(), **lies), source), image)
        return {check.name: check for check in found}

    return run


def test_all_is_well(answers):
    found = answers()
    assert list(found) == NAMES
    assert [check.passed for check in found.values()] == [True, True, None, True, True, True]
    assert "not compared with the host's" in found["clock"].detail


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lies"),
    [
        ("name", {"model": "0123456789abcdef"}),
        ("name", {"input": 17}),
        ("memory", {"static": 1}),
        ("memory", {"arena": 1}),
        ("memory", {"stack": 1 << 17}),
        ("memory", {"stack": 0}),
        ("memory", {"stack_limit": 1000}),
    ],
)
def test_a_wrong_figure_is_found(answers, name, lies):
    found = answers(**lies)
    assert list(found) == NAMES
    assert [check.name for check in found.values() if check.passed is False] == [name]


def test_a_board_that_computes_something_else(answers):
    class Wrong(Crashing):
        def _infer(self, words):
            lines = super()._infer(words)
            self.output = bytes([self.output[0] ^ 1]) + self.output[1:]
            return lines

    found = answers(Wrong)
    assert found["parity"].passed is False
    assert "1 of 4 outputs differ" in found["parity"].detail
    assert found["memory"].passed


def test_a_fault_somewhere_else(answers):
    class Elsewhere(Crashing):
        place = "main"

    found = answers(Elsewhere)["fault"]
    assert found.passed is False
    assert "pc is in main+0x0" in found.detail


def test_a_board_that_survives_what_should_kill_it(answers):
    class Immortal(Crashing):
        def _x_crash(self, words):
            return []

    assert answers(Immortal)["fault"].passed is False


def test_a_board_that_does_not_start(answers):
    found = answers(image="00000000")
    assert list(found) == ["start"]
    assert found["start"].passed is False
    assert "CRC 00000000" in found["start"].detail


class HostRig(FakeRig):
    """The firmware itself, in a process with a clock of its own."""

    def __init__(self, program):
        super().__init__(None)
        self.program = program

    def running(self, image):
        return self.program.link()


@pytest.mark.slow
@pytest.mark.parametrize(("percent", "passed"), [(100, True), (108, False), (92, False), (0, False)])
def test_a_real_boards_clock_is_compared_with_the_hosts(image, monkeypatch, tmp_path, percent, passed):
    monkeypatch.setattr(module, "_CLOCK_S", 2.0)
    program = build_host_dut(known_model(), tmp_path, [f"REAL_CLOCK_PERCENT={percent}"])
    found = {check.name: check for check in check_image(HostRig(program), replace(image, image_hash="0123abcd"))}
    assert found["clock"].passed is passed
    said = float(re.search(r"([+-][\d.]+) %", found["clock"].detail)[1])
    assert said == pytest.approx(percent - 100, abs=2.5)  # the process shares its machine


class Sleeping(Crashing):
    """Between commands its clock stands still, as SysTick of an nRF52840 does: only inferences take time."""

    def _timestamp(self, words):
        return [f"m-lap-us-{self.clock}"]

    def _infer(self, words):
        start = time.monotonic()
        time.sleep(min(0.5, 1e-5 * int(words[0])))
        lines, began = super()._infer(words), self.clock
        self.clock = began + round(1e6 * (time.monotonic() - start))
        laps = iter((began, self.clock))
        return [f"m-lap-us-{next(laps)}" if line.startswith("m-lap") else line for line in lines]


def test_a_clock_that_sleeps_with_the_core_is_right(answers, monkeypatch):
    monkeypatch.setattr(module, "_CLOCK_S", 0.4)
    assert answers(Sleeping, source="serial")["clock"].passed


class Stopped(Crashing):
    """Its clock stands still."""

    def _timestamp(self, words):
        return ["m-lap-us-7"]


def test_a_simulated_clock_has_to_move(answers):
    assert answers(Stopped)["clock"].passed is False


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("board", CORES)
def test_virtual_boards_pass(board):
    found = check_board(load_board(board))
    assert [(check.name, check.passed) for check in found] == [
        *(("start", True), ("name", True), ("clock", None), ("parity", True), ("memory", True), ("fault", True))
    ], found
