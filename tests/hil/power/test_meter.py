"""Energy of an inference from marks."""

from __future__ import annotations

import pytest

from tests.hil._device import Device
from tinynas.errors import BoardError, ConfigError, LinkTimeout, ProtocolError
from tinynas.hil.power import Mark, energy_of

from ._boards import TimedDevice, loaded_dut


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
