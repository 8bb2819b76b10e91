"""Flashers: an image into a board's flash by the probe's drive, by pyOCD, or by the boot loader in the MCU's ROM.

None of them is trusted to the last byte: whoever measures compares the image's hash with the one that the firmware
computes of its own flash.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from tinynas.board import Board
from tinynas.board.families import family_of
from tinynas.errors import BoardError, ConfigError, FlashError, ToolchainMissing
from tinynas.hil.image import Image

__all__ = ["DriveFlasher", "Flasher", "PyocdFlasher", "RomFlasher", "program"]

_POLL_S = 0.1
_FAILURE = "FAIL.TXT"
_SHOWN_CHARACTERS = 400


class Flasher(Protocol):
    """Puts an image into a board's flash and has the board start it."""

    def flash(self, image: Image) -> None:
        """Program the image.

        Raises:
            FlashError: It is not known to be in the flash now.
            ToolchainMissing: A program that is needed is not installed.
        """


def program(flasher: Flasher, image: Image) -> None:
    """Flash an image; what fails is tried once more.

    Raises:
        FlashError: It failed twice.
        ToolchainMissing: A program that is needed is not installed.
    """
    try:
        flasher.flash(image)
    except FlashError as first:
        try:
            flasher.flash(image)
        except FlashError as second:
            same = _wording(first.message) == _wording(second.message)
            again = "twice the same" if same else f"at first: {first.message}"
            raise FlashError(f"{second.message} ({again})", where=second.where, advice=second.advice) from first


class DriveFlasher:
    """By a copy to the drive that an ST-Link or DAPLink probe shows.

    The probe programs what is copied, then unmounts its drive and mounts it anew: without the file, and with FAIL.TXT
    where it did not succeed.

    Args:
        locate: Where the drive is mounted now, None where it is not: it may come back at another place.
        timeout_s: For everything.
    """

    def __init__(self, locate: Callable[[], Path | None], *, timeout_s: float = 60.0) -> None:
        self._locate, self._timeout_s = locate, timeout_s

    def flash(self, image: Image) -> None:
        """See `Flasher`."""
        deadline = time.monotonic() + self._timeout_s
        drive = self._mounted(deadline)
        before = _entries(drive)
        target = drive / f"tinynas-{image.image_hash}.bin"
        if target.name in before:
            raise FlashError(
                "an image that was copied earlier is still there: the probe did not take it",
                where=str(drive),
                advice="unplug the board and plug it in again",
            )
        self._copy(image.binary, target, deadline)
        self._await_remount(target.name, _FAILURE in before, deadline)

    def _mounted(self, deadline: float) -> Path:
        while True:
            drive = self._locate()
            if drive is not None and _entries(drive):  # a place where nothing is mounted is empty
                return drive
            if time.monotonic() > deadline:
                raise FlashError(
                    "the probe's drive is not mounted",
                    where=str(drive) if drive else None,
                    advice="mount it, writable for this user; or flash with pyOCD, which needs no drive",
                )
            time.sleep(_POLL_S)

    def _copy(self, data: bytes, target: Path, deadline: float) -> None:
        failures: list[OSError] = []

        def write() -> None:
            try:
                with target.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                failures.append(error)

        # A drive that hangs blocks its writer in the kernel, out of reach of any deadline but that of another thread.
        writer = threading.Thread(target=write, daemon=True, name="copy to the probe's drive")
        writer.start()
        writer.join(max(0.0, deadline - time.monotonic()))
        if writer.is_alive():
            raise FlashError(f"the probe's drive takes no data within {self._timeout_s:g} s", where=str(target.parent))
        # Some probes vanish before the host has finished: then the drive tells, once it is back, whether all is well.
        if failures and target.parent.is_dir() and _entries(target.parent):
            raise FlashError(f"the copy failed: {failures[0].strerror}", where=str(target))

    def _await_remount(self, name: str, failed_before: bool, deadline: float) -> None:
        while time.monotonic() < deadline:
            drive = self._locate()
            entries = _entries(drive) if drive else set()
            if drive and _FAILURE in entries and (name not in entries or not failed_before):
                raise FlashError(
                    f"the probe says: {_text(drive / _FAILURE)}",
                    where=str(drive),
                    advice="unplug the board and plug it in again; check that the probe's jumpers are set",
                )
            if entries and name not in entries:
                return
            time.sleep(_POLL_S)
        raise FlashError(
            f"the probe's drive did not come back within {self._timeout_s:g} s",
            where=name,
            advice="the system has to mount the drive anew by itself; in a container it may not: flash with pyOCD",
        )


