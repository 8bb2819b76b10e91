"""The chip that the host reads: registers, units, and what happens when something is wrong."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hil.power._boards import INFERENCE_US, TimedDevice, loaded_dut
from tests.hil.power._chip import ADC_CONFIG, CONFIG, DEVICE, DIAG_ALRT, ENERGY, MAKER, SHUNT_CAL, Chip
from tinynas.errors import BoardError
from tinynas.hil.power import Ina228, energy_of
from tinynas.hil.power import ina228 as module


class Direct:
    """The chip without a bus between."""

    name = "chip"

    def __init__(self, chip: Chip) -> None:
        self.chip, self.closed = chip, 0

    def read(self, register, count):
        return self.chip.read(register, count)

    def write(self, register, word):
        self.chip.write(register, word)

    def close(self):
        self.closed += 1


@pytest.fixture
def chip(monkeypatch):
    chip = Chip()
    monkeypatch.setattr(module.time, "monotonic", chip.clock)
    monkeypatch.setattr(module, "deadline_in", lambda seconds: chip.clock.now + seconds)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    return chip


def windowed(meter: Ina228, chip: Chip, seconds: float, amperes: float | None = None):
    """Marks of a recording with two pulses so far apart, with another current between them."""
    meter.start()
    meter.pulse()
    before, chip.amperes = chip.amperes, chip.amperes if amperes is None else amperes
    chip.clock.now += seconds
    meter.pulse()
    chip.amperes = before
    return meter.stop()


class TestSetUp:
    def test_registers(self, chip):
        chip.registers |= {CONFIG: 0x3FF0, SHUNT_CAL: 77, ADC_CONFIG: 0}  # of an earlier program
        Ina228(Direct(chip))
        assert chip.registers[CONFIG] == 1 << 4
        assert chip.registers[ADC_CONFIG] == 0xB900
        assert chip.period_s == pytest.approx(1080e-6)

    @pytest.mark.parametrize("shunt_ohm", [0.001, 0.015, 0.1])
    def test_calibration_is_the_data_sheet_s(self, chip, shunt_ohm):
        chip.shunt_ohm = shunt_ohm
        setup = Ina228(Direct(chip), shunt_ohm=shunt_ohm).setup
        assert setup.current_lsb_a == pytest.approx(0.04096 / shunt_ohm / 2**19)
        assert chip.registers[SHUNT_CAL] == round(4 * 13107.2e6 * setup.current_lsb_a * shunt_ohm)

    @pytest.mark.parametrize(("register", "value"), [(MAKER, 0x5448), (DEVICE, 0x2381)])
    def test_another_chip(self, chip, register, value):
        chip.registers[register] = value
        device = Direct(chip)
        with pytest.raises(BoardError, match=f"not an INA228: its ids are .*0x{value:04x}") as caught:
            Ina228(device)
        assert "address=" in caught.value.advice
        assert device.closed == 1

    def test_another_revision(self, chip):
        chip.registers[DEVICE] = 0x2282
        Ina228(Direct(chip))

    def test_it_makes_no_results(self, chip):
        chip.stuck = True
        with pytest.raises(BoardError, match="makes no results"):
            Ina228(Direct(chip))

    def test_a_register_that_does_not_hold(self, chip, monkeypatch):
        real = chip.write
        monkeypatch.setattr(chip, "write", lambda register, word: register == SHUNT_CAL or real(register, word))
        chip.registers[SHUNT_CAL] = 5
        monkeypatch.setitem(module.__dict__, "_CALIBRATION", 4097)
        with pytest.raises(BoardError, match="was set to 4097 and holds 4096"):
            Ina228(Direct(chip))


class TestRecordings:
    def test_the_newest_result(self, chip):
        reading = Ina228(Direct(chip)).reading()
        assert reading.volts == pytest.approx(3.3, abs=200e-6)
        assert reading.amperes == pytest.approx(0.05, abs=6e-6)
        chip.amperes = -0.02
        assert Ina228(Direct(chip)).reading().amperes == pytest.approx(-0.02, abs=6e-6)

    @given(
        volts=st.floats(1.8, 5.0),
        amperes=st.floats(0.001, 2.7),
        shunt_ohm=st.sampled_from([0.015, 0.01, 0.1]),
        seconds=st.floats(1.0, 30.0),
    )
    def test_joules_are_volts_by_amperes_by_seconds(self, volts, amperes, shunt_ohm, seconds):
        amperes *= 0.015 / shunt_ohm
        chip = Chip(shunt_ohm=shunt_ohm, volts=volts, amperes=amperes)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module.time, "monotonic", chip.clock)
            patched.setattr(module, "deadline_in", lambda seconds: chip.clock.now + seconds)
            meter = Ina228(Direct(chip), shunt_ohm=shunt_ohm)
            first, second = windowed(meter, chip, seconds)
        step = meter.setup.energy_lsb_j
        apart = second.time_s - first.time_s
        assert apart == pytest.approx(seconds, abs=0.01)
        assert second.energy_j - first.energy_j == pytest.approx(volts * amperes * apart, rel=0.006, abs=2 * step)

    def test_each_recording_begins_at_nothing(self, chip):
        meter = Ina228(Direct(chip))
        first = windowed(meter, chip, 10.0)
        again = windowed(meter, chip, 10.0)
        assert again[0].energy_j < 0.01
        assert again[1].energy_j == pytest.approx(first[1].energy_j, rel=0.001)

    @pytest.mark.parametrize(
        ("volts", "amperes", "said"),
        [(3.3, -0.05, "the other way"), (3.3, 0.0, "no current"), (0.3, 0.05, r"0\.30 V cannot be"), (9, 0.05, "VBUS")],
    )
    def test_wrong_wiring(self, chip, volts, amperes, said):
        chip.volts, chip.amperes = volts, amperes
        meter = Ina228(Direct(chip))
        with pytest.raises(BoardError, match=said):
            windowed(meter, chip, 10.0)

    def test_a_current_beyond_the_shunt_s_range_is_noticed_though_it_has_ended(self, chip):
        meter = Ina228(Direct(chip))
        meter.start()
        meter.pulse()
        chip.amperes = 2.8
        chip.clock.now += 0.01
        chip._convert()
        chip.amperes = 0.05
        chip.clock.now += 10
        meter.pulse()
        with pytest.raises(BoardError, match="range was left by the current"):
            meter.stop()
        windowed(meter, chip, 10.0)  # the flag is gone with the next recording

    def test_a_damaged_chip(self, chip):
        meter = Ina228(Direct(chip))
        chip.registers[DIAG_ALRT] &= ~1
        with pytest.raises(BoardError, match="trim memory"):
            windowed(meter, chip, 10.0)

    def test_out_of_turn(self, chip):
        device = Direct(chip)
        meter = Ina228(device)
        for call in (meter.stop, meter.pulse):
            with pytest.raises(BoardError, match="not recording"):
                call()
        meter.start()
        with pytest.raises(BoardError, match="already"):
            meter.start()
        meter.close()
        assert device.closed == 1


class TestWithABoard:
    COUNT = 10_000  # 10 s

    def test_energy_of_an_inference(self, chip):
        def pass_the_window():
            chip.clock.now += self.COUNT * INFERENCE_US / 1e6 - 2 * chip.access_s

        chip.after[ENERGY] = pass_the_window
        with closing(Ina228(Direct(chip))) as meter, loaded_dut() as dut:
            microjoules = energy_of(meter, dut, self.COUNT)
        assert microjoules == pytest.approx(3.3 * 0.05 * INFERENCE_US, rel=0.001)

    def test_the_marks_are_the_arrivals_of_the_board_s_lines(self, chip):
        """The lines behind the first mark are sent only when that was taken: else this test would not end."""
        marked = threading.Event()

        def mark():
            chip.clock.now += 10.0
            marked.set()

        class Waiting(TimedDevice):
            def _infer(self, words):
                assert not marked.is_set()
                return super()._infer(words)

        class Slow:
            """A link that gives what lies behind the first mark when that was taken."""

            def __init__(self, link):
                self.link, self.name, self.kept = link, link.name, b""

            def write(self, data):
                self.link.write(data)

            def read(self, deadline):
                if self.kept:
                    assert marked.wait(5)
                    kept, self.kept = self.kept, b""
                    return kept
                data = self.link.read(deadline)
                head, start, rest = data.partition(b"m-infer-start-10000\r\n")
                self.kept = rest
                return head + start

        chip.after[ENERGY] = mark
        with closing(Ina228(Direct(chip))) as meter, loaded_dut(Waiting()) as dut:
            dut._talk.link = Slow(dut._talk.link)
            assert energy_of(meter, dut, self.COUNT) > 0

    def test_lines_that_come_late_are_no_measurement(self, chip):
        def hang():
            chip.clock.now += 10.5

        chip.after[ENERGY] = hang
        with closing(Ina228(Direct(chip))) as meter, loaded_dut() as dut:
            with pytest.raises(BoardError, match=r"but the inferences took 10 s") as caught:
                energy_of(meter, dut, self.COUNT)
            assert "D7" not in caught.value.advice

    def test_a_chip_that_falls_silent_ends_the_measurement(self, chip):
        chip.after[ENERGY] = lambda: chip.fails.update({None: 5})

        class Answering(Direct):
            def read(self, register, count):
                try:
                    return super().read(register, count)
                except OSError as error:
                    raise BoardError("the chip does not answer", where=self.name) from error

        with (
            closing(Ina228(Answering(chip))) as meter,
            loaded_dut() as dut,
            pytest.raises(BoardError, match="does not answer"),
        ):
            energy_of(meter, dut, self.COUNT)

    def test_a_window_is_ten_seconds(self, chip):
        assert module._ARRIVAL_S * 200 < 10
        assert Ina228(Direct(chip)).resolution_s == module._ARRIVAL_S
