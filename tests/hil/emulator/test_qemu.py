"""A second opinion: QEMU's Cortex-M4 runs the same images and answers as the virtual board does.

Two of its machines: a board with an STM32L475, whose clock control and serial port are modelled, so that the shipped
board's image runs as it is; and one with an STM32F405 without clock control, where the firmware gives the PLL up and
stays on the internal oscillator, as it says. Their time is not the virtual board's, and neither is a board's.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests._tools import needs
from tests.deploy._models import BUILDERS
from tests.hil._images import small_model
from tests.hil._patching import inference, patched
from tests.hil.emulator._programs import emulated
from tinynas.board import Board, load_board
from tinynas.deploy import compile_model
from tinynas.errors import ProtocolError, TargetFault
from tinynas.hil.dut import Dut, PipeLink
from tinynas.hil.emulator import VirtualBoard
from tinynas.hil.image import Image, build_image
from tinynas.hil.parity import input_shape, reference_of

pytestmark = emulated

HSI_HZ = 16_000_000


@dataclass(frozen=True)
class Simulator:
    """A machine of QEMU.

    Attributes:
        machine: Its name there.
        board: The board that it is.
        options: Beside the machine: which serial port is ours.
        clocked: Its clock control is modelled.
    """

    machine: str
    board: Board
    options: tuple[str, ...]
    clocked: bool


NETDUINO = Simulator(
    "netduinoplus2",
    load_board(str(Path(__file__).parent / "netduinoplus2.yaml")),
    ("-serial", "null", "-serial", "stdio"),
    clocked=False,
)
# By a clock that counts instructions: else its port looks for a byte a few times a second.
L475 = Simulator(
    "b-l475e-iot01a",
    load_board("b_l475e_iot01a"),
    ("-icount", "shift=4,sleep=off", "-serial", "stdio"),
    clocked=True,
)
SIMULATORS = [
    pytest.param(NETDUINO, id=NETDUINO.machine, marks=needs("qemu-system-arm")),
    pytest.param(L475, id=L475.machine, marks=needs("qemu-system-arm 9")),
]
MODELS = [
    "conv_1d_valid_strided",
    "tcn_last_step",
    "keyword_spotting",
    "anomaly_detection",
    "softmax",
    "average_pool_same",
]


@contextmanager
def qemu(simulator: Simulator, elf: Path) -> Iterator[Dut]:
    """The image in QEMU."""
    machine = ["-M", simulator.machine, "-display", "none", "-monitor", "none", *simulator.options]
    process = subprocess.Popen(
        ["qemu-system-arm", *machine, "-kernel", str(elf)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    link = PipeLink(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()), name="QEMU")
    try:
        yield Dut(link, timeout_s=20.0)
    finally:
        link.close()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture(scope="module", params=SIMULATORS)
def simulator(request) -> Simulator:
    return request.param


@pytest.fixture(scope="module")
def image(simulator, tmp_path_factory) -> Image:
    return build_image(simulator.board, compile_model(small_model()), tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def elf(simulator, image, tmp_path_factory) -> Path:
    """The image, without the clock's start where QEMU only lets the firmware wait in vain for it."""
    if simulator.clocked:
        return image.elf
    return patched(image.elf, "family_start", "bx lr", tmp_path_factory.mktemp("patched") / "image.elf")


