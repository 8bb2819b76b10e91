"""Peripherals by address; clocks and flash interfaces of the families."""

from __future__ import annotations

import pytest

from tests.hil.emulator._ram import Ram
from tinynas.board import list_boards, load_board
from tinynas.hil.emulator.bus import PAGE_BYTES, Bus, BusError, Registers
from tinynas.hil.emulator.chips import chip_of

#: Register of the core's clock, and where it says which one it is.
SWITCHES = [
    ("nucleo_f446re", 0x40023808, 2),
    ("nucleo_f746zg", 0x40023808, 2),
    ("nucleo_l476rg", 0x40021008, 2),
    ("nucleo_g071rb", 0x40021008, 3),
    ("nucleo_l073rz", 0x4002100C, 2),
    ("nucleo_u575zi_q", 0x46020C1C, 2),
    ("nucleo_h743zi2", 0x58024410, 3),
]


class TestBus:
    def test_parts_of_registers(self):
        bus = Bus([Registers(0x1000, {0x0: 0x11223344, 0x4: 0})])
        assert [bus.read(0x1000 + i, 1) for i in range(4)] == [0x44, 0x33, 0x22, 0x11]
        bus.write(0x1002, 2, 0xABCD)
        assert bus.read(0x1000, 4) == 0xABCD3344
        with pytest.raises(BusError):
            bus.read(0x1008, 4)

    @pytest.mark.parametrize("name", list_boards())
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
            ("nucleo_g071rb", 0x40021000, 1 << 24, 1 << 25),
            ("nucleo_l073rz", 0x40021000, 1 << 0, 1 << 2),
            ("nucleo_u575zi_q", 0x46020C00, 1 << 24, 1 << 25),
            ("nucleo_h743zi2", 0x58024400, 1 << 24, 1 << 25),
        ],
    )
    def test_what_is_turned_on_is_ready(self, name, register, on, ready):
        bus, _ = self.bus(name)
        assert not bus.read(register, 4) & ready
        bus.write(register, 4, bus.read(register, 4) | on)
        assert bus.read(register, 4) & ready
        bus.write(register, 4, bus.read(register, 4) & ~on)
        assert not bus.read(register, 4) & ready

    @pytest.mark.parametrize(("name", "register", "shift"), SWITCHES)
    def test_the_core_runs_on_the_clock_that_was_chosen(self, name, register, shift):
        bus, _ = self.bus(name)
        bus.write(register, 4, 2)
        assert bus.read(register, 4) >> shift & 3 == 2

    @pytest.mark.parametrize(
        ("name", "register", "value", "fetch"),
        [
            ("nucleo_f446re", 0x40023C00, 0x705, (5, True)),
            ("nucleo_f446re", 0x40023C00, 0x105, (5, False)),
            ("nucleo_f746zg", 0x40023C00, 0x307, (7, False)),  # its cache is the core's
            ("nucleo_l476rg", 0x40022000, 0x704, (4, True)),
            ("nucleo_g071rb", 0x40022000, 0x702, (2, True)),
            ("nucleo_l073rz", 0x40022000, 0x43, (1, True)),
            ("nucleo_g474re", 0x40022000, 0x704, (4, True)),
            ("nucleo_h743zi2", 0x52002000, 0x22, (2, False)),  # its cache is the core's
            ("nucleo_u575zi_q", 0x40022000, 0x104, (4, False)),  # its cache is a peripheral of its own
            ("arduino_nano_33_ble", 0x4001E540, 1, (2, True)),
            ("arduino_nano_33_ble", 0x4001E540, 0, (2, False)),
        ],
    )
    def test_wait_states_are_those_that_were_set(self, name, register, value, fetch):
        bus, chip = self.bus(name)
        bus.write(register, 4, value)
        assert chip.fetch() == fetch

    def test_a_cache_that_is_a_peripheral_of_its_own(self):
        bus, chip = self.bus("nucleo_u575zi_q")
        bus.write(0x40022000, 4, 0x104)
        bus.write(0x40030400, 4, 1)
        assert chip.fetch() == (4, True)

    def test_a_voltage_range_is_ready_with_its_booster(self):
        bus, _ = self.bus("nucleo_u575zi_q")
        assert not bus.read(0x4602080C, 4) >> 14 & 1
        bus.write(0x4602080C, 4, bus.read(0x4602080C, 4) | 1 << 18)
        assert bus.read(0x4602080C, 4) >> 14 & 3 == 3
