"""Streams of the LPM01A that hold what is known exactly, and damaged ones."""

from __future__ import annotations

import pytest

from tests.hil.power._meters import END_BINARY, ascii_stream, binary_stream, pulsed
from tinynas.errors import BoardError, ProtocolError
from tinynas.hil.power import Mark
from tinynas.hil.power.stream import AsciiStream, BinaryStream, Recording

STREAM = ascii_stream(*pulsed(50, 300))


def recording(rate: float = 1000, joules: float = 1.0) -> Recording:
    return Recording(rate, joules, "meter")


class TestRecording:
    def test_adds_up_and_marks(self):
        taken = recording(rate=10, joules=0.5)
        for value in (0.1, 0.2):
            taken.sample(value)
        taken.event(4)
        taken.sample(0.3)
        taken.event(5)
        assert taken.marks == [Mark(0.2, pytest.approx(0.15)), Mark(pytest.approx(0.3), pytest.approx(0.3))]

    def test_a_gap_in_the_events(self):
        taken = recording()
        taken.event(1)
        with pytest.raises(ProtocolError, match="event 3 follows event 1"):
            taken.event(3)

    def test_more_than_the_meter_can_give(self):
        with pytest.raises(ProtocolError, match="a sample of 3 cannot be"):
            recording().sample(3.0)

    @pytest.mark.parametrize(("count", "fits"), [(987, False), (988, True), (1000, True), (1012, True), (1013, False)])
    def test_samples_are_as_many_as_the_time_stamps_say(self, count, fits):
        taken = recording()
        taken.stamp(4.0, 0)
        for _ in range(count):
            taken.sample(1e-6)
        if fits:
            taken.stamp(5.0, 99)
        else:
            with pytest.raises(ProtocolError, match=f"{count} samples arrived in the time of 1000"):
                taken.stamp(5.0, 99)

    def test_time_that_runs_backwards(self):
        taken = recording()
        taken.stamp(4.0, 0)
        with pytest.raises(ProtocolError, match="0 samples arrived in the time of -3000"):
            taken.stamp(1.0, 0)

    def test_a_full_buffer(self):
        with pytest.raises(BoardError, match="overrun") as caught:
            recording().stamp(1.0, 100)
        assert "frequency" in caught.value.advice


class TestAsciiStream:
    def read(self, data: bytes, taken: Recording | None = None) -> Recording:
        taken = taken or recording()
        AsciiStream(taken).feed(data)
        return taken

    def test_a_recorded_stream(self):
        taken = self.read(STREAM)
        assert taken.marks == [
            Mark(0.05, pytest.approx(50 * 2000e-8)),
            Mark(0.35, pytest.approx(50 * 2000e-8 + 300 * 5000e-8)),
        ]
        assert not taken.done

    def test_as_it_stands_in_the_manual(self):
        taken = self.read(b"TimeStamp: 0s 000ms, buff 00%\r\n\x006409-07\r\n0001+00\r\nevent 1 ris\r\nevent 2 fal\r\n")
        assert [mark.energy_j for mark in taken.marks] == [pytest.approx(1 + 640.9e-6)] * 2

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
    def test_it_may_be_cut_anywhere(self, size):
        taken = recording()
        stream = AsciiStream(taken)
        for start in range(0, len(STREAM), size):
            stream.feed(STREAM[start : start + size])
        assert taken.marks == self.read(STREAM).marks

    def test_samples_whose_line_end_is_lost_count(self):
        assert self.read(b"1000-061000-06\r\nevent 1 ris\r\n").marks[0].energy_j == pytest.approx(2e-3)

    @pytest.mark.parametrize(
        "line", ["PowerShield > ", "", "summary beg", "Voltage 3.3", "PowerShield > ack stop", "pwr on"]
    )
    def test_other_text_is_left_alone(self, line):
        taken = self.read(f"1000-06\r\n{line}\r\n1000-06\r\nevent 1 ris\r\n".encode())
        assert taken.marks == [Mark(0.002, pytest.approx(2e-3))]

    @pytest.mark.parametrize("line", ["end", "PowerShield > Acquisition completed", "acquisition completed: 3 samples"])
    def test_the_end(self, line):
        taken = self.read(f"1000-06\r\n{line}\r\n?? whatever comes then ??\r\n".encode())
        assert taken.done

    @pytest.mark.parametrize(
        "line",
        [
            "error: overcurrent",
            "Error detail: x",
            "err start",
            "PowerShield > error x",
            "Overcurrent",
            "Buffer overflow",
        ],
    )
    def test_trouble_that_the_meter_reports(self, line):
        with pytest.raises(BoardError, match="the meter reports") as caught:
            self.read(f"{line}\r\n".encode())
        assert caught.value.where == "meter"

    @pytest.mark.parametrize(
        "line", [b"64?9-07", b"649-07", b"6409-7", b"6409-071", b"\x86409-07", b"-6409-07", b"x\xff"]
    )
    def test_garbage(self, line):
        with pytest.raises(ProtocolError, match="neither a sample nor a message"):
            self.read(b"1000-06\r\n" + line + b"\r\n")

    def test_a_line_without_end(self):
        with pytest.raises(ProtocolError, match="without end"):
            self.read(b"1" * 5000)