@contextmanager
def virtual(simulator: Simulator, elf: Path) -> Iterator[Dut]:
    with VirtualBoard(simulator.board, elf) as board:
        yield Dut(board.link, timeout_s=20.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_references(simulator, name, tmp_path):
    rng = np.random.default_rng(11)
    model = BUILDERS[name](rng)
    inputs = rng.integers(-128, 128, (2, *input_shape(model)), np.int8)
    reference, image = reference_of(model, inputs), build_image(simulator.board, compile_model(model), tmp_path)
    with qemu(simulator, image.elf) as dut:
        assert dut.handshake(60) == "tinynas"
        for index, window in enumerate(inputs):
            dut.load(window.tobytes())
            assert dut.infer(2, 1).count == 2
            reference.check(index, dut.outputs(), "QEMU")


@pytest.mark.slow
def test_the_firmware_says_whether_the_clock_started(simulator, image):
    with qemu(simulator, image.elf) as dut:
        dut.handshake(60)
        info, memory = dut.info(), dut.memory()
    assert (info.board, info.image, info.model) == (simulator.board.name, image.image_hash, image.model_hash)
    assert info.clock_hz == (simulator.board.clock_hz if simulator.clocked else HSI_HZ)
    assert not info.icache, "there is no flash interface"
    assert memory.static_bytes == image.static_ram_bytes
    assert 0 < memory.stack_bytes < memory.stack_limit_bytes == image.stack_limit_bytes


COMMANDS = [
    *("name", "profile", "help", "", "nonsense", "infer 1 0", "x-out", "db", "db load", "db 00", "db load 4294967296"),
    *("db load 56", "db 0x", f"db {bytes(range(56)).hex()} crc 00000000", f"db {bytes(range(56)).hex()}", "db 00"),
    *("infer", "infer 0", "infer 2 1", "x-out", "infer 1 1 1", "x-in", "x-ops", "x" * 300, "name", "profile extra"),
]


def answer(dut: Dut, command: str) -> list[str]:
    try:
        return dut._talk.command(command)
    except ProtocolError as error:
        return [error.message]


def replies(dut: Dut) -> list[str]:
    """What is answered to `COMMANDS`, with stars for times and for the checksums that include them."""
    dut.handshake(60)
    said = [line for command in COMMANDS for line in (command, *answer(dut, command))]
    return [re.sub(r"^(m-lap-us-|m-crc-\[)[0-9a-f]+", r"\1*", line) for line in said]


def test_both_answer_every_command_alike(simulator, elf):
    with qemu(simulator, elf) as dut:
        there = replies(dut)
    with virtual(simulator, elf) as dut:
        here = replies(dut)
    assert here == there
    assert sum("refuses" in line for line in here) > 5


FAULTS = {
    "none of the model's": None,
    "undefined": "udf #7",
    "read": "ldr r0, =0x60000000\nldr r0, [r0]",
    "write": "ldr r0, =0x9FFFFFFC\nstr r0, [r0]",
    "below the RAM": "ldr r0, =0x1FFFFFFC\nstrb r0, [r0]",
    "second word": "ldr r0, =0x080FFFFC\nldrd r0, r1, [r0]",
    "exclusive": "ldr r0, =0x60000000\nldrex r1, [r0]",
    "unmapped code": "ldr r0, =0x30000001\nblx r0",
    "registers are no code": "ldr r0, =0xE000ED01\nblx r0",
    "return without exception": "ldr r0, =0xFFFFFFF1\nbx r0",
    "no Thumb": "ldr r0, =0x08000200\nblx r0",
    "escalated": "cpsid i\nudf #7",
    "escalated access": "cpsid i\nldr r0, =0x60000000\nldr r0, [r0]",
    "stack": "1: push {r0-r7}\nb 1b",
    "no stack": "movs r0, #0\nmsr msp, r0\nudf #1",
}


def report(dut: Dut, image: Image) -> str:
    """What the board reports of the fault."""
    dut.handshake(60)
    try:
        dut.load(bytes(image.input_bytes))
        dut.infer(1)
    except TargetFault as fault:
        return fault.message
    return dut.provoke_fault().message


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_both_report_the_same_of_a_fault(simulator, image, elf, name, tmp_path):
    if source := FAULTS[name]:
        elf = patched(elf, inference(elf), source, tmp_path / "patched.elf")
    with qemu(simulator, elf) as dut:
        there = report(dut, image)
    with virtual(simulator, elf) as dut:
        here = report(dut, image)
    assert here == there
