"""Virtual boards: the emulator's process, seen from the host."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from tinynas.board import Board
from tinynas.children import run_module
from tinynas.errors import BoardError, BoardNotFound
from tinynas.hil.dut import Link, PipeLink
from tinynas.hil.emulator import shared

__all__ = ["VirtualBoard", "VirtualTerminal", "require_unicorn"]

_END_S = 5.0
_MOST_COMPLAINT = 2000


def require_unicorn() -> None:
    """Find the emulator.

    Raises:
        BoardNotFound: The extra `virtual` is not installed.
    """
    if not find_spec("unicorn"):
        raise BoardNotFound(
            "virtual boards need Unicorn, which is not installed",
            where="link",
            advice='pip install "tinynas[virtual]", or name a serial port',
        )


class _Emulator:
    """The emulator's process. It ends with `close`, with this process, or when its core is locked up."""

    def __init__(self, board: Board, elf: Path | None, *, pty: bool, channel: int | None) -> None:
        require_unicorn()
        request = {"board": board.to_dict(), "pty": pty, "shared": channel}
        request["elf"] = None if elf is None else str(elf)
        # A file takes what the process complains of without end: a pipe that nobody reads would stop it.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            run_module("tinynas.hil.emulator"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            bufsize=0,
            pass_fds=() if channel is None else (channel,),
        )
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it ended at once: whoever listens is told
            self.process.stdin.write(json.dumps(request).encode() + b"\n")

    def complaint(self) -> str:
        """What the process has written to its standard error."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_END_S)
        self._complaints.seek(0)
        return self._complaints.read()[-_MOST_COMPLAINT:].decode(errors="replace").strip()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._complaints):
            if stream is not None and not stream.closed:
                stream.close()


class _EmulatorLink(PipeLink):
    """The pipes to the emulator. Where it has ended, the error says why."""

    def __init__(self, emulator: _Emulator, name: str) -> None:
        process = emulator.process
        assert process.stdin is not None
        assert process.stdout is not None
        super().__init__(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()), name=name)
        self._emulator = emulator

    def _gone(self, error: OSError | None) -> BoardError:
        gone = super()._gone(error)
        said = self._emulator.complaint()
        last = said.splitlines()[-1] if said else ""
        if not last:
            return gone
        return BoardError(f"the virtual board has stopped: {last}", where=self.name)


class VirtualBoard:
    """A virtual board with an image in its flash, running. A context manager.

    Args:
        board: The board.
        elf: The image, as it would be flashed to a real one.

    Attributes:
        link: The link to it.

    Raises:
        BoardNotFound: The extra `virtual` is not installed.
    """

    def __init__(self, board: Board, elf: Path) -> None:
        self._shared = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the board
        self._writes = 0
        try:
            self._emulator = _Emulator(board, elf, pty=False, channel=self._shared.fileno())
        except BaseException:
            self._shared.close()
            raise
        self.link: Link = _EmulatorLink(self._emulator, f"virtual {board.name}")

    @property
    def instructions(self) -> int:
        """Instructions of the last inference before the line that was received last."""
        return shared.instructions(self._shared.fileno())

    def write_memory(self, address: int, data: bytes) -> None:
        """Write to the board's memory before it takes what the link sends next, as a debug probe does."""
        self._writes += 1
        shared.put_write(self._shared.fileno(), self._writes, address, data)

    def close(self) -> None:
        """Turn it off. Doing so twice does no harm."""
        self.link.close()
        self._emulator.close()
        self._shared.close()

    def __enter__(self) -> VirtualBoard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class VirtualTerminal:
    """A virtual board at a pseudo-terminal, which any serial program can open. A context manager.

    Args:
        board: The board.
        elf: The image; None: the flash is empty, and the ROM's boot loader waits for one.

    Attributes:
        path: The pseudo-terminal.

    Raises:
        BoardNotFound: The extra `virtual` is not installed.
        BoardError: The board has no serial boot loader, or cannot be started.
    """

    def __init__(self, board: Board, elf: Path | None) -> None:
        self._emulator = _Emulator(board, elf, pty=True, channel=None)
        stdout = self._emulator.process.stdout
        assert stdout is not None
        self.path = stdout.readline().decode().strip()
        if not self.path:
            said = self._emulator.complaint()
            self.close()
            said = said.removeprefix(f"{board.name}: ")  # the process names it, too
            raise BoardError(f"the virtual board does not start: {said}", where=board.name)

    def wait(self) -> str:
        """Wait until the board stops; why it did."""
        self._emulator.process.wait()
        return self._emulator.complaint()

    def close(self) -> None:
        """Turn it off. Doing so twice does no harm."""
        self._emulator.close()

    def __enter__(self) -> VirtualTerminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
