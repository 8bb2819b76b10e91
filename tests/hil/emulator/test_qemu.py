"""A second opinion: QEMU's Cortex-M4 runs the same images and answers as the virtual board does.

QEMU's STM32F405 has no clock control: the firmware gives the PLL up and stays on the internal oscillator, as it says.
Its time is not the virtual board's, and neither is a board's.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests._tools import needs
from tests.deploy._models import BUILDERS
from tests.hil._images import small_model
from tests.hil._patching import inference, patched
from tests.hil.emulator._programs import emulated
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import ProtocolError, TargetFault
from tinynas.hil.dut import Dut, PipeLink
from tinynas.hil.emulator import VirtualBoard
from tinynas.hil.image import Image, build_image
from tinynas.hil.parity import input_shape, reference_of

pytestmark = [*emulated, needs("qemu-system-arm")]

BOARD = load_board(str(Path(__file__).parent / "netduinoplus2.yaml"))
HSI_HZ = 16_000_000
MODELS = [
    "conv_1d_valid_strided",
    "tcn_last_step",
    "keyword_spotting",
    "anomaly_detection",
    "softmax",
    "average_pool_same",
]


@contextmanager
def qemu(elf: Path) -> Iterator[Dut]:
    """The image in QEMU, whose second serial port is the board's."""
    machine = ["-M", "netduinoplus2", "-display", "none", "-monitor", "none"]
    process = subprocess.Popen(
        ["qemu-system-arm", *machine, "-serial", "null", "-serial", "stdio", "-kernel", str(elf)],
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


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    return build_image(BOARD, compile_model(small_model()), tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def elf(image, tmp_path_factory) -> Path:
    """The image without the clock's start, for which QEMU only lets the firmware wait in vain."""
    return patched(image.elf, "family_start", "bx lr", tmp_path_factory.mktemp("patched") / "image.elf")


@contextmanager
def virtual(elf: Path) -> Iterator[Dut]:
    with VirtualBoard(BOARD, elf) as board:
        yield Dut(board.link, timeout_s=20.0)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_references(name, tmp_path):
    rng = np.random.default_rng(11)
    model = BUILDERS[name](rng)
    inputs = rng.integers(-128, 128, (2, *input_shape(model)), np.int8)
    reference, image = reference_of(model, inputs), build_image(BOARD, compile_model(model), tmp_path)
    with qemu(image.elf) as dut:
        assert dut.handshake() == "tinynas"
        for index, window in enumerate(inputs):
            dut.load(window.tobytes())
            assert dut.infer(2, 1).count == 2
            reference.check(index, dut.outputs(), "QEMU")


def test_the_firmware_says_that_the_clock_did_not_start(image):
    with qemu(image.elf) as dut:
        dut.handshake()
        info, memory = dut.info(), dut.memory()
    assert (info.board, info.image, info.model) == ("netduinoplus2", image.image_hash, image.model_hash)
    assert (info.clock_hz, info.icache) == (HSI_HZ, False)
    assert memory.static_bytes == image.static_ram_bytes
    assert 0 < memory.stack_bytes < memory.stack_limit_bytes == image.stack_limit_bytes


COMMANDS = [
    *("name", "profile", "help", "", "nonsense", "infer 1 0", "x-out", "db", "db load", "db 00", "db load 4294967296"),
    *("db load 56", "db 0x", f"db {bytes(range(56)).hex()} crc 00000000", f"db {bytes(range(56)).hex()}", "db 00"),
    *("infer", "infer 0", "infer 2 1", "x-out", "infer 1 1 1", "x-ops", "x" * 300, "name", "profile extra"),
]


def answer(dut: Dut, command: str) -> list[str]:
    try:
        return dut.command(command)
    except ProtocolError as error:
        return [error.message]


def replies(dut: Dut) -> list[str]:
    """What is answered to `COMMANDS`, with stars for times."""
    dut.handshake()
    said = [line for command in COMMANDS for line in (command, *answer(dut, command))]
    return [re.sub(r"^m-lap-us-\d+", "m-lap-us-*", line) for line in said]


def test_both_answer_every_command_alike(elf):
    with qemu(elf) as dut:
        there = replies(dut)
    with virtual(elf) as dut:
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
    dut.handshake()
    try:
        dut.load(bytes(image.input_bytes))
        dut.infer(1)
    except TargetFault as fault:
        return fault.message
    return dut.provoke_fault().message


@pytest.mark.parametrize("name", FAULTS)
def test_both_report_the_same_of_a_fault(image, elf, name, tmp_path):
    if source := FAULTS[name]:
        elf = patched(elf, inference(elf), source, tmp_path / "patched.elf")
    with qemu(elf) as dut:
        there = report(dut, image)
    with virtual(elf) as dut:
        here = report(dut, image)
    assert here == there
