"""The parts beside the first four: clocks by their reference manuals' formulas, and the self-test on each board.

As in `test_clocks`, all conditions are those of the moment at which the core changes over to the PLL.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.hil.emulator._clocks import HSI_HZ, MHZ, Read, divided, started
from tests.hil.emulator._programs import emulated
from tinynas.board import Board, family_of, load_board
from tinynas.hil.check import check_board

pytestmark = emulated


@dataclass(frozen=True)
class Part:
    """Where to look.

    Attributes:
        switch: Register that has the core change over, the value of its lowest bits that means the PLL, and their mask.
        settings: Checks everything else; returns the core's clock and that of the serial port.
        clock: Register and bit of the serial port's clock.
        ports: Register of the ports' clocks.
        first_port: Bit of port A's.
    """

    switch: tuple[int, int, int]
    settings: Callable[[Board, Read], tuple[float, float]]
    clock: tuple[int, int]
    ports: int
    first_port: int = 0


def pll(read: Read, register: int, *, r: Callable[[int], int], enabled: int, vco_mhz: tuple[float, float]) -> float:
    """Output R of a PLL from the internal oscillator, of L4, L4+, G0 and G4."""
    value = read(register)
    m, n = (value >> 4 & 15) + 1, value >> 8 & 127
    assert value & 3 == 2, "from the internal oscillator of 16 MHz"
    assert value >> enabled & 1, "output R is on"
    assert n >= 8
    assert 2.66 * MHZ <= HSI_HZ / m <= 16 * MHZ
    assert vco_mhz[0] * MHZ <= HSI_HZ / m * n <= vco_mhz[1] * MHZ
    return HSI_HZ / m * n / r(value)


def wait_states(clock_hz: float, wait_state_mhz: int) -> int:
    return -int(-clock_hz // (wait_state_mhz * MHZ)) - 1


def g0(board: Board, read: Read) -> tuple[float, float]:
    """RM0444: PLLR divides by its field and 1; range 1 up to 64 MHz, 24 MHz a wait state (two reach 64 MHz)."""
    core = pll(read, 0x4002100C, r=lambda value: (value >> 29) + 1, enabled=28, vco_mhz=(96, 344))
    assert core <= 64 * MHZ
    assert not read(0x40021008) & 0x7F00, "no bus is divided"
    assert read(0x40022000) & 7 == min(2, wait_states(core, 24))
    assert read(0x40022000) >> 18 & 1, "a probe still finds the core"
    return core, core


def l4_plus(board: Board, read: Read) -> tuple[float, float]:
    """RM0432: 20 MHz a wait state; above 80 MHz the regulator's boost mode, and the bus halved at first."""
    core = pll(read, 0x4002100C, r=lambda value: 2 * ((value >> 25 & 3) + 1), enabled=24, vco_mhz=(64, 344))
    assert core <= 120 * MHZ
    assert not read(0x40007080) >> 8 & 1, "boost mode"
    assert read(0x40022000) & 15 == wait_states(core, 20)
    return core, core


def g4(board: Board, read: Read) -> tuple[float, float]:
    """RM0440: in boost mode up to 170 MHz, 34 MHz a wait state."""
    core = pll(read, 0x4002100C, r=lambda value: 2 * ((value >> 25 & 3) + 1), enabled=24, vco_mhz=(96, 344))
    assert core <= 170 * MHZ
    assert not read(0x40007080) >> 8 & 1, "boost mode"
    assert read(0x40022000) & 15 == wait_states(core, 34)
    assert read(0x40022000) >> 18 & 1, "a probe still finds the core"
    return core, core


def l0(board: Board, read: Read) -> tuple[float, float]:
    """RM0367: at range 1 the oscillator of the PLL has at most 96 MHz, the core 32 MHz, with a wait state above 16."""
    value = read(0x4002100C)
    multiplier, divisor = {0: 3, 1: 4, 2: 6, 3: 8}[value >> 18 & 15], (value >> 22 & 3) + 1
    assert not value >> 16 & 1, "from the internal oscillator"
    assert not read(0x40021000) >> 3 & 1, "which is not divided"
    assert HSI_HZ * multiplier <= 96 * MHZ
    assert divisor >= 2
    core = HSI_HZ * multiplier / divisor
    assert core <= 32 * MHZ
    assert not value & 0x3FF0, "no bus is divided"
    assert read(0x40022000) & 1
    assert read(0x40007000) >> 11 & 3 == 1, "range 1"
    return core, core


