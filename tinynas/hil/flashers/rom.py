"""A flasher that talks to the boot loader in ROM."""

from __future__ import annotations

from tinynas.board import Board, family_of
from tinynas.errors import ConfigError, FlashError
from tinynas.hil.flashers.flash import Flashable
from tinynas.hil.flashers.names import register
from tinynas.hil.flashers.programs import call_program, find_program

__all__ = ["RomFlasher"]


@register("rom")
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

    def flash(self, image: Flashable) -> None:
        """See `Flasher`."""
        address = f"{image.address:#010x}"
        options = ["--port", self._port, "--baud", str(self._baud), "--family", self._family, "--no-progress"]
        actions = ["--erase", "--write", "--verify", "--address", address, "--go-address", address]
        output = call_program(
            "stm32loader", [*find_program("stm32loader"), *options, *actions, str(image.binary_path)], self._timeout_s
        )
        if output is not None:
            raise FlashError(output, where=self._port, advice="connect BOOT0 to 3V3 and press the reset button first")