class PyocdFlasher:
    """By pyOCD and a debug probe.

    Args:
        target: pyOCD's name of the MCU.
        probe_id: The probe's serial number or its beginning; None: the only one that is attached.
        connect: How to get hold of the core: "under-reset" works whatever the program in flash does, but needs the
            reset line; "halt" does without it.
        timeout_s: For the program.
    """

    def __init__(
        self, target: str, *, probe_id: str | None = None, connect: str = "under-reset", timeout_s: float = 120.0
    ) -> None:
        self._target, self._probe_id, self._connect, self._timeout_s = target, probe_id, connect, timeout_s

    @classmethod
    def of(cls, board: Board, *, probe_id: str | None = None, timeout_s: float = 120.0) -> PyocdFlasher:
        """For a board, connected as its probe allows: only a probe on the board itself surely has the reset line.

        Raises:
            BoardError: pyOCD's name of the MCU is not known.
        """
        probe = board.probe
        if probe is None or probe.pyocd_target is None:
            raise BoardError("pyOCD's name of the MCU is not known", where=f"{board.name}:probe.pyocd_target")
        connect = "under-reset" if probe.kind in ("stlink", "daplink", "jlink") else "halt"
        return cls(probe.pyocd_target, probe_id=probe_id, connect=connect, timeout_s=timeout_s)

    def flash(self, image: Image) -> None:
        """See `Flasher`."""
        probe = ["--uid", self._probe_id] if self._probe_id else []
        options = ["flash", "--no-wait", *probe, "--target", self._target, "--connect", self._connect]
        output = _call([*_program("pyocd"), *options, "--format", "elf", str(image.elf)], self._timeout_s)
        if output is not None:
            advice = None
            if "not recognized" in output:  # targets beyond the built-in ones come in packs
                advice = f"`pyocd pack install {self._target}`, once"
            elif "No connected debug probe" in output or "No available debug probe" in output:
                advice = "`pyocd list` has to list the probe"
            raise FlashError(output, where=self._probe_id or self._target, advice=advice)


class RomFlasher:
    """By the boot loader in an STM32's ROM and stm32loader; over a serial port that this boot loader listens on.

    Which ports it listens on is in ST's AN2606; on the NUCLEO-L476RG it is the probe's own.

    Args:
        board: The board.
        port: The serial port.
        baud: Bits per second.
        timeout_s: For the program: erasing the whole flash takes most of it.

    Raises:
        ConfigError: The firmware does not run on the board's microcontroller, or that has no boot loader in ROM.
    """

    def __init__(self, board: Board, port: str, *, baud: int = 115_200, timeout_s: float = 180.0) -> None:
        rom = family_of(board).rom
        if rom is None:
            raise ConfigError(f"{board.mcu} has no serial boot loader in its ROM", where=f"{board.name}:mcu")
        self._family, self._port, self._baud, self._timeout_s = rom.loader_family, port, baud, timeout_s

    def flash(self, image: Image) -> None:
        """See `Flasher`."""
        address = f"{image.address:#010x}"
        options = ["--port", self._port, "--baud", str(self._baud), "--family", self._family, "--no-progress"]
        actions = ["--erase", "--write", "--verify", "--address", address, "--go-address", address]
        output = _call([*_program("stm32loader"), *options, *actions, str(image.binary_path)], self._timeout_s)
        if output is not None:
            raise FlashError(output, where=self._port, advice="connect BOOT0 to 3V3 and press the reset button first")


def _wording(message: str) -> str:
    """A message without what differs from run to run: pyOCD tells the time in each line."""
    return re.sub(r"\d+", "", message)


def _entries(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:  # it is being unmounted, or mounted
        return set()


def _text(path: Path) -> str:
    try:
        return _shown(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        return f"{path.name}, which cannot be read: {error.strerror}"


def _shown(text: str) -> str:
    """The end of what a program said, on one line."""
    words = " ".join(text.replace("\0", " ").split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"... {words[-_SHOWN_CHARACTERS:]}"


def _program(name: str) -> list[str]:
    """A Python program, of this environment or of another one on the PATH."""
    if find_spec(name):
        return [sys.executable, "-m", name]
    found = shutil.which(name)
    if found is None:
        raise ToolchainMissing(f"{name} is not installed", where=name, advice="`pip install 'tinynas[flash]'`")
    return [found]


def _call(command: Sequence[str], timeout_s: float) -> str | None:
    """Run a program to its end; what it said where it failed, None where it did not."""
    name = command[2] if command[1:2] == ["-m"] else Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return f"{name} does not end within {timeout_s:g} s"
    except OSError as error:
        return f"{name} cannot be started: {error.strerror}"
    return f"{name} failed: {_shown(done.stdout) or f'exit code {done.returncode}'}" if done.returncode else None