def f3(board: Board, read: Read) -> tuple[float, float]:
    """RM0316, F303xD and E: up to 72 MHz from the internal oscillator of 8 MHz; 24 MHz a wait state; APB1 at 36 MHz."""
    value = read(0x40021004)
    assert value >> 15 & 3 == 1, "from the internal oscillator, divided by PREDIV"
    core = 8 * MHZ / ((read(0x4002102C) & 15) + 1) * ((value >> 18 & 15) + 2)
    assert core <= 72 * MHZ
    assert read(0x40022000) & 7 == wait_states(core, 24)
    assert not value & 0xF0, "the core's bus is not divided"
    apb1 = divided(core, value >> 8 & 7)
    assert apb1 <= 36 * MHZ
    return core, apb1


def f4(board: Board, read: Read) -> tuple[float, float]:
    """RM0383 and RM0368: scale 1 up to 100 MHz (F411), scale 2 up to 84 MHz; 30 MHz a wait state."""
    value = read(0x40023804)
    m, n, p = value & 63, value >> 6 & 511, 2 * ((value >> 16 & 3) + 1)
    assert 1 * MHZ <= HSI_HZ / m <= 2 * MHZ
    assert 100 * MHZ <= HSI_HZ / m * n <= 432 * MHZ
    assert HSI_HZ / m * n / (value >> 24 & 15) <= 48 * MHZ
    core = HSI_HZ / m * n / p
    assert core <= {2: 84 * MHZ, 3: 100 * MHZ}[read(0x40007000) >> 14 & 3]
    assert not read(0x40007000) >> 16 & 3, "there is no over-drive"
    assert read(0x40023C00) & 15 == wait_states(core, 30)
    apb1 = divided(core, read(0x40023808) >> 10 & 7)
    assert apb1 <= core / 2, "42 and 50 MHz"
    return core, apb1


def u5(board: Board, read: Read) -> tuple[float, float]:
    """RM0456: range 1 with its booster, whose clock is of 4 to 16 MHz; 32 MHz a wait state."""
    value, divisors = read(0x46020C28), read(0x46020C34)
    source = HSI_HZ / ((value >> 8 & 15) + 1)
    assert value & 3 == 2, "from the internal oscillator of 16 MHz"
    assert value >> 18 & 1, "output R is on"
    assert (value >> 2 & 3 == 3) == (source >= 8 * MHZ), "the range of the input"
    assert 4 * MHZ <= HSI_HZ / max(1, 2 * (value >> 12 & 15)) <= 16 * MHZ, "the booster's clock"
    vco = source * ((divisors & 511) + 1)
    assert 128 * MHZ <= vco <= 544 * MHZ
    core = vco / ((divisors >> 24 & 127) + 1)
    assert core <= 160 * MHZ
    assert read(0x4602080C) >> 14 & 31 == 31, "range 1 and the booster, both ready"
    assert read(0x40022000) & 15 == wait_states(core, 32)
    assert not read(0x46020C20) & 0x77F, "no bus is divided"
    return core, core


def h7(board: Board, read: Read) -> tuple[float, float]:
    """RM0433: scale 1 up to 400 MHz; the bus at half of that, 70 MHz a wait state; peripherals at 100 MHz at most."""
    source = 64 * MHZ / (read(0x58024428) >> 4 & 63)
    configuration, divisors = read(0x5802442C), read(0x58024430)
    assert not read(0x58024428) & 3, "from the internal oscillator"
    assert 2 * MHZ <= source <= 4 * MHZ
    assert configuration >> 2 & 3 == 1, "which is the range that is set"
    assert not configuration >> 1 & 1, "the wide oscillator"
    assert configuration >> 16 & 1, "output P is on"
    vco = source * ((divisors & 511) + 1)
    assert 192 * MHZ <= vco <= 836 * MHZ
    core = vco / ((divisors >> 9 & 127) + 1)
    assert core <= 400 * MHZ
    assert read(0x58024818) >> 13 & 7 == 7, "scale 1, ready"
    assert read(0x5802480C) & 7 == 2, "the internal regulator alone"
    bus = core / 2
    assert read(0x58024418) & 15 == 8, "the bus is halved"
    assert not read(0x58024418) >> 8 & 15, "the core is not"
    assert read(0x52002000) & 15 == wait_states(bus, 70)
    apb1, apb2 = (divided(bus, read(0x5802441C) >> shift & 7) for shift in (4, 8))
    apb3, apb4 = divided(bus, read(0x58024418) >> 4 & 7), divided(bus, read(0x58024420) >> 4 & 7)
    assert max(apb1, apb2, apb3, apb4) <= 100 * MHZ
    return core, apb1


