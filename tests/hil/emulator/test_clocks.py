"""What the firmware sets its clocks to, by the reference manuals' formulas: the virtual board would run at any setting.

All conditions are those of the moment at which the core changes over to the PLL: too few wait states or too fast a bus,
even for a microsecond, are what a real board would not survive.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import pytest

from tests.hil.emulator._clocks import HSI_HZ, MHZ, Read, divided, started
from tests.hil.emulator._programs import emulated
from tinynas.board import Board, family_of, load_board
from tinynas.hil.check import check_board

pytestmark = emulated


@dataclass(frozen=True)
class Limits:
    """Of a part: manual's tables of clocks and wait states; `over_drive_hz` is where the regulator needs it."""

    core_hz: int
    apb1_hz: int
    apb2_hz: int
    wait_state_hz: int
    over_drive_hz: int = 1 << 40


LIMITS: Mapping[str, Limits] = {
    "nucleo_f446re": Limits(180 * MHZ, 45 * MHZ, 90 * MHZ, 30 * MHZ, 168 * MHZ),  # RM0390, DS10693
    "nucleo_f746zg": Limits(216 * MHZ, 54 * MHZ, 108 * MHZ, 30 * MHZ, 180 * MHZ),  # RM0385, DS10916
    "nucleo_l476rg": Limits(80 * MHZ, 80 * MHZ, 80 * MHZ, 16 * MHZ),  # RM0351, range 1
}


def pll_f(read: Read) -> tuple[float, float, float]:
    """Input and output of the oscillator, and the core's clock (RCC_PLLCFGR of STM32F4 and F7)."""
    value = read(0x40023804)
    m, n, p = value & 63, value >> 6 & 511, 2 * ((value >> 16 & 3) + 1)
    assert not value >> 22 & 1, "from the internal oscillator: boards need no crystal"
    assert 50 <= n <= 432
    vco = HSI_HZ / m * n
    assert 1 * MHZ <= HSI_HZ / m <= 2 * MHZ
    assert 100 * MHZ <= vco <= 432 * MHZ
    assert vco / (value >> 24 & 15) <= 48 * MHZ
    return HSI_HZ / m, vco, vco / p


def pll_l4(read: Read) -> tuple[float, float, float]:
    """The same of the STM32L4."""
    value = read(0x4002100C)
    m, n, r = (value >> 4 & 7) + 1, value >> 8 & 127, 2 * ((value >> 25 & 3) + 1)
    assert value & 3 == 2, "from the internal oscillator of 16 MHz"
    assert value >> 24 & 1, "output R is on"
    assert 8 <= n <= 86
    assert 4 * MHZ <= HSI_HZ / m <= 16 * MHZ
    assert 64 * MHZ <= HSI_HZ / m * n <= 344 * MHZ
    return HSI_HZ / m, HSI_HZ / m * n, HSI_HZ / m * n / r


def check(board: Board, read: Read) -> float:
    """All conditions; returns the clock of the serial port's bus."""
    limits, l4 = LIMITS[board.name], board.name == "nucleo_l476rg"
    *_, core = pll_l4(read) if l4 else pll_f(read)
    assert core == board.clock_hz <= limits.core_hz
    rcc, control = (0x40021000, 0x40021008) if l4 else (0x40023800, 0x40023808)
    assert read(rcc) >> 25 & 1, "the PLL is ready"
    value = read(control)
    assert value >> 4 & 15 < 8, "the core's bus is not divided"
    shifts = (8, 11) if l4 else (10, 13)
    apb1, apb2 = (divided(board.clock_hz, value >> shift & 7) for shift in shifts)
    assert apb1 <= limits.apb1_hz
    assert apb2 <= limits.apb2_hz
    latency = read(0x40022000) & 7 if l4 else read(0x40023C00) & 15
    assert latency == ceil(board.clock_hz / limits.wait_state_hz) - 1
    if board.clock_hz > limits.over_drive_hz:
        assert read(0x40007000) >> 16 & 3 == 3, "over-drive is on and switched to"
    return apb2 if board.uart.base_address >= 0x40010000 else apb1


@pytest.mark.parametrize("name", LIMITS)
def test_the_core_changes_over_to_what_the_manual_allows(name, tmp_path):
    board, checked = load_board(name), []
    control, pll = (0x40021008, 3) if name == "nucleo_l476rg" else (0x40023808, 2)

    def watch(address, value, read):
        if address == control and value & 3 == pll:
            check(board, read)
            checked.append(value)

    read = started(board, tmp_path, watch)
    assert checked, "it has changed over"
    assert read(control) >> 2 & 3 == pll


@pytest.mark.slow
@pytest.mark.parametrize("baud", [9600, 115_200, 921_600])
@pytest.mark.parametrize("name", [*LIMITS, "arduino_nano_33_ble"])
def test_the_serial_port_runs_at_its_speed(name, baud, tmp_path):
    board = load_board(name)
    board = dataclasses.replace(board, uart=dataclasses.replace(board.uart, baud=baud))
    read, base = started(board, tmp_path), board.uart.base_address
    if name in LIMITS:
        actual = check(board, read) / read(base + (0x08 if board.uart.layout == "stm32-v1" else 0x0C))
    else:  # BAUDRATE: a step is 16 MHz / 2^32
        actual = read(base + 0x524) * HSI_HZ / 2**32
    assert actual == pytest.approx(baud, rel=0.01 if name in LIMITS else 0.025)  # the manufacturer's 921600 is 937500


#: Board, serial port on the second peripheral bus: address, interrupt, and register and bit of its clock.
SECOND_BUS = [
    ("nucleo_f446re", 0x40011000, 37, (0x40023844, 4)),  # RM0390: USART1
    ("nucleo_f446re", 0x40011400, 71, (0x40023844, 5)),  # USART6
    ("nucleo_f746zg", 0x40011000, 37, (0x40023844, 4)),  # RM0385: USART1
    ("nucleo_f746zg", 0x40011400, 71, (0x40023844, 5)),
    ("nucleo_l476rg", 0x40013800, 37, (0x40021060, 14)),  # RM0351: USART1
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "address", "interrupt", "clock"), SECOND_BUS)
def test_a_serial_port_of_the_second_bus(name, address, interrupt, clock, tmp_path):
    board = load_board(name)
    board = dataclasses.replace(
        board, uart=dataclasses.replace(board.uart, base_address=address, interrupt=interrupt, baud=115_200)
    )
    read = started(board, tmp_path)
    actual = check(board, read) / read(address + (0x08 if board.uart.layout == "stm32-v1" else 0x0C))
    assert actual == pytest.approx(115_200, rel=0.01)
    assert read(clock[0]) >> clock[1] & 1
    assert read(0xE000E100 + 4 * (interrupt // 32)) >> interrupt % 32 & 1
    found = {one.name: one.passed for one in check_board(board)}
    assert found == {"start": True, "name": True, "clock": None, "parity": True, "memory": True, "fault": True}


@pytest.mark.slow
@pytest.mark.parametrize("name", LIMITS)
def test_slower_clocks(name, tmp_path):
    """A user's board file may ask for less than the part can do."""
    board = load_board(name)
    family = family_of(board)
    clocks = family.clocks_hz(family.part(board.mcu))
    for index, clock_hz in enumerate({clocks[0], clocks[len(clocks) // 2], clocks[-2]}):
        slower = dataclasses.replace(board, clock_hz=clock_hz)
        check(slower, started(slower, tmp_path / str(index)))
