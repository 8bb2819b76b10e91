"""SysTick, cycle counter, interrupt controller and system control, register by register, without a core."""

from __future__ import annotations

import pytest

from tinynas.hil.emulator.bus import BusError
from tinynas.hil.emulator.cores import CORES
from tinynas.hil.emulator.interrupts import InterruptController
from tinynas.hil.emulator.system import CycleCounter, SystemControl, SysTick


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class TestSysTick:
    def timer(self, control=7, reload=99):
        clock = Clock()
        timer = SysTick(clock)
        timer.write(0x4, reload)
        timer.write(0x8, 55)
        timer.write(0x0, control)
        return clock, timer

    def test_it_counts_down_and_reloads(self):
        clock, timer = self.timer()
        values = []
        for clock.now in (0, 1, 50, 99, 100, 101, 250):
            values.append(timer.read(0x8))
        assert values == [0, 99, 50, 1, 0, 99, 50]

    def test_it_interrupts_once_a_period(self):
        clock, timer = self.timer()
        assert (timer.due, timer.elapse()) == (100, False)
        clock.now = 100
        assert (timer.elapse(), timer.elapse(), timer.due) == (True, False, 200)
        clock.now = 555
        assert (timer.elapse(), timer.elapse(), timer.due) == (True, False, 600)

    def test_the_flag_is_cleared_by_reading(self):
        clock, timer = self.timer(control=5)
        clock.now = 101
        assert timer.read(0x0) == 5 | 1 << 16
        assert timer.read(0x0) == 5
        assert timer.due is None, "without interrupt"

    def test_it_stands_while_it_is_off(self):
        clock, timer = self.timer()
        clock.now = 30
        timer.write(0x0, 0)
        clock.now = 1000
        assert (timer.read(0x8), timer.due) == (70, None)
        timer.write(0x0, 7)
        clock.now = 1010
        assert (timer.read(0x8), timer.due) == (60, 1070)

    @pytest.mark.parametrize("value", [1 << 24, 0xFF000000])
    def test_it_has_24_bits(self, value):
        _, timer = self.timer(reload=value | 9)
        assert timer.read(0x4) == 9


class TestCycleCounter:
    def test_it_wraps_after_32_bits(self):
        clock = Clock()
        counter = CycleCounter(clock, lambda: True)
        counter.write(0x000, 1)
        counter.write(0x004, 0xFFFFFFFE)
        clock.now = 5
        assert counter.read(0x004) == 3

    def test_the_lock_of_the_cortex_m7_takes_its_key(self):
        counter = CycleCounter(Clock(), lambda: True)
        counter.write(0xFB0, 0xC5ACCE55)
        assert counter.read(0xFB4) == 0
        with pytest.raises(BusError):
            counter.read(0x008)


class TestInterruptController:
    def controller(self):
        return InterruptController(lambda exception: 0)

    @pytest.mark.parametrize("number", [0, 31, 32, 71, 239])
    def test_bits_are_set_and_cleared_in_their_own_registers(self, number):
        nvic, word, bit = self.controller(), 4 * (number // 32), 1 << number % 32
        nvic.write(0x000 + word, bit)
        nvic.write(0x100 + word, bit)
        assert [nvic.read(base + word) for base in (0x000, 0x080, 0x100, 0x180, 0x200)] == [bit, bit, bit, bit, 0]
        assert nvic.due(256) == 16 + number
        nvic.active.append(16 + number)
        assert nvic.read(0x200 + word) == bit
        nvic.active.pop()
        nvic.write(0x180 + word, bit)
        assert (nvic.read(0x100 + word), nvic.due(256)) == (0, None)
        nvic.write(0x080 + word, bit)
        assert nvic.read(0x000 + word) == 0

    def test_the_lower_number_goes_first_among_equals(self):
        nvic = self.controller()
        nvic.write(0x000, 0xFF)
        nvic.write(0x100, 0b1100)
        assert nvic.due(256) == 16 + 2
        nvic.write(0x300, 0x10_00_00_00 >> 8)
        assert nvic.due(256) == 16 + 3, "a greater priority value is less urgent"

    def test_what_is_not_urgent_enough_waits(self):
        nvic = self.controller()
        nvic.write(0x000, 1)
        nvic.write(0x300, 0x20)
        nvic.write(0x100, 1)
        assert nvic.due(256) == 16
        assert nvic.due(0x20) is None
        nvic.active.append(16 + 1)
        assert nvic.due(256) is None
        assert nvic.waiting

    def test_priorities_end_where_interrupts_do(self):
        with pytest.raises(BusError):
            self.controller().read(0x3F0)

    def test_icsr(self):
        nvic = self.controller()
        nvic.command(1 << 28)
        assert nvic.state() & 1 << 28
        assert nvic.state() >> 12 & 0x1FF == 14
        nvic.command(1 << 27)
        assert not nvic.state() & (1 << 28 | 0x1FF << 12)


class TestSystemControl:
    def control(self, core="cortex-m4f", data_cache_bytes=0):
        return SystemControl(CORES[core], data_cache_bytes, lambda: 0x123, lambda value: None)

    @pytest.mark.parametrize(
        ("core", "number"),
        [("cortex-m0plus", 0xC60), ("cortex-m4f", 0xC24), ("cortex-m7f", 0xC27), ("cortex-m33f", 0xD21)],
    )
    def test_it_says_which_core_it_is(self, core, number):
        assert self.control(core).read(0x00) >> 4 & 0xFFF == number

    @pytest.mark.parametrize("data_cache_bytes", [4096, 16384])
    def test_the_data_cache_of_the_m7_has_its_size(self, data_cache_bytes):
        size = self.control("cortex-m7f", data_cache_bytes).read(0x80)
        sets, ways, words = (size >> 13 & 0x7FFF) + 1, (size >> 3 & 0x3FF) + 1, 4 << (size & 7)
        assert sets * ways * words * 4 == data_cache_bytes

    @pytest.mark.parametrize("offset", [0x18, 0x28, 0x2C, 0x34, 0x38, 0x88, 0xFC])
    def test_an_armv6_m_has_no_fault_status_and_no_floating_point_unit(self, offset):
        control = self.control("cortex-m0plus")
        control.note_fault(1 << 9, 0x1234, forced=True)
        assert not control.handles(5)
        assert control.priority(5) == 0
        with pytest.raises(BusError):
            control.read(offset)

    def test_fault_flags_are_cleared_by_ones(self):
        control = self.control()
        control.note_fault(1 << 9, 0x1234, forced=True)
        assert (control.read(0x28), control.read(0x38), control.read(0x2C)) == (1 << 9 | 1 << 15, 0x1234, 1 << 30)
        control.write(0x28, 1 << 9)
        control.write(0x2C, 1 << 30)
        assert (control.read(0x28), control.read(0x2C)) == (1 << 15, 0)

    def test_cache_commands_are_there_and_nothing_else(self):
        control = self.control("cortex-m7f", 4096)
        for offset in range(0x250, 0x280, 4):
            control.write(offset, 0)
        with pytest.raises(BusError):
            control.write(0x280, 0)
