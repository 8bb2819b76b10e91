"""A flasher that calls pyOCD."""

from __future__ import annotations

from tinynas.board import Board
from tinynas.errors import BoardError, FlashError
from tinynas.hil.flashers.programs import call_program, find_program
from tinynas.hil.image import Image

__all__ = ["PyocdFlasher"]


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
        output = call_program([*find_program("pyocd"), *options, "--format", "elf", str(image.elf)], self._timeout_s)
        if output is not None:
            advice = None
            if "not recognized" in output:  # targets beyond the built-in ones come in packs
                advice = f"`pyocd pack install {self._target}`, once"
            elif "No connected debug probe" in output or "No available debug probe" in output:
                advice = "`pyocd list` has to list the probe"
            raise FlashError(output, where=self._probe_id or self._target, advice=advice)
