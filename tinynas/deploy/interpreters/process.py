"""The process of the interpreters, as the one that asks sees it: started once, and again where a model has ended it."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tinynas.children import call_function
from tinynas.deploy.interpreters.frames import receive, send
from tinynas.errors import ConversionError, HostError
from tinynas.hostfaults import explain_host_fault

__all__ = ["ask"]

#: Longer than any model of a board's size takes on the slowest host.
_DEADLINE_S = 300.0
#: From the end of its output to its own.
_GRACE_S = 5.0
#: How native code ends that a file has led astray: assertions, wild pointers, divisions by zero.
_MODELS_FAULT = {signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE, signal.SIGILL, getattr(signal, "SIGBUS", None)}


class _Process:
    """One process, which belongs to the process that started it."""

    def __init__(self) -> None:
        try:
            self.child = subprocess.Popen(
                call_function("tinynas.deploy.interpreters.program", "main"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt from the keyboard is not for it
            )
        except OSError as error:
            doing = "start the interpreter's process"
            raise explain_host_fault(error, doing, where=sys.executable, then="do it again") from error
        self.owner = os.getpid()

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.owner == os.getpid() and self.child.poll() is None

    def exchange(self, message: Mapping[str, Any], blocks: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """One request and its reply.

        Raises:
            ConversionError: The model has ended the process, or it takes too long.
            HostError: Something else has ended the process.
        """
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.child.kill()

        timer = threading.Timer(_DEADLINE_S, stop)
        timer.daemon = True
        timer.start()
        try:
            send(self.child.stdin, message, blocks)
            return receive(self.child.stdout)
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):  # it is ending, and says how
                self.child.wait(_GRACE_S)
            self.end()
            # What the pipe says of it is no failure of the host.
            if late.is_set():
                raise ConversionError(f"the interpreter does not end within {_DEADLINE_S:g} s") from None
            raise self._death() from None
        except BaseException:  # half a message is left in the pipe
            self.end()
            raise
        finally:
            timer.cancel()

    def _death(self) -> ConversionError | HostError:
        code = self.child.returncode
        if -code in _MODELS_FAULT:
            return ConversionError(
                f"the model ends the interpreter's process ({signal.Signals(-code).name})",
                advice="its numbers contradict each other: convert it again",
            )
        if code < 0:
            what = f"the interpreter's process was ended by {signal.Signals(-code).name}"
            return HostError(what, where=sys.executable, advice="free some memory, then do it again")
        return HostError(f"the interpreter's process ended with code {code}", where=sys.executable)

    def end(self) -> None:
        """End the process, and wait for it."""
        if self.owner != os.getpid():
            return
        self.child.kill()
        for pipe in (self.child.stdin, self.child.stdout):
            with suppress(OSError):  # what was not sent is lost
                if pipe is not None:
                    pipe.close()
        self.child.wait()


_LOCK = threading.Lock()
_kept: _Process | None = None


def ask(message: Mapping[str, Any], blocks: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Send a request to the process and return its reply.

    Args:
        message: "interpreter" ("tflm" or "litert"), "do" ("load", "arena" or "run"), and of "run" "shape", "dtype" and
            "reset".
        blocks: The model, and of "run" the inputs.

    Raises:
        ConversionError: The model has ended the process; the next request starts another one.
        HostError: The process cannot be started, or something else has ended it.
    """
    global _kept
    with _LOCK:
        if _kept is None or not _kept.alive:
            _kept = _Process()
            atexit.register(_kept.end)
        return _kept.exchange(message, blocks)
