"""Self-test of a board: a tiny known model, and whether all that a measurement relies on holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinynas.board import Board
from tinynas.deploy import Graph, Op, Quantization, Tensor, compile_model, pack
from tinynas.errors import TinynasError
from tinynas.hil.boards import (
    FlashMethod,
    Health,
    RecordedRig,
    Rig,
    SerialRig,
    located,
    rig_for,
    started,
    write_health,
)
from tinynas.hil.dut import Dut
from tinynas.hil.image import Image, Toolchain, build_image, read_elf
from tinynas.hil.parity import EQUAL, random_window, reference_of
from tinynas.scratch import scratch_folder

__all__ = ["Check", "check_board", "check_image", "known_model"]

_LOG = logging.getLogger(__name__)

_CLOCK_S = 2.0
#: What an internal oscillator may be off, and the round trips of two questions.
_CLOCK_TOLERANCE = 0.03
_WINDOWS = 8
#: So few that one command with them ends in time on the slowest board.
_MOST_INFERENCES = 1_000_000
#: What the firmware does on `x-crash`, as a bit of CFSR, and where.
_UNDEFINED, _CRASHES = 1 << 16, "machine_crash+0x0"


@dataclass(frozen=True)
class Check:
    """One question of the self-test.

    Attributes:
        name: What was asked.
        passed: The answer; None where it does not apply.
        detail: What was found.
    """

    name: str
    passed: bool | None
    detail: str


def known_model() -> bytes:
    """A fully connected layer of 16 inputs and 4 outputs, in which every input matters, as a .tflite file."""
    weights = (np.arange(64, dtype=np.int64).reshape(4, 16) * 37 % 255 - 127).astype(np.int8)
    bias = np.array([1000, -1000, 250, 0], np.int32)
    tensors = (
        Tensor((1, 16), "int8", quantization=Quantization((0.05,), (-3,))),
        Tensor((4, 16), "int8", True, data=weights, quantization=Quantization((0.01,), (0,))),
        Tensor((4,), "int32", True, data=bias, quantization=Quantization((0.0005,), (0,))),
        Tensor((1, 4), "int8", quantization=Quantization((0.15,), (5,))),
    )
    dense = Op("FULLY_CONNECTED", (0, 1, 2), (3,), {}, "FullyConnectedOptions")
    return pack(Graph(tensors, (dense,), (0,), (3,)))


def check_board(
    board: Board,
    *,
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
    toolchain: Toolchain | None = None,
    transcript: Path | None = None,
) -> list[Check]:
    """Flash a tiny model and ask the board everything that a measurement relies on.

    The last question has the core take a fault: a real board then waits for its reset button, or to be flashed. A
    board that a search has set aside and that passes is used again.

    Args:
        board: The board.
        link: See `rig_for`, as `flasher` and `probe_id`.
        flasher: See there.
        probe_id: See there.
        toolchain: The compiler; None: the first that is found.
        transcript: File that what goes over the serial line is appended to; None: it is not kept.

    Raises:
        TinynasError: The image cannot be built, or no board is there to be asked.
    """
    rig = rig_for(board, link, flasher=flasher, probe_id=probe_id)
    with scratch_folder() as scratch:
        image = build_image(board, compile_model(known_model()), scratch, toolchain=toolchain)
        checks = check_image(rig if transcript is None else RecordedRig(rig, transcript), image)
    if isinstance(rig, SerialRig) and all(check.passed is not False for check in checks):
        write_health(rig.key, Health())
    return checks


def check_image(rig: Rig, image: Image, *, fault: bool = True) -> list[Check]:
    """The same with an image of `known_model` that is built.

    Args:
        rig: Where it runs.
        image: The image.
        fault: Whether the last question is asked, too.

    Returns:
        The checks in their order; where the board does not start or does not answer, the first one only.
    """
    checks: list[Check] = []
    try:
        with started(rig, image) as dut:
            checks.append(Check("start", True, f"image {image.image_hash} runs, built by {image.toolchain}"))
            questions: dict[str, Callable[[], Check]] = {
                "name": lambda: _name(dut, image),
                "clock": lambda: _clock(dut, rig),
                "parity": lambda: _parity(dut, image),
                "memory": lambda: _memory(dut, image),
            }
            if fault:
                questions["fault"] = lambda: _fault(dut, image)
            checks += [_asked(name, question) for name, question in questions.items()]
    except TinynasError as error:
        checks.append(Check("start" if not checks else "link", False, str(error)))
    for check in checks:
        _LOG.info(
            "check %s: %s, %s",
            check.name,
            {True: "passed", False: "failed", None: "left out"}[check.passed],
            check.detail,
        )
    return checks


def _asked(name: str, question: Callable[[], Check]) -> Check:
    try:
        return question()
    except TinynasError as error:
        return Check(name, False, str(error))


def _name(dut: Dut, image: Image) -> Check:
    vendor, info, profile = dut.name(), dut.info(), dut.profile()[0]
    detail = f"{vendor}: {profile}, engine {info.engine}, model {info.model}"
    known = (image.board.name, image.model_hash, image.input_bytes, image.output_bytes)
    return Check("name", (info.board, info.model, info.input_bytes, info.output_bytes) == known, detail)


def _clock(dut: Dut, rig: Rig) -> Check:
    info = dut.info()
    core = f"core at {info.clock_hz / 1e6:g} MHz"
    if rig.source == "virtual":
        first = dut.timestamp_us()
        moved = dut.timestamp_us() > first
        return Check("clock", None if moved else False, f"{core}; time is simulated: not compared with the host's")
    apart, elapsed = _against_host(dut, info.input_bytes)
    detail = f"{core}; {100 * apart:+.2f} % against the host's over {elapsed:.1f} s"
    return Check("clock", abs(apart) <= _CLOCK_TOLERANCE, detail)


def _against_host(dut: Dut, input_bytes: int) -> tuple[float, float]:
    """How far the board's clock runs fast, as a fraction, and over how many seconds.

    It is asked while inferences run: the time of laps is what counts, and the timer of some cores sleeps with them.
    What a question takes by itself is left out, by one of a single inference.
    """
    dut.load(bytes(input_bytes))
    count, seconds, told = 1, 0.0, 0.0
    alone_s, alone_us = _timed(dut, 1)
    while seconds < _CLOCK_S and count < _MOST_INFERENCES:
        count = min(_MOST_INFERENCES, max(2 * count, round(1.1 * count * min(1000.0, _CLOCK_S / max(seconds, 1e-3)))))
        whole_s, whole_us = _timed(dut, count)
        seconds, told = max(whole_s - alone_s, 1e-9), (whole_us - alone_us) / 1e6
    return told / seconds - 1.0, seconds


def _timed(dut: Dut, count: int) -> tuple[float, int]:
    """Inferences by the host's clock, in seconds, and by the board's, in microseconds."""
    before = time.monotonic()
    elapsed_us = dut.infer(count).elapsed_us
    return time.monotonic() - before, elapsed_us


def _parity(dut: Dut, image: Image) -> Check:
    model = known_model()
    windows = np.stack([random_window(model, np.random.default_rng([11, i])) for i in range(_WINDOWS)])
    reference = reference_of(model, windows)
    for index, window in enumerate(windows):
        dut.load(window.tobytes())
        dut.infer(1)
        reference.check(index, dut.outputs(), image.board.name)
    return Check("parity", True, f"{_WINDOWS} random inputs: outputs are {EQUAL[reference.referee]}")


def _memory(dut: Dut, image: Image) -> Check:
    memory = dut.memory()
    linked = (image.static_ram_bytes, image.arena_bytes, image.stack_limit_bytes)
    reported = (memory.static_bytes, memory.arena_bytes, memory.stack_limit_bytes)
    fits = 0 < memory.stack_bytes < memory.stack_limit_bytes
    parts = [
        f"{name} {told:,}" if told == known else f"{name} {told:,}, but {known:,} as linked"
        for name, told, known in zip(("static RAM", "arena", "room of the stack"), reported, linked, strict=True)
    ]
    agree = ", as linked" if linked == reported else ""
    detail = f"{', '.join(parts)} bytes{agree}; of the stack used {memory.stack_bytes:,}"
    return Check("memory", linked == reported and fits, detail)


def _fault(dut: Dut, image: Image) -> Check:
    fault = dut.provoke_fault()
    place = read_elf(image.elf).function_at(fault.registers.get("pc", 0))
    # An Armv6-M has no register that says what kind of fault it was.
    undefined = fault.registers.get("cfsr", _UNDEFINED) & _UNDEFINED
    return Check("fault", bool(undefined) and place == _CRASHES, located(fault, image).message)
