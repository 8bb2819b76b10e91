"""Energy from power meters that have recorded what is known exactly, and what they do when something is wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tinynas.errors import BoardError, ConfigError, LinkTimeout, ProtocolError
from tinynas.hil.dut import Dut
from tinynas.hil.power import Ina228Harness, Lpm01a, Mark, energy_of
from tinynas.hil.power import ina228 as ina228_module
from tinynas.hil.power import lpm01a as lpm01a_module
from tinynas.hil.power.ina228 import Ina228Setup, checksum
from tinynas.hil.power.stream import AsciiStream, BinaryStream, Recording

from ._device import Device, connected
from ._meters import END_BINARY, Harness, Shield, ascii_stream, binary_stream, metered, pulsed, signed

INFERENCE_US = 1000
#: A window of 300 inferences between idle times of 50 samples: 300 samples of 5000e-8 J at 1 kHz.
STREAM = ascii_stream(*pulsed(50, 300))
MICROJOULES = 50.0


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    for module in (lpm01a_module, ina228_module):
        monkeypatch.setattr(module, "_TIMEOUT_S", 0.6)
    monkeypatch.setattr(lpm01a_module, "_CALIBRATION_S", 0.6)
    monkeypatch.setattr(lpm01a_module, "_QUIET_S", 0.02)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class TimedDevice(Device):
    """Every inference takes `INFERENCE_US`."""

    def _infer(self, words):
        lines, start = super()._infer(words), self.clock
        self.clock += INFERENCE_US * int(words[0])
        laps = [i for i, line in enumerate(lines) if line.startswith("m-lap-us-")]
        lines[laps[0]], lines[laps[1]] = f"m-lap-us-{start}", f"m-lap-us-{self.clock}"
        return lines


@contextmanager
def loaded_dut(device: Device | None = None) -> Iterator[Dut]:
    """A board with an input."""
    with connected(device or TimedDevice()) as link:
        dut = Dut(link)
        dut.load(bytes(100))
        yield dut


@contextmanager
def shield(fake: Shield, **options) -> Iterator[Lpm01a]:
    with metered(fake) as link:
        meter = Lpm01a(link, **options)
        try:
            yield meter
        finally:
            meter.close()


@contextmanager
def harness(fake: Harness) -> Iterator[Ina228Harness]:
    with metered(fake) as link:
        meter = Ina228Harness(link)
        try:
            yield meter
        finally:
            meter.close()


def recording(rate: float = 1000, joules: float = 1.0) -> Recording:
    return Recording(rate, joules, "meter")


class FixedMeter:
    """Has its marks from the test."""

    name, resolution_s = "fixed", 0.001

    def __init__(self, *marks: Mark) -> None:
        self.marks, self.calls = marks, []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> tuple[Mark, ...]:
        self.calls.append("stop")
        return self.marks

    def close(self) -> None:
        self.calls.append("close")


class TestEnergyOf:
    def test_is_the_difference_of_the_marks_by_the_inferences(self):
        meter = FixedMeter(Mark(10.0, 2.0), Mark(10.4, 2.1))
        with loaded_dut() as dut:
            assert energy_of(meter, dut, 400) == pytest.approx(250.0)
        assert meter.calls == ["start", "stop"]

    def test_warm_ups_are_asked_for(self):
        device = TimedDevice()
        with loaded_dut(device) as dut:
            energy_of(FixedMeter(Mark(0, 0), Mark(0.3, 1)), dut, 300, warmup=7)
        assert device.received[-1] == "infer 300 7"

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_pulses_that_are_missing_or_too_many(self, count):
        meter = FixedMeter(*[Mark(0.3 * i, i) for i in range(count)])
        with loaded_dut() as dut, pytest.raises(BoardError, match=f"saw {count} pulses instead of 2") as caught:
            energy_of(meter, dut, 300)
        assert "D7" in caught.value.advice
        assert caught.value.where == "fixed"

    @pytest.mark.parametrize(("apart_s", "fits"), [(0.285, False), (0.29, True), (0.311, True), (0.32, False)])
    def test_pulses_that_are_not_the_laps(self, apart_s, fits):
        meter = FixedMeter(Mark(5.0, 0.0), Mark(5.0 + apart_s, 0.3))
        with loaded_dut() as dut:
            if fits:
                assert energy_of(meter, dut, 300) == pytest.approx(1000)
            else:
                with pytest.raises(BoardError, match=r"s apart, but the inferences took 0\.3 s"):
                    energy_of(meter, dut, 300)

    def test_too_few_inferences_are_refused_with_the_number_that_is_enough(self):
        meter = FixedMeter(Mark(0, 0), Mark(0.05, 1), Mark(1, 1))
        with loaded_dut() as dut:
            meter.marks = meter.marks[:2]
            with pytest.raises(ConfigError, match="too short") as caught:
                energy_of(meter, dut, 50)
            assert caught.value.advice == "measure at least 200 inferences"
            meter.marks = (Mark(0, 0), Mark(0.2, 1))
            assert energy_of(meter, dut, 200) == pytest.approx(5000)

    @pytest.mark.parametrize("energy_j", [0.0, -0.1])
    def test_no_energy_cannot_be(self, energy_j):
        with loaded_dut() as dut, pytest.raises(BoardError, match="the board took"):
            energy_of(FixedMeter(Mark(0, 0), Mark(0.3, energy_j)), dut, 300)

    def test_where_the_inference_fails_the_meter_is_stopped_and_that_error_stays(self):
        class Failing(FixedMeter):
            def stop(self):
                super().stop()
                raise LinkTimeout("the meter, too")

        meter, device = Failing(), Device()
        device.distort = lambda reply: reply.replace(b"m-lap-us", b"m-lop-us")
        with loaded_dut(device) as dut, pytest.raises(ProtocolError, match="two laps"):
            energy_of(meter, dut, 300)
        assert meter.calls == ["start", "stop"]


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


class TestLpm01a:
    def test_energy_of_a_recorded_stream(self):
        with shield(Shield(STREAM)) as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(MICROJOULES, rel=1e-6)

    def test_currents_become_energy_by_voltage_and_period(self):
        stream = ascii_stream(*pulsed(100, 600), exponent=-6, rate=2000)
        with shield(Shield(stream), volts=2.5, frequency_hz=2000, output="current") as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(5e-3 * 2.5 * 1e-3 * 1e6, rel=1e-6)

    def test_binary_samples(self):
        fake = Shield(TestBinaryStream.STREAM, END_BINARY)
        with shield(fake, frequency_hz=10_000) as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(10 * 700 / 16**6 * 1e6)
        assert "format bin_hexa" in fake.received

    def test_it_measures_again_and_again(self):
        with shield(Shield(STREAM)) as meter, loaded_dut() as dut:
            assert {round(energy_of(meter, dut, 300), 6) for _ in range(3)} == {MICROJOULES}

    def test_how_it_is_set_up_and_left(self):
        fake = Shield()
        with shield(fake, volts=1.8, frequency_hz=500) as meter:
            assert meter.resolution_s == 0.002
            assert fake.received == [
                *("stop", "htc", "pwr off", "acqtime inf", "trigdelay 0", "trigsrc sw", "eventsrc d7 fal"),
                *("output energy", "format ascii_dec", "freq 500", "volt 1800m", "pwr on nostatus"),
            ]
            meter.close()
        assert fake.received[-2:] == ["pwr off", "hrc"]

    @pytest.mark.parametrize(("rate", "said"), [(1000, "freq 1k"), (5000, "freq 5k"), (200, "freq 200")])
    def test_frequencies(self, rate, said):
        fake = Shield()
        with shield(fake, frequency_hz=rate):
            assert said in fake.received

    @pytest.mark.parametrize(
        "options",
        [
            {"volts": 1.7},
            {"volts": 5.0},
            {"frequency_hz": 3000},
            {"frequency_hz": 0},
            {"frequency_hz": 20_000},
            {"frequency_hz": 200_000, "output": "current"},
        ],
    )
    def test_what_it_cannot_give(self, options):
        with metered(Shield()) as link, pytest.raises(ConfigError):
            Lpm01a(link, **options)

    def test_a_recording_that_somebody_left_running_is_ended(self):
        fake = Shield()
        fake.recording, fake.end = True, b"1000-06\r\n" * 500
        with shield(fake):
            assert "pwr on nostatus" in fake.received

    def test_it_never_falls_silent(self, monkeypatch):
        monkeypatch.setattr(lpm01a_module, "_TIMEOUT_S", 0.1)
        fake, endless = Shield(), b"1000-06\r\n" * 10_000_000
        fake.alter = lambda command, reply: endless if command == "stop" else reply
        with metered(fake) as link, pytest.raises(LinkTimeout, match="does not end its recording"):
            Lpm01a(link)

    def test_a_refused_command(self):
        fake = Shield()
        fake.alter = lambda command, reply: b"\r\nPowerShield > error volt\r\n" if "volt" in command else reply
        with metered(fake) as link, pytest.raises(ProtocolError, match="refuses `volt 3300m`"):
            Lpm01a(link)

    def test_no_answer(self):
        fake = Shield()
        fake.alter = lambda command, reply: b"hello\r\n" if command == "htc" else b""
        with metered(fake) as link, pytest.raises(LinkTimeout, match=r"`htc` is not answered.*'hello'"):
            Lpm01a(link)

    def test_it_falls_silent_while_it_records(self):
        with shield(Shield(STREAM)) as meter:
            meter.start()
            meter._recorder._thread.join(5)
            with pytest.raises(LinkTimeout, match="sends nothing"):
                meter.stop()

    def test_it_does_not_end(self):
        fake = Shield(STREAM)
        with shield(fake) as meter:
            fake.completes = False
            fake.alter = lambda command, reply: b"1000-06\r\n" if command == "stop" else reply
            meter.start()
            with pytest.raises(LinkTimeout, match="does not end its recording"):
                meter.stop()

    @pytest.mark.parametrize(
        ("stream", "kind", "said"),
        [
            (STREAM[:400] + b"\r\n@@@\r\n" + STREAM[400:], ProtocolError, "neither a sample"),
            (STREAM + b"error: overcurrent\r\n", BoardError, "overcurrent"),
            (STREAM.replace(b"event 2 ris", b"event 3 ris"), ProtocolError, "event 3 follows event 1"),
            (STREAM.replace(b"event 2 ris\r\n", b""), BoardError, "1 pulses instead of 2"),
            (ascii_stream(*pulsed(50, 250)), BoardError, "0.25 s apart"),
        ],
    )
    def test_a_damaged_stream_is_no_energy(self, stream, kind, said):
        fake = Shield(stream)
        with shield(fake) as meter, loaded_dut() as dut:
            with pytest.raises(kind, match=said):
                energy_of(meter, dut, 300)
            fake.stream = STREAM
            assert energy_of(meter, dut, 300) == pytest.approx(MICROJOULES)

    def test_the_cable_is_pulled(self):
        fake = Shield(STREAM)
        with shield(fake) as meter:
            meter.start()
            meter._link.close()
            with pytest.raises(BoardError, match="closed"):
                meter.stop()

    def test_out_of_turn(self):
        with shield(Shield(STREAM)) as meter:
            with pytest.raises(BoardError, match="not recording"):
                meter.stop()
            meter.start()
            with pytest.raises(BoardError, match="already"):
                meter.start()


class TestIna228:
    #: 15 mOhm and SHUNT_CAL 3750: 19.0735 uA a step of CURRENT, 976.56 uJ a step of ENERGY.
    AMPERE = 3750 / (13107.2e6 * 0.015)
    JOULE = 16 * 3.2 * AMPERE
    #: 300 ms of 50 mA at 3.3 V.
    MARKS = ((1_000_000, 100, 1000), (1_300_000, 100 + round(0.0495 / JOULE), 1000 + round(0.015 / AMPERE)))

    def test_energy_of_a_recording(self):
        with harness(Harness(self.MARKS)) as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(round(0.0495 / self.JOULE) * self.JOULE / 300 * 1e6)
            assert energy_of(meter, dut, 300) == pytest.approx(165, rel=0.02)

    def test_steps_follow_the_data_sheet(self):
        setup = Ina228Setup(0.0162, 4050, fine=False, period_s=1e-3)
        assert setup.current_lsb_a == pytest.approx(10 / 2**19, rel=1e-4)
        assert setup.energy_lsb_j == pytest.approx(16 * 3.2 * 10 / 2**19, rel=1e-4)
        assert Ina228Setup(0.0162, 4 * 4050, fine=True, period_s=1e-3).current_lsb_a == setup.current_lsb_a

    def test_the_set_up_is_the_harness_s(self):
        fake = Harness()
        fake.identity = "ina228 1 shunt_uohm=100000 cal=5000 range=1 period_us=560"
        with harness(fake) as meter:
            assert meter.setup == Ina228Setup(0.1, 5000, True, 560e-6)
            assert meter.resolution_s == 560e-6

    def test_a_banner_and_noise_before_the_answer(self):
        fake = Harness()
        fake.alter = lambda command, reply: b"\xff\x00boot\r\n" + signed("hello") + reply
        with metered(fake) as link:
            assert Ina228Harness(link).setup.calibration == 3750

    def test_it_is_asked_again(self):
        fake = Harness()
        fake.alter = lambda command, reply: reply if len(fake.received) > 1 else b""
        with metered(fake) as link:
            assert Ina228Harness(link).setup.calibration == 3750
        assert fake.received == ["id", "id"]

    @pytest.mark.parametrize(
        ("identity", "kind", "said"),
        [
            ("ina228 2 shunt_uohm=15000 cal=3750 range=0 period_us=1000", ProtocolError, "version 2"),
            ("ina228 1 shunt_uohm=15000 cal=0 range=0 period_us=1000", BoardError, "not set up"),
            ("ina219 1", LinkTimeout, "heard 'ina219 1"),
        ],
    )
    def test_another_harness(self, identity, kind, said):
        fake = Harness()
        fake.identity = identity
        with metered(fake) as link, pytest.raises(kind, match=said):
            Ina228Harness(link)

    @pytest.mark.parametrize(
        ("flags", "said"),
        [(1 << 11 | 1, "the energy"), (1 << 10 | 1, "the charge"), (1 << 9 | 1, "the arithmetic"), (0, "trim memory")],
    )
    def test_what_the_chip_reports(self, flags, said):
        fake = Harness(self.MARKS)
        fake.flags = flags
        with harness(fake) as meter:
            meter.start()
            with pytest.raises(BoardError, match=said):
                meter.stop()

    @pytest.mark.parametrize(
        ("second", "said"),
        [
            ((1_300_000, 151, 1000), "no current"),
            ((1_300_000, 151, -500), "the other way"),
            ((1_300_000, 101, 1786), "0.07 V cannot be"),
            ((1_300_000, 400, 1786), "19.54 V cannot be"),
        ],
    )
    def test_wrong_wiring(self, second, said):
        with harness(Harness((self.MARKS[0], second))) as meter:
            meter.start()
            with pytest.raises(BoardError, match=said):
                meter.stop()

    def test_charge_is_signed(self):
        with harness(Harness(((0, 0, -786), (300_000, 51, 0)))) as meter:
            meter.start()
            assert meter.stop()[1].energy_j == pytest.approx(51 * self.JOULE)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b"mark 1 1300", b"mark 1 1301", "damaged"),
            (b"mark", b"m\xe4rk", "damaged"),
            (signed("mark 0 1000000 0000000064 00000003e8"), b"", "mark 1 comes as number 0"),
            (signed("stopped 2 0001"), signed("stopped 3 0001"), "2 of 3 marks"),
            (signed("stopped 2 0001"), signed("error i2c"), "harness reports: i2c"),
            (signed("stopped 2 0001"), signed("started"), "answered by 'started'"),
            (signed("stopped 2 0001"), b"", "not answered"),
        ],
    )
    def test_damaged_answers(self, old, new, said):
        fake = Harness(self.MARKS)
        with harness(fake) as meter:
            meter.start()
            fake.alter = lambda command, reply: reply.replace(old, new)
            assert old in Harness(self.MARKS).answer("stop")
            with pytest.raises(BoardError, match=said):
                meter.stop()
            fake.alter = lambda command, reply: reply

    def test_marks_without_end(self):
        fake = Harness(self.MARKS)
        with harness(fake) as meter:
            meter.start()
            endless = b"".join(signed(f"mark {i} {i} {0:010x} {0:010x}") for i in range(400_000))
            fake.alter = lambda command, reply: endless if command == "stop" else reply
            with pytest.raises(LinkTimeout, match="`stop` is not answered"):
                meter.stop()

    def test_it_does_not_start(self):
        fake = Harness()
        with harness(fake) as meter:
            fake.alter = lambda command, reply: signed("error no INA228 on the bus")
            with pytest.raises(BoardError, match="no INA228 on the bus"):
                meter.start()

    def test_out_of_turn(self):
        with harness(Harness(self.MARKS)) as meter:
            with pytest.raises(BoardError, match="not recording"):
                meter.stop()
            meter.start()
            with pytest.raises(BoardError, match="already"):
                meter.start()

    def test_the_examples_of_the_documentation_are_understood(self):
        text = (Path(__file__).parents[2] / "docs" / "energy.md").read_text(encoding="utf-8")
        lines = re.findall(r"`([a-z][^`]*)\*([0-9a-f]{2})`", text)
        assert [line.split()[0] for line, _ in lines] == ["ina228", "started"]
        assert [digits for _, digits in lines] == [checksum(line) for line, _ in lines]
        fake = Harness()
        fake.identity = lines[0][0]
        with harness(fake) as meter:
            assert meter.setup == Ina228Setup(0.015, 3750, False, 1080e-6)

    def test_checksums(self):
        assert checksum("") == "00"
        assert checksum("id") == f"{ord('i') ^ ord('d'):02x}"
