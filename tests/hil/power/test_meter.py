"""Energy of an inference from marks."""

from __future__ import annotations

import pytest

from tests.hil._device import Device
from tests.hil.power._boards import INFERENCE_US, TimedDevice, loaded_dut
from tinynas.errors import BoardError, ConfigError, LinkTimeout, ProtocolError
from tinynas.hil.power import Mark, energy_of, enough_inferences


class FixedMeter:
    """Has its marks from the test."""

    name, resolution_s, remedy = "fixed", 0.001, "connect D7"

    def __init__(self, *marks: Mark) -> None:
        self.marks, self.calls = marks, []

    def start(self) -> None:
        self.calls.append("start")

    def pulse(self) -> None:
        self.calls.append("pulse")

    def stop(self) -> tuple[Mark, ...]:
        self.calls.append("stop")
        return self.marks

    def close(self) -> None:
        self.calls.append("close")


class TestEnoughInferences:
    @pytest.mark.parametrize(
        ("latency_us", "count"), [(1000.0, 10_000), (700.0, 14_286), (2.5e7, 1), (0.0, 10_000_000)]
    )
    def test_they_last_ten_seconds(self, latency_us, count):
        assert enough_inferences(FixedMeter(), latency_us) == count

    def test_a_slow_meter_gets_a_longer_window(self):
        meter = FixedMeter(Mark(0, 0), Mark(20, 1))
        meter.resolution_s = 0.1
        count = enough_inferences(meter, INFERENCE_US)
        assert count * INFERENCE_US / 1e6 > 20
        meter.marks = (Mark(0, 0), Mark(count * INFERENCE_US / 1e6, 1))
        with loaded_dut() as dut:
            assert energy_of(meter, dut, count) == pytest.approx(1e6 / count)


class TestEnergyOf:
    def test_is_the_difference_of_the_marks_by_the_inferences(self):
        meter = FixedMeter(Mark(10.0, 2.0), Mark(10.4, 2.1))
        with loaded_dut() as dut:
            assert energy_of(meter, dut, 400) == pytest.approx(250.0)
        assert meter.calls == ["start", "pulse", "pulse", "stop"]

    def test_warm_ups_are_asked_for(self):
        device = TimedDevice()
        with loaded_dut(device) as dut:
            energy_of(FixedMeter(Mark(0, 0), Mark(0.3, 1)), dut, 300, warmup=7)
        assert device.received[-1].startswith("infer 300 7 ")

    def test_a_board_that_takes_too_long(self):
        device = TimedDevice()
        device.distort = lambda reply: b"" if b"m-infer-done" in reply else reply
        with loaded_dut(device) as dut, pytest.raises(LinkTimeout, match=r"within 0\.05 s"):
            energy_of(FixedMeter(), dut, 300, timeout_s=0.05)

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
        with loaded_dut(device) as dut, pytest.raises(ProtocolError, match="arrives damaged"):
            energy_of(meter, dut, 300)
        assert meter.calls == ["start", "pulse", "stop"]
