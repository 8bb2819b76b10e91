"""What every power meter offers, and the energy of one inference from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from tinynas.errors import BoardError, ConfigError
from tinynas.hil.dut import Dut

__all__ = ["WIRING", "Mark", "PowerMeter", "energy_of", "enough_inferences"]

#: Each edge is known to one step of the meter: with so many steps in a window, its energy is known to 1 %.
_LEAST_STEPS = 200
#: A window, as MLPerf Tiny asks for it.
_WINDOW_S = 10.0
#: Inferences may be faster than those that their number was computed from.
_MARGIN = 1.1
#: An STM32's internal oscillator is off by up to 2 % over its temperatures, the meter's clock by less.
_CLOCK_TOLERANCE = 0.03
#: The first pulse itself, with room for the second lap's.
_PULSES_S = 0.001
_MICRO = 1e6
#: What to look at where a meter that sees the trigger pin sees other pulses than the board made.
WIRING = "connect the board's trigger pin (D7) and ground to the meter; `tinynas boards show` names the pin"


@dataclass(frozen=True)
class Mark:
    """A falling edge of the trigger pin.

    Attributes:
        time_s: When, by the meter's clock, in seconds since some time.
        energy_j: What had gone into the board until then, in joules since some time.
    """

    time_s: float
    energy_j: float


class PowerMeter(Protocol):
    """Measures what a board takes; it sees the board's trigger pin, or is told when it pulses."""

    @property
    def name(self) -> str:
        """What to call the meter in an error: its port."""

    @property
    def resolution_s(self) -> float:
        """Seconds that a mark's time is known to; those between two of its samples, at least."""

    @property
    def remedy(self) -> str:
        """What to look at where its marks are not where the board says that inferences began and ended."""

    def start(self) -> None:
        """Begin to record.

        Raises:
            BoardError: The meter does not answer, or answers something else.
        """

    def pulse(self) -> None:
        """The board's line has arrived that goes with its trigger pin's pulse; of no use to a meter that sees the pin.

        Raises:
            BoardError: The meter does not answer.
        """

    def stop(self) -> Sequence[Mark]:
        """End the recording; return its marks in the order of time.

        Raises:
            BoardError: Samples were lost or damaged, or the meter fell silent.
        """

    def close(self) -> None:
        """Let go of the meter. Closing twice does no harm."""


def enough_inferences(meter: PowerMeter, latency_us: float) -> int:
    """How many inferences last 10 s, as MLPerf Tiny asks, and long enough for the meter.

    Args:
        meter: The meter.
        latency_us: Time of one inference, which the board reported.
    """
    window_s = max(_WINDOW_S, _MARGIN * _LEAST_STEPS * meter.resolution_s)
    return ceil(window_s * _MICRO / max(latency_us, 1.0))  # the clock counts microseconds


def energy_of(meter: PowerMeter, dut: Dut, n: int, warmup: int = 1, timeout_s: float | None = None) -> float:
    """Energy of one inference on the input that is loaded: what the board takes as a whole, idle current included.

    Args:
        meter: The meter. Nothing is recording.
        dut: The board, which the meter sees and supplies.
        n: Timed inferences. MLPerf Tiny asks for so many that they last 10 s.
        warmup: Untimed ones before them.
        timeout_s: Longest wait for all of them; None: what the board has for any inferences.

    Returns:
        Microjoules, the mean of the timed inferences.

    Raises:
        ConfigError: So few inferences take too short for the meter.
        BoardError: Pulses are missing or fall when nothing began or ended, the meter sees no energy, or it or the board
            misbehaves.
    """
    meter.start()
    try:
        # Tried once: a second run has pulses of its own.
        timed = dut.infer(n, warmup, timeout_s=timeout_s, tries=1, at_edge=meter.pulse)
    except BaseException:
        with suppress(BoardError):  # what went wrong first is what matters
            meter.stop()
        raise
    marks = meter.stop()
    if len(marks) != 2:
        raise BoardError(f"the meter saw {len(marks)} pulses instead of 2", where=meter.name, advice=meter.remedy)
    elapsed_s = timed.elapsed_us / _MICRO
    _check_window(meter, marks[1].time_s - marks[0].time_s, elapsed_s, n)
    energy_j = marks[1].energy_j - marks[0].energy_j
    if energy_j <= 0:
        raise BoardError(
            f"the board took {energy_j:g} J in {elapsed_s:g} s",
            where=meter.name,
            advice="supply the board through the meter, and check its polarity",
        )
    return energy_j / n * _MICRO


def _check_window(meter: PowerMeter, seen_s: float, elapsed_s: float, n: int) -> None:
    least_s = _LEAST_STEPS * meter.resolution_s
    if elapsed_s < least_s:
        enough = ceil(n * least_s / elapsed_s) if elapsed_s else n * _LEAST_STEPS
        raise ConfigError(
            f"{n} inferences take {elapsed_s:g} s, too short for samples {meter.resolution_s:g} s apart",
            where=meter.name,
            advice=f"measure at least {enough} inferences",
        )
    allowed_s = _CLOCK_TOLERANCE * elapsed_s + 2 * meter.resolution_s + _PULSES_S
    if abs(seen_s - elapsed_s) > allowed_s:
        raise BoardError(
            f"the pulses are {seen_s:g} s apart, but the inferences took {elapsed_s:g} s",
            where=meter.name,
            advice=meter.remedy,
        )