class TestBinaryStream:
    VALUES, MARKS = pulsed(500, 3000, 100, 700)
    STREAM = binary_stream(VALUES, MARKS)
    STAMP = bytes.fromhex("f0f300000000 00ffff")

    def read(self, data: bytes, rate: float = 10_000) -> Recording:
        taken = recording(rate)
        BinaryStream(taken).feed(data)
        return taken

    def test_a_recorded_stream(self):
        taken = self.read(self.STREAM)
        assert taken.marks == [
            Mark(0.05, pytest.approx(500 * 100 / 16**6)),
            Mark(0.35, pytest.approx((500 * 100 + 3000 * 700) / 16**6)),
        ]

    def test_as_it_stands_in_the_manual(self):
        taken = self.read(self.STAMP + b"\x52\xa0" + b"\xf0\xf2event 1 ris\xff\xff")
        assert taken.marks[0].energy_j == pytest.approx(640.9e-6, rel=1e-4)

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
    def test_it_may_be_cut_anywhere(self, size):
        taken = recording(10_000)
        stream = BinaryStream(taken)
        for start in range(0, len(self.STREAM), size):
            stream.feed(self.STREAM[start : start + size])
        assert taken.marks == self.read(self.STREAM).marks

    def test_text_before_the_first_time_stamp_is_skipped(self):
        prompt = b"\r\nPowerShield > ack start\r\n\r\n"
        assert self.read(prompt + self.STREAM).marks == self.read(self.STREAM).marks

    def test_the_end(self):
        taken = self.read(self.STAMP + b"\x50\x10" + END_BINARY + b"\r\nPowerShield > Acquisition completed\r\n")
        assert taken.done

    def test_a_voltage_is_no_sample(self):
        taken = self.read(self.STAMP + bytes.fromhex("f0f70ce4ffff") + b"\x50\x10\xf0\xf2event 1 ris\xff\xff")
        assert taken.marks == [Mark(1e-4, pytest.approx(16 / 16**5))]

    @pytest.mark.parametrize(
        ("message", "said"),
        [
            (b"\xf0\xf5\xff\xff", "more than the meter can give"),
            (b"\xf0\xf6\xff\xff", "lost its supply"),
            (b"\xf0\xf1sampling too fast\xff\xff", "sampling too fast"),
            (b"\xf0\xf2Buffer overflow\xff\xff", "Buffer overflow"),
            (b"\xf0\xf3\0\0\0\0\x64\xff\xff", "overrun"),
        ],
    )
    def test_trouble_that_the_meter_reports(self, message, said):
        with pytest.raises(BoardError, match=said):
            self.read(self.STAMP + message)

    def test_lost_samples(self):
        start = len(self.STAMP) + 400
        with pytest.raises(ProtocolError, match="970 samples arrived in the time of 1000"):
            self.read(self.STREAM[:start] + self.STREAM[start + 60 :])

    @pytest.mark.parametrize(
        "item", ["f150", "f0f8ffff", "f000", "f0f4ff00", "f0f30000000000fffe", "0fa0"], ids=lambda item: item[:4]
    )
    def test_out_of_step(self, item):
        with pytest.raises(ProtocolError):
            self.read(self.STAMP + bytes.fromhex(item) + b"\x50\x10" * 8)

    @pytest.mark.parametrize("data", [b"x" * 5000, STAMP + b"\xf0\xf2" + b"x" * 5000])
    def test_no_end(self, data):
        with pytest.raises(ProtocolError, match="no stream"):
            self.read(data)
