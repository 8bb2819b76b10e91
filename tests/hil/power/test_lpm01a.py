"""The LPM01A's commands, energies from its recordings, and what happens when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hil.power._boards import loaded_dut
from tests.hil.power._meters import END_BINARY, Shield, ascii_stream, binary_stream, metered, pulsed
from tinynas.errors import BoardError, ConfigError, LinkTimeout, ProtocolError
from tinynas.hil.power import Lpm01a, energy_of

#: A window of 300 inferences between idle times of 50 samples: 300 samples of 5000e-8 J at 1 kHz.
STREAM = ascii_stream(*pulsed(50, 300))
MICROJOULES = 50.0


@contextmanager
def shield(fake: Shield, **options) -> Iterator[Lpm01a]:
    with metered(fake) as link:
        meter = Lpm01a(link, **options)
        try:
            yield meter
        finally:
            meter.close()


class TestLpm01a:
    def test_energy_of_a_recorded_stream(self):
        with shield(Shield(STREAM)) as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(MICROJOULES, rel=1e-6)

    def test_currents_become_energy_by_voltage_and_period(self):
        stream = ascii_stream(*pulsed(100, 600), exponent=-6, rate=2000)
        with shield(Shield(stream), volts=2.5, frequency_hz=2000, output="current") as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(5e-3 * 2.5 * 1e-3 * 1e6, rel=1e-6)

    def test_binary_samples(self):
        fake = Shield(binary_stream(*pulsed(500, 3000, 100, 700)), END_BINARY)
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
                *("stop", "htc", "pwr off", "acqmode dyn", "acqtime inf", "trigdelay 0", "trigsrc sw"),
                "eventsrc d7 fal",
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

    def test_it_never_falls_silent(self):
        fake = Shield()
        fake.floods = b"1000-06\r\n" * 100
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
