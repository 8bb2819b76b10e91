"""A line that drops, doubles and flips bytes, and boards that lie: a figure is right, or there is an error."""

from __future__ import annotations

import random
import time
from functools import partial

import numpy as np
import pytest

from tests.hil._rigs import FakeRig, ImageDevice
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.errors import BoardError, ProtocolError
from tinynas.hil.boards import rig
from tinynas.hil.check import known_model
from tinynas.hil.dut import Dut
from tinynas.hil.image import build_image
from tinynas.hil.measure import measure_image
from tinynas.hil.parity import random_window, reference_of

MODEL = known_model()
#: Seconds for a reply. A measurement may take a few tens of them, whatever arrives.
PATIENCE_S = 0.1


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build_image(load_board("nucleo_f446re"), compile_model(MODEL), tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def inputs():
    return np.stack([random_window(MODEL, np.random.default_rng(i)) for i in range(2)])


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(rig, "_SERIAL_S", PATIENCE_S)
    monkeypatch.setattr(rig, "Dut", partial(Dut, infer_timeout_s=3 * PATIENCE_S))


def noisy(data: bytes, rate: float, rng: random.Random) -> bytes:
    """Bytes of which some are dropped, doubled, or have a bit flipped."""
    out = bytearray()
    for byte in data:
        if rng.random() >= rate:
            out.append(byte)
            continue
        out += rng.choice([b"", bytes([byte, byte]), bytes([byte ^ 1 << rng.randrange(8)])])
    return bytes(out)


def damage_both_ways(device: ImageDevice, rate: float, rng: random.Random) -> ImageDevice:
    """Damage what arrives and what is sent. A command that loses its end reaches the device with the next one."""
    waiting = []

    def alter(command):
        text = noisy(command.encode() + b"%", rate, rng).decode("latin-1")
        waiting.append(text)
        if "%" not in text:
            return "lost"
        whole, waiting[:] = "".join(waiting), []
        return whole.split("%")[0]

    def distort(reply):
        return b"" if waiting else noisy(reply, rate, rng)

    device.alter, device.distort = alter, distort
    return device


def outcomes(image, inputs, rate: float, seeds: range) -> tuple[int, int]:
    """How many measurements are right, and how many end in an error; none takes longer than its deadlines."""
    reference = reference_of(MODEL, inputs)
    true = measure_image(FakeRig(lambda image: ImageDevice(image, MODEL)), image, inputs, reference, macs=7, laps=2)
    right = failed = 0
    for seed in seeds:
        made = FakeRig(lambda image, seed=seed: damage_both_ways(ImageDevice(image, MODEL), rate, random.Random(seed)))
        start = time.monotonic()
        try:
            measured = measure_image(made, image, inputs, reference, macs=7, laps=2)
        except BoardError:
            failed += 1
        else:
            assert measured == true, seed
            right += 1
        assert time.monotonic() - start < 30, seed
    return right, failed


@pytest.mark.slow
def test_one_damaged_byte_in_500_is_right_or_an_error(image, inputs):
    right, failed = outcomes(image, inputs, 1 / 500, range(12))
    assert right > failed


@pytest.mark.slow
def test_one_damaged_byte_in_100_is_right_or_an_error(image, inputs):
    assert sum(outcomes(image, inputs, 1 / 100, range(100, 130))) == 30


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("rate", [1 / 500, 1 / 100])
def test_none_of_200_is_wrong(image, inputs, rate):
    assert sum(outcomes(image, inputs, rate, range(1000, 1200))) == 200


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"stack": 0}, "0 bytes of stack in a room of"),
        ({"stack": 1 << 20}, "1048576 bytes of stack"),
        ({"stack": 10**20 - 1}, "bytes of stack"),
        ({"stack": 10**20}, "should be a number"),
        ({"static": 3}, "3 as bytes of static RAM"),
        ({"arena": 3}, "3 as bytes of the arena"),
        ({"stack_limit": 999}, "999 as bytes of room"),
        ({"engine": "tflm"}, "tflm as engine"),
        ({"model": "0123456789abcdef"}, "0123456789abcdef as model"),
        ({"input": 1}, "1 as bytes of an input"),
        ({"output": 1}, "1 as bytes of an output"),
        ({"board": "other"}, "other as board"),
    ],
)
def test_what_the_image_contradicts_is_never_a_figure(image, inputs, lie, said):
    lying = FakeRig(lambda image: ImageDevice(image, MODEL, **lie))
    with pytest.raises(ProtocolError, match=said) as caught:
        measure_image(lying, image, inputs, reference_of(MODEL, inputs), macs=7)
    assert caught.value.disposition == "retry"


def test_inferences_that_take_no_time_are_refused(image, inputs):
    class Frozen(ImageDevice):
        def _infer(self, words):
            lines, clock = super()._infer(words), self.clock
            return [f"m-lap-us-{clock}" if line.startswith("m-lap") else line for line in lines]

    with pytest.raises(ProtocolError, match="clock stands still"):
        measure_image(FakeRig(lambda image: Frozen(image, MODEL)), image, inputs, reference_of(MODEL, inputs), macs=7)


def test_a_reset_between_the_inferences_and_the_figures_is_noticed(image, inputs):
    class Reset(ImageDevice):
        def _x_mem(self, words):
            self.inferences = 0
            return super()._x_mem(words)

    with pytest.raises(BoardError, match="the board was reset"):
        measure_image(FakeRig(lambda image: Reset(image, MODEL)), image, inputs, reference_of(MODEL, inputs), macs=7)