_L4 = ((0x40021008, 3, 3), (0x4002105C, 0), 0x4002104C)
PARTS: Mapping[str, Part] = {
    "nucleo_f303re": Part((0x40021004, 2, 3), f3, (0x4002101C, 17), 0x40021014, first_port=17),
    "nucleo_f401re": Part((0x40023808, 2, 3), f4, (0x40023840, 17), 0x40023830),
    "nucleo_f411re": Part((0x40023808, 2, 3), f4, (0x40023840, 17), 0x40023830),
    "nucleo_g071rb": Part((0x40021008, 2, 7), g0, (0x4002103C, 17), 0x40021034),
    "nucleo_g474re": Part(_L4[0], g4, _L4[1], _L4[2]),
    "nucleo_h743zi2": Part((0x58024410, 3, 7), h7, (0x580244E8, 18), 0x580244E0),
    "nucleo_l073rz": Part((0x4002100C, 3, 3), l0, (0x40021038, 17), 0x4002102C),
    "nucleo_l4r5zi": Part(_L4[0], l4_plus, _L4[1], _L4[2]),
    "nucleo_u575zi_q": Part((0x46020C1C, 3, 3), u5, (0x46020CA4, 14), 0x46020C8C),
}


def booted(board: Board, part: Part, directory) -> tuple[Read, float]:
    """What reads registers after the start, and the serial port's clock; everything is checked."""
    register, value, mask = part.switch
    clocks: list[tuple[float, float]] = []

    def watch(address, written, read):
        if address == register and written & mask == value:
            clocks.append(part.settings(board, read))

    read = started(board, directory, watch)
    assert clocks, "it has changed over"
    core, _ = clocks[-1]
    assert core == board.clock_hz
    assert part.settings(board, read) == clocks[-1]
    return read, clocks[-1][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_the_core_changes_over_to_what_the_manual_allows(name, tmp_path):
    board, part = load_board(name), PARTS[name]
    read, uart_hz = booted(board, part, tmp_path)
    found = family_of(board).uarts[board.uart.base_address]
    divider = read(board.uart.base_address + (0x08 if board.uart.layout == "stm32-v1" else 0x0C))
    assert uart_hz * (256 if board.uart.instance.startswith("LP") else 1) / divider == pytest.approx(115_200, rel=0.01)
    assert read(part.clock[0]) >> part.clock[1] & 1
    assert read(0xE000E100 + 4 * (found.interrupt // 32)) >> found.interrupt % 32 & 1
    for pin in (board.uart.tx_pin, board.uart.rx_pin, board.trigger_pin):
        port, _ = family_of(board).pins.parse(pin)
        assert read(part.ports) >> part.first_port + port & 1


def test_above_80_mhz_the_core_of_an_l4_plus_goes_in_two_steps(tmp_path):
    prescalers = []

    def watch(address, value, read):
        if address == 0x40021008 and (value & 3 == 3 or prescalers):
            prescalers.append(value >> 4 & 15)

    started(load_board("nucleo_l4r5zi"), tmp_path, watch)
    assert prescalers == [8, 0]


def test_port_g_of_an_l4_plus_has_its_supply(tmp_path):
    read = started(load_board("nucleo_l4r5zi"), tmp_path)
    assert read(0x40007004) >> 9 & 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PARTS, "b_l475e_iot01a"])
def test_the_self_test(name):
    found = {one.name: one.passed for one in check_board(load_board(name))}
    assert found == {"start": True, "name": True, "clock": None, "parity": True, "memory": True, "fault": True}


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_slower_clocks_and_other_speeds_of_the_serial_port(name, tmp_path):
    board, part = load_board(name), PARTS[name]
    clocks = family_of(board).clocks_hz(family_of(board).part(board.mcu))
    for index, clock_hz in enumerate({clocks[0], clocks[len(clocks) // 2], clocks[-2]}):
        baud = (9600, 115_200, 230_400)[index]
        slower = dataclasses.replace(board, clock_hz=clock_hz, uart=dataclasses.replace(board.uart, baud=baud))
        read, uart_hz = booted(slower, part, tmp_path / str(index))
        divider = read(board.uart.base_address + (0x08 if board.uart.layout == "stm32-v1" else 0x0C))
        factor = 256 if board.uart.instance.startswith("LP") else 1
        assert uart_hz * factor / divider == pytest.approx(baud, rel=0.01)
