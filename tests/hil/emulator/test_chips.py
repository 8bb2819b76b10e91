"""Peripherals by address; clocks and flash interfaces of the families."""

from __future__ import annotations

import pytest

from tests.hil.emulator._ram import Ram
from tinynas.board import load_board
from tinynas.hil.emulator.bus import PAGE_BYTES, Bus, BusError, Registers
from tinynas.hil.emulator.chips import chip_of

BOARDS = ["arduino_nano_33_ble", "nucleo_f446re", "nucleo_f746zg", "nucleo_l476rg"]


class TestBus:
    def test_parts_of_registers(self):
        bus = Bus([Registers(0x1000, {0x0: 0x11223344, 0x4: 0})])
        assert [bus.read(0x1000 + i, 1) for i in range(4)] == [0x44, 0x33, 0x22, 0x11]
        bus.write(0x1002, 2, 0xABCD)
        assert bus.read(0x1000, 4) == 0xABCD3344
        with pytest.raises(BusError):
            bus.read(0x1008, 4)

    @pytest.mark.parametrize("name", BOARDS)
    def test_every_register_is_found(self, name):
        chip = chip_of(load_board(name), lambda byte: None, Ram(), lambda: True)
        bus, found = Bus(chip.peripherals), 0
        for peripheral in chip.peripherals:
            if not isinstance(peripheral, Registers):
                continue
            for offset in peripheral.values:
                peripheral.values[offset] = found = found + 1
                assert bus.read(peripheral.base + offset, 4) == peripheral.read(offset)
                assert (peripheral.base + offset) // PAGE_BYTES * PAGE_BYTES in bus.pages()
        assert found > 50


class TestClocks:
    def bus(self, name: str) -> tuple[Bus, object]:
        chip = chip_of(load_board(name), lambda byte: None, Ram(), lambda: False)
        return Bus(chip.peripherals), chip

    @pytest.mark.parametrize(
        ("name", "register", "on", "ready"),
        [
            ("nucleo_f446re", 0x40023800, 1 << 24, 1 << 25),  # PLL
            ("nucleo_f746zg", 0x40023800, 1 << 16, 1 << 17),  # HSE
            ("nucleo_l476rg", 0x40021000, 1 << 24, 1 << 25),
            ("nucleo_l476rg", 0x40021000, 1 << 8, 1 << 10),  # HSI16
        ],
    )
    def test_what_is_turned_on_is_ready(self, name, register, on, ready):
        bus, _ = self.bus(name)
        assert not bus.read(register, 4) & ready
        bus.write(register, 4, bus.read(register, 4) | on)
        assert bus.read(register, 4) & ready
        bus.write(register, 4, bus.read(register, 4) & ~on)
        assert not bus.read(register, 4) & ready

    @pytest.mark.parametrize("name", BOARDS[1:])
    def test_the_core_runs_on_the_clock_that_was_chosen(self, name):
        bus, _ = self.bus(name)
        register = 0x40021008 if name == "nucleo_l476rg" else 0x40023808
        bus.write(register, 4, 2)
        assert bus.read(register, 4) >> 2 & 3 == 2

    @pytest.mark.parametrize(
        ("name", "register", "value", "fetch"),
        [
            ("nucleo_f446re", 0x40023C00, 0x705, (5, True)),
            ("nucleo_f446re", 0x40023C00, 0x105, (5, False)),
            ("nucleo_f746zg", 0x40023C00, 0x307, (7, False)),  # its cache is the core's
            ("nucleo_l476rg", 0x40022000, 0x704, (4, True)),
            ("arduino_nano_33_ble", 0x4001E540, 1, (2, True)),
            ("arduino_nano_33_ble", 0x4001E540, 0, (2, False)),
        ],
    )
    def test_wait_states_are_those_that_were_set(self, name, register, value, fetch):
        bus, chip = self.bus(name)
        bus.write(register, 4, value)
        assert chip.fetch() == fetch
