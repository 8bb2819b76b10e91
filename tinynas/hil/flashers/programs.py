"""Programs that flash boards, and what they say."""

from __future__ import annotations

import logging
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec

from tinynas.children import run_module
from tinynas.errors import ToolchainMissing

__all__ = ["call_program", "find_program", "shown"]

_LOG = logging.getLogger(__name__)
_SHOWN_CHARACTERS = 400


def shown(text: str) -> str:
    """The end of what a program said, on one line."""
    words = " ".join(text.replace("\0", " ").split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"... {words[-_SHOWN_CHARACTERS:]}"


def find_program(name: str) -> list[str]:
    """A Python program, of this environment or of another one on the PATH."""
    if find_spec(name):
        return run_module(name)
    found = shutil.which(name)
    if found is None:
        raise ToolchainMissing(f"{name} is not installed", where=name, advice="`pip install 'tinynas[flash]'`")
    return [found]


def call_program(name: str, command: Sequence[str], timeout_s: float) -> str | None:
    """Run a program to its end; what it said where it failed, None where it did not.

    Args:
        name: What to call it.
        command: The program and its arguments.
        timeout_s: Longest wait for its end.
    """
    _LOG.debug("runs %s", shlex.join(command))
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
