"""What the firmware sets its clocks to: a board that boots, and what reads its registers."""

from __future__ import annotations

from collections.abc import Callable

from tests.hil._images import small_model
from tinynas.board import Board
from tinynas.deploy import compile_model
from tinynas.hil.image import build_image, read_elf

MHZ = 1_000_000
HSI_HZ = 16 * MHZ
Read = Callable[[int], int]


def divided(clock_hz: float, prescaler: int) -> float:
    """By a bus prescaler of three bits."""
    return clock_hz / (2 ** ((prescaler & 3) + 1) if prescaler & 4 else 1)


def started(board: Board, directory, watch=lambda address, value, read: None) -> Read:
    """Boot, and return what reads registers; `watch` sees each write of one after it has happened."""
    from tinynas.hil.emulator.machine import Machine

    linked = read_elf(build_image(board, compile_model(small_model()), directory).elf)
    machine = Machine(board, lambda byte: None, lambda: b"")
    machine.program([(linked.address, linked.binary)])
    bus = machine._bus
    write = bus.write

    def watched(address, size, value):
        write(address, size, value)
        watch(address, value, lambda register: bus.read(register, 4))

    bus.write = watched
    machine.run()
    return lambda register: bus.read(register, 4)
