"""Bytes to and from a board: a serial port, or the pipes of a process that plays one.

Deadlines are points in time of `time.monotonic()`. No call of a link waits past its deadline.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from typing import Any, Protocol

from tinynas.errors import BoardError, BoardNotFound, LinkTimeout

__all__ = ["Link", "PipeLink", "SerialLink", "deadline_in", "permission_advice"]

_WRITE_S = 10.0
_BREAK_S = 0.25
_CHUNK = 4096
_REPLUG = "unplug the board and plug it in again; `tinynas boards detect` lists what is attached"


class Link(Protocol):
    """A byte stream to a board."""

    @property
    def name(self) -> str:
        """What to call the link in an error: the port's path."""

    def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            LinkTimeout: The other side takes no bytes.
            BoardError: The other side is gone.
        """

    def read(self, deadline: float) -> bytes:
        """Return what has arrived, waiting for at least one byte; nothing where the deadline passed.

        Raises:
            BoardError: The other side is gone.
        """

    def close(self) -> None:
        """Let go of the port. Closing twice does no harm."""


def deadline_in(seconds: float) -> float:
    """The point in time so many seconds from now."""
    return time.monotonic() + seconds


class PipeLink:
    """A link over two file descriptors, which may be one and the same: pipes, a socket, a pseudo-terminal.

    The link owns them: it closes them, and makes them non-blocking.

    Args:
        reading: Where bytes come from.
        writing: Where bytes go to.
        name: What to call the link in an error.

    Example:
        >>> import socket
        >>> here, there = socket.socketpair()
        >>> link = PipeLink(here.fileno(), here.detach(), name="example")
        >>> link.write(b"name%")
        >>> there.recv(5)
        b'name%'
        >>> link.read(deadline_in(0.01))
        b''
        >>> link.close(), there.close()
        (None, None)
    """

    def __init__(self, reading: int, writing: int, *, name: str) -> None:
        self.name = name
        self._reading, self._writing, self._open = reading, writing, True
        for descriptor in {reading, writing}:
            os.set_blocking(descriptor, False)

    def write(self, data: bytes) -> None:
        """See `Link`."""
        deadline, left = deadline_in(_WRITE_S), memoryview(data)
        while left:
            self._check_open()
            if not select.select([], [self._writing], [], _remaining(deadline))[1]:
                raise LinkTimeout(f"the board takes no bytes: {len(left)} left after {_WRITE_S:g} s", where=self.name)
            try:
                left = left[os.write(self._writing, left[:_CHUNK]) :]
            except BlockingIOError:  # a pipe may be ready for less than what was offered
                continue
            except OSError as error:
                raise self._gone(error) from error

    def read(self, deadline: float) -> bytes:
        """See `Link`."""
        self._check_open()
        if not select.select([self._reading], [], [], _remaining(deadline))[0]:
            return b""
        try:
            data = os.read(self._reading, _CHUNK)
        except OSError as error:  # what a pseudo-terminal says when its other side was closed
            raise self._gone(error) from error
        if not data:
            raise self._gone(None)
        return data

    def close(self) -> None:
        """See `Link`."""
        if self._open:
            self._open = False
            for descriptor in {self._reading, self._writing}:
                os.close(descriptor)

    def _check_open(self) -> None:
        if not self._open:
            raise BoardError("the link is closed", where=self.name)

    def _gone(self, error: OSError | None) -> BoardError:
        reason = f": {error.strerror}" if error else ""
        return BoardError(f"the other side closed the link{reason}", where=self.name)


class SerialLink:
    """A link over a serial port. DTR and RTS stay low: an adapter that has one of them on the reset pin resets nothing.

    Args:
        port: `/dev/ttyACM0`, `COM3`, a pseudo-terminal; or a URL of pyserial's: `rfc2217://HOST:PORT`, a serial port of
            another machine, or `socket://HOST:PORT`.
        baud: Bits per second.

    Raises:
        BoardNotFound: There is no such port.
        BoardError: The port cannot be opened; the advice says how to be allowed to.
    """

    def __init__(self, port: str, baud: int) -> None:
        import serial

        self.name = port
        try:
            self._serial: Any = serial.serial_for_url(port, baud, timeout=0, write_timeout=_WRITE_S, do_not_open=True)
            self._serial.dtr = self._serial.rts = False
            if "://" not in port:
                self._serial.exclusive = True
            self._serial.open()
        except (serial.SerialException, OSError) as error:
            raise _cannot_open(port, error) from error
        except ValueError as error:
            raise BoardError(f"the port cannot run at {baud} baud", where=port) from error
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError)
        self._slow: type[Exception] = serial.SerialTimeoutException

    def write(self, data: bytes) -> None:
        """See `Link`."""
        try:
            self._serial.write(data)
        except self._slow as error:
            raise LinkTimeout(f"the board takes no bytes: {len(data)} in {_WRITE_S:g} s", where=self.name) from error
        except self._errors as error:
            raise self._gone(error) from error

    def read(self, deadline: float) -> bytes:
        """See `Link`."""
        try:
            self._serial.timeout = _remaining(deadline)
            first: bytes = self._serial.read(1)
            return first + bytes(self._serial.read(self._serial.in_waiting)) if first else b""
        except self._errors as error:  # a TypeError is what pyserial ends in where the port vanishes during a call
            raise self._gone(error) from error

    def send_break(self) -> None:
        """Hold the line low for a quarter of a second: DAPLink and ST-LINK probes then reset their board.

        Raises:
            BoardError: The port has no break, or is gone.
        """
        try:
            self._serial.send_break(_BREAK_S)
        except self._errors as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """See `Link`."""
        self._serial.close()

    def _gone(self, error: Exception) -> BoardError:
        return BoardError(f"the port is gone: {error}", where=self.name, advice=_REPLUG)


def permission_advice(port: str) -> str:
    """What to do where a serial port may not be opened."""
    if not sys.platform.startswith("linux"):
        return "close the program that holds the port, and plug the board in again"
    return (
        f"`ls -l {port}` names the group that may; `sudo usermod -aG dialout $USER` (Arch: uucp), then log out and in;"
        " or install the rules that `tinynas boards udev` prints"
    )


def _remaining(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _cannot_open(port: str, error: Exception) -> BoardError:
    number = _errno_of(error)
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return BoardNotFound("there is no such port", where=port, advice=_REPLUG)
    if "://" in port:
        return BoardError(
            f"the network port cannot be opened: {error}", where=port, advice="check host, port and server"
        )
    if number in (errno.EACCES, errno.EPERM):
        return BoardError("the port may not be opened by this user", where=port, advice=permission_advice(port))
    if number in (errno.EAGAIN, errno.EBUSY):
        busy = "close the serial monitor or other program that holds it"
        return BoardError("the port is in use by another program", where=port, advice=busy)
    return BoardError(f"the port cannot be opened: {error}", where=port, advice=_REPLUG)


def _errno_of(error: BaseException) -> int | None:
    """The operating system's number of an error, or of one that led to it: pyserial does not always pass it on."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, OSError) and link.errno is not None:
            return link.errno
        seen.add(id(link))
        link = link.__cause__ or link.__context__
    return None
