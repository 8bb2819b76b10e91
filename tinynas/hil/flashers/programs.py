"""Programs that flash boards, and what they say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tinynas.errors import ToolchainMissing

__all__ = ["call_program", "find_program", "shown"]

_SHOWN_CHARACTERS = 400


def shown(text: str) -> str:
    """The end of what a program said, on one line."""
    words = " ".join(text.replace("\0", " ").split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"... {words[-_SHOWN_CHARACTERS:]}"


def find_program(name: str) -> list[str]:
    """A Python program, of this environment or of another one on the PATH."""
    if find_spec(name):
        return [sys.executable, "-m", name]
    found = shutil.which(name)
    if found is None:
        raise ToolchainMissing(f"{name} is not installed", where=name, advice="`pip install 'tinynas[flash]'`")
    return [found]


def call_program(command: Sequence[str], timeout_s: float) -> str | None:
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
    return f"{name} failed: {shown(done.stdout) or f'exit code {done.returncode}'}" if done.returncode else None
