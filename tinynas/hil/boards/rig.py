"""What runs images: an attached board behind a serial port, or a virtual one. Those who measure see no difference."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Literal, Protocol

from tinynas.errors import BoardError, FlashError, RamOverflow, TargetFault
from tinynas.hil.boards.lock import BoardLock
from tinynas.hil.dut import Dut, Link, SerialLink, deadline_in
from tinynas.hil.emulator import VirtualBoard
from tinynas.hil.flashers import Flashable, Flasher, program
from tinynas.hil.image import Image, read_elf

__all__ = ["FlashMethod", "Rig", "SerialRig", "VirtualRig", "located", "open_port", "started"]

FlashMethod = str
"""A name of `flashers.FLASHERS`, or "cmd:" and a command."""

_LOG = logging.getLogger(__name__)
#: A probe that has remounted its drive shows its serial port again, too; udev may take some seconds.
_PORT_S = 10.0
_POLL_S = 0.1
#: A measurement beside this one lasts seconds, on a slow board or with a meter a minute.
_IN_USE_S = 120.0
#: Longest wait for a reply. A virtual board that shares its processor with others may be slow; it loses nothing.
_SERIAL_S, _VIRTUAL_S = 5.0, 60.0
#: Bits of the Configurable Fault Status Register (Armv7-M ARM, B3.2.15): of a frame; and BFAR holds an address.
_STKERR, _BFARVALID = 1 << 12, 1 << 15
#: A function's frame may be larger than what is left of the stack by as much.
_FRAME_REACH = 1 << 16


class Rig(Protocol):
    """Runs images on one board, one at a time."""

    @property
    def source(self) -> Literal["virtual", "serial"]:
        """Where its figures come from."""

    @property
    def instructions(self) -> int | None:
        """Instructions of the last inference; None: nobody counts them, or nothing runs."""

    @property
    def write_memory(self) -> Callable[[int, bytes], None] | None:
        """Writes bytes to an address of the memory of the board that runs; None: it has no probe that could."""

    def running(self, image: Image) -> AbstractContextManager[Link]:
        """Have the board start an image; the link to it is closed on leaving.

        Raises:
            BoardError: The board cannot be flashed, or its port cannot be opened.
        """


class VirtualRig:
    """Starts a virtual board for each image, in a process of its own."""

    source: Literal["virtual", "serial"] = "virtual"

    def __init__(self) -> None:
        self._running: VirtualBoard | None = None

    @property
    def instructions(self) -> int | None:
        """See `Rig`."""
        return None if self._running is None else self._running.instructions

    @property
    def write_memory(self) -> Callable[[int, bytes], None] | None:
        """See `Rig`."""
        return None if self._running is None else self._running.write_memory

    @contextmanager
    def running(self, image: Image) -> Iterator[Link]:
        """See `Rig`."""
        with VirtualBoard(image.board, image.elf) as virtual:
            self._running = virtual
            try:
                yield virtual.link
            finally:
                self._running = None


class SerialRig:
    """A board that is flashed and then spoken to over a serial port.

    Args:
        port: The port.
        baud: Bits per second.
        flasher: Puts images into its flash.
        key: What tells the board from others, see `BoardLock`; None: its port.

    Attributes:
        key: As given.
        port: As given.
        lock: The right to use the board. An image runs only while it is held.
    """

    source: Literal["virtual", "serial"] = "serial"
    instructions: int | None = None
    write_memory: Callable[[int, bytes], None] | None = None

    def __init__(self, port: str, baud: int, flasher: Flasher, key: str | None = None) -> None:
        self.port, self._baud, self._flasher = port, baud, flasher
        self.key = key or port
        self.lock = BoardLock(self.key)

    @contextmanager
    def running(self, image: Flashable) -> Iterator[Link]:
        """See `Rig`."""
        with self.lock.held(_IN_USE_S):
            program(self._flasher, image)
            link = open_port(self.port, self._baud)
            try:
                yield link
            finally:
                link.close()


def open_port(port: str, baud: int) -> SerialLink:
    """Open a board's port, which may be on its way back.

    Raises:
        BoardNotFound: There is no such port.
        BoardError: It cannot be opened.
    """
    deadline = deadline_in(_PORT_S)
    while time.monotonic() < deadline:
        with suppress(BoardError):
            return SerialLink(port, baud)
        time.sleep(_POLL_S)
    return SerialLink(port, baud)


@contextmanager
def started(rig: Rig, image: Image) -> Iterator[Dut]:
    """A board that answers and provably runs the image; where it runs another one, it is flashed once more.

    Raises:
        FlashError: It runs another image all the same.
        BoardError: It cannot be flashed, does not answer, or its clock did not start. A fault of the core is reported
            with the functions that it happened in.
        RamOverflow: The stack left its room.
    """
    found = ""
    for _ in range(2):
        with rig.running(image) as link:
            _LOG.info("image %s is on %s", image.image_hash, link.name)
            virtual = rig.source == "virtual"
            patience = _VIRTUAL_S if virtual else _SERIAL_S
            dut = Dut(link, timeout_s=patience, write_memory=rig.write_memory)
            # A link that loses nothing is asked once: a second question would move what comes after it in time.
            dut.handshake(2 * patience, again_s=patience if virtual else None)
            info = dut.info()
            found = info.image
            if found == image.image_hash:
                if info.clock_hz != image.board.clock_hz:
                    raise BoardError(
                        f"the core runs at {info.clock_hz} Hz instead of {image.board.clock_hz}",
                        where=image.board.name,
                        advice="its clock source did not start: check the board's solder bridges",
                    )
                try:
                    yield dut
                except TargetFault as fault:
                    raise _stack_overflow(fault, image) or located(fault, image) from fault
                return
    raise FlashError(
        f"the flash holds an image with the CRC {found}, not the {image.image_hash} that was sent",
        where=image.board.name,
        advice="flash with pyOCD, which verifies",
    )


def _stack_overflow(fault: TargetFault, image: Image) -> RamOverflow | None:
    """A property of the model and not a fault of the rig: the stack has left its room, below which there is no memory.

    The stack pointer lies below the room; or the core could not store a frame; or an instruction stored to an address
    just below. A Cortex-M7 tells the first alone: there a store that fails is an imprecise fault, without an address.
    """
    registers = fault.registers
    limit, status = read_elf(image.elf).symbols["__stack_limit"], registers.get("cfsr", 0)
    below = status & _BFARVALID and limit - _FRAME_REACH <= registers.get("bfar", limit) < limit
    overrun = registers.get("sp", limit) < limit
    if not (status & _STKERR or below or overrun):
        return None
    return RamOverflow(
        f"the stack needs more than its {image.stack_limit_bytes} bytes",
        where=image.board.name,
        advice="smaller windows or fewer channels; of the engine tflm, reserves.stack_bytes of the board's description",
    )


def located(fault: TargetFault, image: Image) -> TargetFault:
    """A fault with the names of the functions that its program counter and return address lie in."""
    elf, registers = read_elf(image.elf), fault.registers
    found = (
        f"{name} is in {place}"
        for name in ("pc", "lr")
        if name in registers and (place := elf.function_at(registers[name]))
    )
    names = ", ".join(found)
    message = f"{fault.message}; {names}" if names else fault.message
    return TargetFault(message, where=fault.where, advice=fault.advice, kind=fault.kind, registers=registers)
