"""The trigger pin: who drives it, and when, on the virtual core."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.hil._images import small_model
from tests.hil.emulator._programs import emulated
from tinynas.board import Board, load_board
from tinynas.deploy import compile_model
from tinynas.errors import ConfigError
from tinynas.hil.energy_mode import energy_board
from tinynas.hil.image import board_header, build_image, read_elf

F446 = load_board("nucleo_f446re")
#: Of each board: the pin's bit, and the registers that set it, that reset it and that make it an output.
PINS = {
    "nucleo_f446re": (8, 0x40020018, 0x40020018, 0x40020000),
    "nucleo_l476rg": (8, 0x48000018, 0x48000018, 0x48000000),
    "nucleo_f746zg": (13, 0x40021418, 0x40021418, 0x40021400),
    "arduino_nano_33_ble": (23, 0x50000508, 0x5000050C, 0x50000518),
}
MODEL = small_model()
UPLOAD = [b"db load 56%", *[b"db " + bytes(range(i, i + 28)).hex().encode() + b"%" for i in (0, 28)]]


class Logged:
    """Runs an image; logs what is written to peripherals, with the cycle, and what is sent."""

    def __init__(self, board: Board, folder, said, monkeypatch, **build) -> None:
        from tinynas.hil.emulator.bus import Bus
        from tinynas.hil.emulator.machine import Machine

        image = build_image(board, compile_model(MODEL), folder, **build)
        linked, waiting, write = read_elf(image.elf), list(said), Bus.write
        self.sent, self.writes = bytearray(), list[tuple[int, int, int]]()

        def logged(bus, address, size, value):
            self.writes.append((self.machine.tally.cycles, address, value))
            write(bus, address, size, value)

        monkeypatch.setattr(Bus, "write", logged)
        self.machine = Machine(board, self.sent.append, lambda: waiting.pop(0) if waiting else b"")
        self.machine.program([(linked.address, linked.binary)])
        self.machine.run()

    def levels(self, name: str) -> list[tuple[int, bool]]:
        """Cycle and level of each time that a board's pin was driven."""
        bit, high, low, _ = PINS[name]
        stm32 = high == low
        falls, rises = (low, 1 << bit + 16 if stm32 else 1 << bit), (high, 1 << bit)
        return [(at, (a, v) == rises) for at, a, v in self.writes if (a, v) in (falls, rises)]


class TestVirtualBoard:
    pytestmark = emulated

    @pytest.mark.slow
    @pytest.mark.parametrize("name", PINS)
    def test_the_pin_falls_around_the_timed_inferences_only(self, name, tmp_path, monkeypatch):
        board = load_board(name)
        run = Logged(board, tmp_path, [*UPLOAD, b"infer 20 3%", b"x-out%", b"results%"], monkeypatch)
        first, *pulses = run.levels(name)
        assert first[1], "high before it is an output: no edge"
        assert [level for _, level in pulses] == [False, True] * 3  # after the reset, before the inferences, after them
        falls, rises = ([at for at, level in pulses if level is wanted] for wanted in (False, True))
        assert all(99 <= (rise - fall) / board.clock_hz * 1e6 < 110 for fall, rise in zip(falls, rises, strict=True))
        start, end = (int(lap) for lap in re.findall(rb"m-lap-us-(\d+)", run.sent)[1:])
        assert (falls[2] - rises[1]) / board.clock_hz * 1e6 == pytest.approx(end - start, abs=5)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", PINS)
    def test_the_pin_becomes_an_output_after_it_is_high(self, name, tmp_path, monkeypatch):
        bit, _, _, direction = PINS[name]
        run = Logged(load_board(name), tmp_path, [], monkeypatch)
        nordic = name == "arduino_nano_33_ble"
        made = [
            at for at, a, v in run.writes if a == direction and (v == 1 << bit if nordic else v >> 2 * bit & 3 == 1)
        ]
        assert len(made) == 1
        assert run.levels(name)[0][0] <= made[0] <= run.levels(name)[1][0]

    def test_the_energy_build_pulses_where_the_other_tells_times(self, tmp_path, monkeypatch):
        """One after the reset, one at `timestamp`, two around the timed inferences, which alone lie between them."""
        said = [b"timestamp%", *UPLOAD, b"infer 20 3%"]
        run = Logged(energy_board(F446), tmp_path, said, monkeypatch, energy_mode=True)
        assert b"m-timestamp-mode-energy" in run.sent
        assert b"m-lap" not in run.sent
        pulses = run.levels(F446.name)[1:]
        assert [level for _, level in pulses] == [False, True] * 4
        falls = [at for at, level in pulses if not level]
        assert falls[3] - falls[2] > 1.1 * 100e-6 * F446.clock_hz  # more than the pulse itself

    def test_timestamp_pulses(self, tmp_path, monkeypatch):
        run = Logged(F446, tmp_path, [b"timestamp%", b"name%", b"timestamp%"], monkeypatch)
        assert [level for _, level in run.levels(F446.name)[1:]] == [False, True] * 3  # the first after the reset

    @pytest.mark.slow
    def test_without_a_pin_none_is_driven(self, tmp_path, monkeypatch):
        board = dataclasses.replace(F446, trigger_pin=None)
        run = Logged(board, tmp_path, [*UPLOAD, b"infer 2 0%"], monkeypatch)
        assert b"m-infer-done" in run.sent
        assert run.levels(F446.name) == []


def test_the_header_names_the_pin():
    header = board_header(load_board("nucleo_f746zg"))
    assert "#define BOARD_TRIGGER_PORT 5u\n#define BOARD_TRIGGER_PIN 13u\n" in header
    assert "TRIGGER" not in board_header(dataclasses.replace(F446, trigger_pin=None))


def test_what_is_no_pin_is_said():
    with pytest.raises(ConfigError) as caught:
        board_header(dataclasses.replace(F446, trigger_pin="D7"))
    assert caught.value.where == "nucleo_f446re:trigger_pin"


@pytest.mark.parametrize("pin", ["PA2", "PA3"])
def test_the_serial_ports_pins_are_taken(pin):
    with pytest.raises(ConfigError) as caught:
        Board.from_dict(F446.to_dict() | {"trigger_pin": pin}, "my.yaml")
    assert caught.value.where == "my.yaml:trigger_pin"
    assert pin in caught.value.message
