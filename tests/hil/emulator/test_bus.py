"""Accesses narrower than a register: what becomes of its other bytes."""

from __future__ import annotations

import pytest

from tinynas.hil.emulator.bus import PAGE_BYTES, Bus, BusError, Registers
from tinynas.hil.emulator.cores import CORES
from tinynas.hil.emulator.interrupts import InterruptController
from tinynas.hil.emulator.system import SystemControl
from tinynas.hil.emulator.uart import UsartV1

NVIC, SCB = 0xE000E100, 0xE000ED00


def test_flags_follow_other_bits():
    bus = Bus([Registers(0x1000, {0: 0b10, 8: 0}, follow={0: ((1, 4),)}, flags={8: (0, 0b11, 8)})])
    assert (bus.read(0x1000, 4), bus.read(0x1008, 4)) == (0b10, 0b10 << 8)
    bus.write(0x1000, 1, 0b11)
    assert (bus.read(0x1000, 4), bus.read(0x1008, 4)) == (0b10011, 0b11 << 8)
    bus.write(0x1000, 4, 0)
    assert (bus.read(0x1000, 4), bus.read(0x1008, 4)) == (0, 0), "neither is a flag that can be set"


@pytest.mark.parametrize("address", [0xFFC, 0x1004, 0x100C, 0x2000])
def test_gaps_and_edges_are_errors(address):
    bus = Bus([Registers(0x1000, {0: 0, 8: 0})])
    with pytest.raises(BusError):
        bus.read(address, 4)
    with pytest.raises(BusError):
        bus.write(address, 1, 0)


def test_pages_are_those_with_something_in_them():
    bus = Bus([Registers(0x1FFC, {0: 0, 4: 0}), Registers(0x5000, {0: 0}), Registers(0x5800, {0: 0})])
    assert bus.pages() == [0x1000, 0x2000, 0x5000]
    assert PAGE_BYTES == 0x1000


def test_a_priority_is_a_byte():
    nvic = InterruptController(lambda exception: 0)
    bus = Bus([nvic])
    bus.write(NVIC + 0x301, 1, 0x20)
    bus.write(NVIC + 0x302, 1, 0x30)
    assert (bus.read(NVIC + 0x300, 4), nvic.priority(16 + 1)) == (0x302000, 0x20)


def test_clearing_one_interrupt_by_a_byte_leaves_the_others():
    bus = Bus([InterruptController(lambda exception: 0)])
    bus.write(NVIC, 4, 0xFFFF)
    bus.write(NVIC + 0x81, 1, 0x01)
    assert bus.read(NVIC, 4) == 0xFEFF


def test_clearing_one_fault_by_a_byte_leaves_the_others():
    control = SystemControl(CORES["cortex-m4f"], 0, lambda: 0, lambda value: None)
    bus = Bus([control])
    control.note_fault(1 << 16 | 1 << 9 | 1 << 1, None, forced=False)
    bus.write(SCB + 0x29, 1, 0x02)
    assert bus.read(SCB + 0x28, 4) == 1 << 16 | 1 << 1
    bus.write(SCB + 0x18, 1, 0x40)
    bus.write(SCB + 0x1A, 1, 0x60)
    assert (control.priority(4), control.priority(6)) == (0x40, 0x60)


def test_sending_a_byte_does_not_take_the_one_that_was_received():
    sent: list[int] = []
    port = UsartV1(0x4000_4400, sent.append)
    bus = Bus([port])
    bus.write(0x4000_440C, 2, 0x202C)
    port.receive(7)
    bus.write(0x4000_4404, 1, 9)
    assert (sent, bus.read(0x4000_4404, 1)) == ([9], 7)


def test_flags_of_what_is_zero_elsewhere():
    bus = Bus([Registers(0x1000, {0: 0b11, 8: 0b1000}, cleared={8: (0, 0b11, 1)})])
    assert bus.read(0x1008, 4) == 0b1000
    bus.write(0x1000, 4, 0b01)
    assert bus.read(0x1008, 4) == 0b1100
