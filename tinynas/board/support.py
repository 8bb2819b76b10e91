"""Which family a board belongs to, and whether the firmware runs on it."""

from __future__ import annotations

from tinynas.board.board import Board
from tinynas.board.families import FAMILIES, MHZ, McuFamily
from tinynas.errors import ConfigError

__all__ = ["check_firmware", "family_of"]


def family_of(board: Board) -> McuFamily:
    """The family of a board's microcontroller.

    Raises:
        ConfigError: The firmware has no driver for it; at `board:mcu`.

    Example:
        >>> from tinynas.board import load_board
        >>> family_of(load_board("nucleo_f746zg")).core
        'cortex-m7f'
    """
    for family in FAMILIES:
        if family.part(board.mcu):
            return family
    known = ", ".join(prefix for family in FAMILIES for part in family.parts for prefix in part.prefixes)
    raise ConfigError(
        f"the firmware does not run on {board.mcu!r:.40}",
        where=f"{board.name}:mcu",
        advice=f"it runs on {known} (docs/boards.md); `--mode proxy` and `--mode tflm` need no firmware",
    )


def check_firmware(board: Board) -> McuFamily:
    """Check that the firmware runs on a board: part, core, clock, serial port and pins.

    Returns:
        The board's family.

    Raises:
        ConfigError: The firmware does not run on the board; at `board:key`.

    Example:
        >>> from tinynas.board import load_board
        >>> check_firmware(load_board("nucleo_l476rg")).core
        'cortex-m4f'
    """
    family = family_of(board)
    if board.core != family.core:
        raise _refuse(board, "core", f"the firmware does not run on a {board.core}", f"{board.mcu} has a {family.core}")
    _check_clock(board, family)
    _check_uart(board, family)
    pins = {"trigger_pin": board.trigger_pin}
    if board.uart:
        pins |= {"uart.tx_pin": board.uart.tx_pin, "uart.rx_pin": board.uart.rx_pin}
    for key, name in pins.items():
        if name is not None and family.pins.parse(name) is None:
            raise _refuse(board, key, f"{name!r} is not a pin", f"such as {family.pins.example}")
    return family


def _check_clock(board: Board, family: McuFamily) -> None:
    part = family.part(board.mcu)
    clocks = family.clocks_hz(part) if part else range(0)
    if board.clock_hz not in clocks:
        least, most = clocks[0] // MHZ, clocks[-1] // MHZ
        reach = f"{least} to {most} MHz in steps of {clocks.step // MHZ}" if least < most else f"{least} MHz"
        what = f"the clock of {board.mcu} cannot be set to {board.clock_hz / MHZ:g} MHz"
        raise _refuse(board, "clock_hz", what, f"the firmware sets {reach}")


def _check_uart(board: Board, family: McuFamily) -> None:
    uart = board.uart
    if uart is None:
        raise _refuse(board, "uart", "the board has no serial port to talk through")
    if uart.layout != family.uart:
        raise _refuse(board, "uart.layout", f"serial ports of {family.name} are of layout {family.uart}")
    if uart.base_address not in family.uarts:
        known = ", ".join(f"{address:#010x}" for address in family.uarts)
        what = f"the firmware does not drive the serial port {uart.instance} at {uart.base_address:#010x}"
        raise _refuse(board, "uart.base_address", what, f"on {family.name} it drives the ones at {known}")
    if uart.interrupt != (right := family.uarts[uart.base_address].interrupt):
        what = f"the interrupt of {uart.instance} is {right}, not {uart.interrupt}"
        raise _refuse(board, "uart.interrupt", what)


def _refuse(board: Board, key: str, message: str, advice: str | None = None) -> ConfigError:
    return ConfigError(message, where=f"{board.name}:{key}", advice=advice)
