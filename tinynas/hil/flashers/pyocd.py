"""A flasher that calls pyOCD."""

from __future__ import annotations

from tinynas.board import Board
from tinynas.errors import BoardError, FlashError
from tinynas.hil.flashers.flash import Flashable
from tinynas.hil.flashers.names import register
from tinynas.hil.flashers.programs import call_program, find_program

__all__ = ["PyocdFlasher"]


@register("pyocd")
class PyocdFlasher:
    """By pyOCD and a debug probe.

    Args:
        target: pyOCD's name of the MCU.
        probe_id: The probe's serial number or its beginning; None: the only one that is attached.
        connect: How to get hold of the core: "under-reset" works whatever the program in flash does, but needs the
            reset line, and fails on some boards of ST (pyOCD #1329, #812); "halt" does without it. What has failed
            under reset is tried with "halt" the next time.
        keep_protected: Never unlock a chip, which erases all of it: it has a boot loader to keep.
        timeout_s: For the program.
    """

    def __init__(
        self,
        target: str,
        *,
        probe_id: str | None = None,
        connect: str = "under-reset",
        keep_protected: bool = False,
        timeout_s: float = 120.0,
    ) -> None:
        self._options = ["-O", "auto_unlock=false"] if keep_protected else []
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
        keep = board.reserves.bootloader_flash_bytes > 0
        return cls(probe.pyocd_target, probe_id=probe_id, connect=connect, keep_protected=keep, timeout_s=timeout_s)

    def flash(self, image: Flashable) -> None:
        """See `Flasher`."""
        connect = ["--connect", self._connect, *self._options]
        output = self._call("flash", *connect, "--format", "elf", str(image.elf))
        if output is not None:
            if self._connect == "under-reset":
                self._connect = "halt"
            raise FlashError(output, where=self._probe_id or self._target, advice=self._advice(output))

    def reset(self) -> None:
        """Reset the board, and let it run.

        Raises:
            BoardError: pyOCD cannot.
            ToolchainMissing: It is not installed.
        """
        output = self._call("reset", *self._options)
        if output is not None:
            raise BoardError(output, where=self._probe_id or self._target, advice=self._advice(output))

    def _call(self, subcommand: str, *options: str) -> str | None:
        probe = ["--uid", self._probe_id] if self._probe_id else []
        command = [*find_program("pyocd"), subcommand, "--no-wait", *probe, "--target", self._target, *options]
        return call_program("pyocd", command, self._timeout_s)

    def _advice(self, output: str) -> str | None:
        if "not recognized" in output:  # targets beyond the built-in ones come in packs
            return f"`pyocd pack install {self._target}`, once"
        missing = "No connected debug probe" in output or "No available debug probe" in output
        return "`pyocd list` has to list the probe" if missing else None
