"""The PL011, register by register (DDI 0183)."""

from __future__ import annotations

import pytest

from tinynas.hil.emulator.bus import BusError
from tinynas.hil.emulator.pl011 import Pl011


class TestPl011:
    CR, IMSC, FR, DR, MIS, ICR = 0x30, 0x38, 0x18, 0x00, 0x40, 0x44

    def port(self):
        sent: list[int] = []
        port = Pl011(0, sent.append)
        port.write(self.IMSC, 1 << 4)
        return port, sent

    def test_bytes_go_both_ways(self):
        port, sent = self.port()
        port.write(self.DR, 0x31)
        port.receive(0x32)
        assert (sent, port.interrupting) == ([], False), "it is off"
        port.write(self.CR, 1 << 9 | 1 << 8 | 1 << 0)
        port.write(self.DR, 0x141)
        assert (sent, port.read(self.FR)) == ([0x41], 0x90), "nothing received, nothing to be sent"
        port.receive(0x42)
        assert (port.interrupting, port.read(self.FR), port.read(self.MIS)) == (True, 0x80, 1 << 4)
        assert port.read(self.DR) == 0x42
        assert (port.interrupting, port.read(self.FR)) == (False, 0x90)

    def test_a_byte_that_nobody_took_stays_and_the_next_is_lost(self):
        port, _ = self.port()
        port.write(self.CR, 0x301)
        for byte in (1, 2):
            port.receive(byte)
        assert port.read(0x3C) == 1 << 10 | 1 << 4
        assert port.read(self.DR) == 1
        port.write(self.ICR, 1 << 10)
        assert (port.read(0x3C), port.read(self.FR)) == (0, 0x90)

    def test_one_direction_alone(self):
        port, sent = self.port()
        port.write(self.CR, 1 << 8 | 1 << 0)
        port.write(self.DR, 0x41)
        port.receive(0x42)
        assert (sent, port.interrupting) == ([0x41], False)

    def test_registers_that_it_does_not_have(self):
        port, _ = self.port()
        with pytest.raises(BusError):
            port.read(0x08)
        with pytest.raises(BusError):
            port.write(0x1C, 0)
