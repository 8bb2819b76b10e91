"""A board whose inferences take a known time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.hil._device import Device, connected
from tinynas.hil.dut import Dut

__all__ = ["INFERENCE_US", "TimedDevice", "loaded_dut"]

INFERENCE_US = 1000


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
