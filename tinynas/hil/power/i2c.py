"""Registers of a chip on an I2C bus of Linux, `/dev/i2c-N`: that of a Raspberry Pi's header, or a USB bridge's.

A bridge whose driver is part of Linux (MCP2221, CP2112, FT260) is such a bus as well. A register is read by a
write and a read in one transfer. SMBus' block reads would do the same, but for them Linux' driver of the MCP2221 starts
no read.
"""

from __future__ import annotations

import errno
import os
from typing import Any, NoReturn

from tinynas.errors import BoardError, BoardNotFound, ConfigError

__all__ = ["I2cDevice"]

_INSTALL = 'pip install "tinynas[i2c]"'
_LIST = "`i2cdetect -l` lists the buses; `sudo modprobe i2c-dev` makes their files; a Raspberry Pi's is off at first"
_RIGHTS = "`sudo usermod -aG i2c $USER`, then log out and in; Debian's i2c-tools makes the group"
_WIRES = "check power, SDA, SCL and the address: `i2cdetect -y BUS` shows what answers"
_NOT_THERE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_NO_RIGHT = (errno.EACCES, errno.EPERM)
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)


class I2cDevice:
    """One chip on a bus. It is the meter's: `close` closes the bus.

    Args:
        path: The bus, such as `/dev/i2c-1`.
        address: The chip's, of 7 bits.

    Raises:
        ConfigError: The package `smbus2` is not installed, or the system has no such buses.
        BoardNotFound: There is no such bus.
        BoardError: It may not be opened, no chip answers, or a driver of Linux holds it.
    """

    def __init__(self, path: str, address: int) -> None:
        self.name, self._address = f"{path}, address 0x{address:02x}", address
        try:
            import smbus2
        except ImportError as error:  # a system that is not Linux lacks fcntl, which it needs
            what = "an I2C bus is read by the package smbus2, on Linux"
            raise ConfigError(what, where=path, advice=_INSTALL) from error
        try:
            self._bus: Any = smbus2.SMBus(path)
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise BoardNotFound("there is no such bus", where=path, advice=_LIST) from error
            if error.errno in _NO_RIGHT:
                raise BoardError("the bus may not be opened by this user", where=path, advice=_RIGHTS) from error
            raise BoardError(f"the bus cannot be opened: {_said(error)}", where=path, advice=_LIST) from error
        self._message: Any = smbus2.i2c_msg
        try:
            self._bus.read_byte(address)  # fails where a driver holds the chip; transfers of messages would not ask
        except OSError as error:
            self.close()
            self._fail(error)

    def read(self, register: int, count: int) -> bytes:
        """Read a register's bytes, the most significant first.

        Raises:
            BoardError: The chip does not answer, a driver holds it, or the bus is gone.
        """
        try:
            answer = self._message.read(self._address, count)
            self._bus.i2c_rdwr(self._message.write(self._address, [register]), answer)
            return bytes(answer)
        except OSError as error:
            self._fail(error)

    def write(self, register: int, word: int) -> None:
        """Write a register of 16 bits.

        Raises:
            BoardError: See `read`.
        """
        try:
            self._bus.i2c_rdwr(self._message.write(self._address, [register, *word.to_bytes(2, "big")]))
        except OSError as error:
            self._fail(error)

    def close(self) -> None:
        """Let go of the bus. Closing twice does no harm."""
        self._bus.close()

    def _fail(self, error: OSError) -> NoReturn:
        if error.errno == errno.EBUSY:
            what, advice = (
                "a driver of Linux holds the chip",
                "`sudo rmmod ina238 ina2xx`, or unbind it in /sys/bus/i2c",
            )
        elif error.errno in _UNSUPPORTED:
            what, advice = "the bus knows no transfers but SMBus'", "take another bridge, or a harness: docs/energy.md"
        else:
            what, advice = f"the chip does not answer: {_said(error)}", _WIRES
        raise BoardError(what, where=self.name, advice=advice) from error


def _said(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
