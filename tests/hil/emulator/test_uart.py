"""Serial ports, register by register."""

from __future__ import annotations

import pytest

from tests.hil.emulator._ram import RAM, Ram
from tinynas.hil.emulator.bus import BusError
from tinynas.hil.emulator.uart import Uarte, UsartV1, UsartV2

RXNE, TC, TXE, ORE = 1 << 5, 1 << 6, 1 << 7, 1 << 3

# Kind, offsets of control, status, receive and transmit registers, value that turns it on with its interrupt.
KINDS = [
    pytest.param(UsartV1, 0x0C, 0x00, 0x04, 0x04, 0x202C, id="v1"),
    pytest.param(UsartV2, 0x00, 0x1C, 0x24, 0x28, 0x002D, id="v2"),
]
each = pytest.mark.parametrize(("kind", "control", "status", "receive", "transmit", "on"), KINDS)


class TestUsart:
    @each
    def test_bytes_go_both_ways(self, kind, control, status, receive, transmit, on):
        sent: list[int] = []
        port = kind(0, sent.append)
        port.write(transmit, 0x31)
        port.receive(0x32)
        assert (sent, port.interrupting) == ([], False), "it is off"
        port.write(control, on)
        assert port.read(control) == on
        assert port.read(status) == TXE | TC
        port.write(transmit, 0x141)
        assert sent == [0x41]
        port.receive(0x42)
        assert port.interrupting
        assert port.read(status) == TXE | TC | RXNE
        assert port.read(receive) == 0x42
        assert (port.interrupting, port.read(status)) == (False, TXE | TC)

    @each
    def test_a_byte_that_nobody_took_stays_and_the_next_is_lost(self, kind, control, status, receive, transmit, on):
        port = kind(0, lambda byte: None)
        port.write(control, on)
        port.receive(1)
        port.receive(2)
        assert port.read(status) & ORE
        assert port.read(receive) == 1
        if kind is UsartV2:
            assert port.interrupting, "until the flag is cleared"
            port.write(0x20, ORE)
        assert not port.read(status) & (ORE | RXNE)
        assert not port.interrupting

    def test_an_overrun_is_remembered_whatever_arrives_later(self):
        port = UsartV2(0, lambda byte: None)
        port.write(0x00, 0x2D)
        for byte in (1, 2):
            port.receive(byte)
        assert port.read(0x24) == 1
        port.receive(3)
        assert port.read(0x1C) & (ORE | RXNE) == ORE | RXNE

    @each
    def test_every_register_of_the_block_can_be_read(self, kind, control, status, receive, transmit, on):
        port = kind(0, lambda byte: None)
        for offset in range(0, port.size, 4):
            port.write(offset, 0)
            assert port.read(offset) >= 0

    @each
    def test_the_transmitter_can_interrupt(self, kind, control, status, receive, transmit, on):
        port = kind(0, lambda byte: None)
        port.write(control, on | 1 << 7)
        assert port.interrupting


class TestUarte:
    ENDRX, ENDTX, INTENSET, INTENCLR = 0x110, 0x120, 0x304, 0x308

    def port(self, most=2) -> tuple[Uarte, Ram, list[int]]:
        ram, sent = Ram(), []
        port = Uarte(0, sent.append, ram)
        for offset, value in ((0x500, 8), (0x534, RAM + 16), (0x538, most), (self.INTENSET, 1 << 4)):
            port.write(offset, value)
        return port, ram, sent

    def test_bytes_go_to_memory_until_there_are_enough(self):
        port, ram, _ = self.port()
        port.write(0x000, 1)
        port.receive(7)
        assert (ram.data[16], port.read(self.ENDRX), port.interrupting) == (7, 0, False)
        port.receive(8)
        assert (ram.data[17], port.read(self.ENDRX), port.read(0x53C), port.interrupting) == (8, 1, 2, True)
        port.write(self.ENDRX, 0)
        assert not port.interrupting

    def test_a_few_bytes_wait_for_the_next_reception(self):
        port, ram, _ = self.port()
        for byte in range(1, 10):
            port.receive(byte)
        port.write(0x000, 1)
        assert bytes(ram.data[16:18]) == b"\x01\x02"
        for expected in (b"\x03\x04", b"\x05\x06"):
            port.write(0x000, 1)
            assert bytes(ram.data[16:18]) == expected
        port.write(self.ENDRX, 0)
        port.write(0x000, 1)
        assert port.read(self.ENDRX) == 0, "the others are lost"

    def test_memory_goes_out(self):
        port, ram, sent = self.port()
        ram.store(RAM + 4, b"abc")
        port.write(0x544, RAM + 4)
        port.write(0x548, 3)
        port.write(0x008, 1)
        assert (bytes(sent), port.read(self.ENDTX), port.read(0x54C)) == (b"abc", 1, 3)

    @pytest.mark.parametrize("pointer", [0x1000, RAM + 64], ids=["flash", "nowhere"])
    def test_only_ram_goes_out(self, pointer):
        port, _, sent = self.port()
        port.write(0x544, pointer)
        port.write(0x548, 1)
        with pytest.raises(BusError):
            port.write(0x008, 1)
        assert sent == []

    def test_what_is_not_modelled(self):
        port, _, _ = self.port()
        with pytest.raises(BusError):
            port.read(0x400)
        with pytest.raises(BusError):
            port.write(0x400, 1)

    def test_interrupts_are_enabled_bit_by_bit(self):
        port, _, _ = self.port()
        port.write(self.INTENSET, 1 << 8)
        assert port.read(self.INTENSET) == 1 << 4 | 1 << 8
        port.write(self.INTENCLR, 1 << 4)
        assert port.read(self.INTENCLR) == 1 << 8
