"""What runs images: an attached board behind a serial port, or a virtual one. Those who measure see no difference."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

from tinynas.board import Board
from tinynas.board.families import check_firmware
from tinynas.errors import BoardError, BoardNotFound, ConfigError, FlashError, RamOverflow, TargetFault
from tinynas.hil.boards.discover import AttachedBoard, find_board
from tinynas.hil.dut import Dut, Link, SerialLink, deadline_in
from tinynas.hil.emulator import VirtualBoard, require_unicorn
from tinynas.hil.flashers import DriveFlasher, Flasher, PyocdFlasher, RomFlasher, program
from tinynas.hil.image import Image, read_elf

__all__ = ["FlashMethod", "Rig", "SerialRig", "VirtualRig", "located", "rig_for", "started"]

FlashMethod = Literal["auto", "drive", "pyocd", "rom"]

#: A probe that has remounted its drive shows its serial port again, too; udev may take some seconds.
_PORT_S = 10.0
_APPEARS_S = 3.0
_POLL_S = 0.1
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
    """

    source: Literal["virtual", "serial"] = "serial"
    instructions: int | None = None

    def __init__(self, port: str, baud: int, flasher: Flasher) -> None:
        self._port, self._baud, self._flasher = port, baud, flasher

    @contextmanager
    def running(self, image: Image) -> Iterator[Link]:
        """See `Rig`."""
        program(self._flasher, image)
        link = _opened(self._port, self._baud)
        try:
            yield link
        finally:
            link.close()


def _opened(port: str, baud: int) -> SerialLink:
    deadline = deadline_in(_PORT_S)
    while time.monotonic() < deadline:
        with suppress(BoardError):
            return SerialLink(port, baud)
        time.sleep(_POLL_S)
    return SerialLink(port, baud)


def rig_for(board: Board, link: str, *, flasher: FlashMethod = "auto", probe_id: str | None = None) -> Rig:
    """Choose how images get to a board and answers back.

    Args:
        board: The board.
        link: "virtual"; a serial port; or "auto", the port of the board that is attached.
        flasher: The probe's drive, pyOCD, the boot loader in the MCU's ROM; or "auto", the drive where it is mounted,
            else pyOCD.
        probe_id: Serial number of the probe, or its beginning, where several boards are attached.

    Raises:
        BoardNotFound: No board that fits is attached, or several are.
        BoardError: It has no serial port, or nothing that could flash it is there.
        ConfigError: A virtual board is not flashed; the firmware does not run on the board.
    """
    check_firmware(board)
    assert board.uart is not None
    if link == "virtual":
        if flasher != "auto" or probe_id is not None:
            advice = "add --link auto, or leave flasher and probe out"
            raise ConfigError("a virtual board has no probe and is not flashed", where="link", advice=advice)
        require_unicorn()
        return VirtualRig()
    if link != "auto":
        _check_port(link)
    attached: AttachedBoard | None = None
    if link == "auto" or flasher in ("auto", "drive"):  # pyOCD and the boot loader need no board that is recognised
        attached = find_board(board, probe_id=probe_id, serial_port=None if link == "auto" else link)
    port = attached.serial_port if attached and link == "auto" else link
    if port is None:
        raise BoardError("the attached board shows no serial port", where=board.name, advice="name it: --link PORT")
    return SerialRig(port, board.uart.baud, _flasher(board, attached, flasher, port, probe_id))


def _check_port(port: str) -> None:
    """What a file system knows of a port; on others than POSIX ports are no files."""
    if not port:
        raise ConfigError("no port is named", where="link", advice="virtual, auto, or a serial port")
    if not port.startswith("/"):
        return
    deadline = deadline_in(_APPEARS_S)  # a board that has just been flashed may still be on its way back
    while not Path(port).is_char_device():
        if time.monotonic() < deadline:
            time.sleep(_POLL_S)
            continue
        what = "is no serial port" if Path(port).exists() else "there is no such port"
        raise BoardNotFound(what, where=port, advice="`tinynas boards detect` lists ports; `--link auto` finds one")


def _flasher(
    board: Board, attached: AttachedBoard | None, method: FlashMethod, port: str, probe_id: str | None
) -> Flasher:
    probe = attached.probe_id if attached else probe_id
    if method == "auto":
        mounted = attached is not None and attached.mount_point is not None
        method = "drive" if mounted or not find_spec("pyocd") else "pyocd"
    if method == "rom":
        return RomFlasher(board, port)
    if method == "pyocd" or attached is None:
        return PyocdFlasher.of(board, probe_id=probe)
    return DriveFlasher(_drive_of(board, attached))


def _drive_of(board: Board, attached: AttachedBoard) -> Callable[[], Path | None]:
    """Where the board's drive is now: usually where it was, else wherever the system has put it."""
    known = [attached.mount_point] if attached.mount_point else []

    def locate() -> Path | None:
        if known and known[0].is_dir() and any(known[0].iterdir()):
            return known[0]
        try:
            known[:] = [place] if (place := find_board(board, probe_id=attached.probe_id).mount_point) else []
        except BoardNotFound:
            known.clear()
        return known[0] if known else None

    return locate


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
            virtual = rig.source == "virtual"
            patience = _VIRTUAL_S if virtual else _SERIAL_S
            dut = Dut(link, timeout_s=patience)
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
    """A property of the model and no fault of the rig: the stack has left its room, below which is no memory.

    Either the core could not store a frame there, or an instruction stored to an address just below.
    """
    registers = fault.registers
    limit, status = read_elf(image.elf).symbols["__stack_limit"], registers.get("cfsr", 0)
    below = status & _BFARVALID and limit - _FRAME_REACH <= registers.get("bfar", limit) < limit
    if not (status & _STKERR or below):
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
