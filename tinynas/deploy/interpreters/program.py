"""The process that holds an interpreter: it answers requests until its standard input ends.

Interpreters trust a file's numbers and check them by assertions that end the process. This process may end; the one
that asks goes on.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tinynas.deploy.interpreters.frames import receive, send
from tinynas.deploy.native import captured_stderr

__all__ = ["main"]

_ARENA_BYTES = 16 << 20
_NO_KERNEL = re.compile(r"Didn't find op for builtin opcode '(\w+)'")

Array = npt.NDArray[Any]


class _Rejected(Exception):
    """The interpreter does not take the model, or does not run it.

    Args:
        text: What it says.
        kernel: The operator that it lacks; empty where that is not the reason.
    """

    def __init__(self, text: str, kernel: str = "") -> None:
        super().__init__(text)
        self.kernel = kernel


class _Interpreter(Protocol):
    """A model in an interpreter."""

    def run(self, window: Array) -> Array:
        """The output for one input, both with their batch axis."""

    def reset(self) -> None:
        """Forget what earlier inputs have left."""

    def arena(self) -> Mapping[str, int]:
        """Bytes of the arena by part."""


class _Tflm:
    def __init__(self, model: bytes) -> None:
        from tflite_micro import runtime

        # The interpreter takes bytes only, and keeps a pointer to them.
        self.model = bytes(model)
        self.interpreter = runtime.Interpreter.from_bytes(self.model, arena_size=_ARENA_BYTES)

    def run(self, window: Array) -> Array:
        self.interpreter.set_input(window, 0)
        self.interpreter.invoke()
        return np.asarray(self.interpreter.get_output(0))

    def reset(self) -> None:
        self.interpreter.reset()

    def arena(self) -> Mapping[str, int]:
        with captured_stderr() as log:
            self.interpreter.print_allocations()
        found = re.findall(r"Arena allocation (total|head|tail) (\d+) bytes", " ".join(log))
        return {part: int(count) for part, count in found}


class _Litert:
    def __init__(self, model: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.interpreter = Interpreter(
            model_content=bytes(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        self.interpreter.allocate_tensors()
        self.first = self.interpreter.get_input_details()[0]["index"]
        self.last = self.interpreter.get_output_details()[0]["index"]

    def run(self, window: Array) -> Array:
        self.interpreter.set_tensor(self.first, window)
        self.interpreter.invoke()
        return np.asarray(self.interpreter.get_tensor(self.last))

    def reset(self) -> None:
        self.interpreter.reset_all_variables()

    def arena(self) -> Mapping[str, int]:
        return {}


_KINDS: Mapping[str, type[_Tflm] | type[_Litert]] = {"tflm": _Tflm, "litert": _Litert}


class _Answering:
    """Answers requests; the latest model stays loaded."""

    def __init__(self) -> None:
        self.loaded: tuple[str, bytes] = ("", b"")
        self.interpreter: _Interpreter | None = None

    def answer(self, message: Mapping[str, Any], blocks: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """One reply: {} and what was asked for, or {"error": what, ...}."""
        try:
            interpreter = self._load(message["interpreter"], blocks[0])
            if message["do"] == "run":
                return self._run(interpreter, message, blocks[1])
            return {"arena": dict(interpreter.arena()) if message["do"] == "arena" else {}}, []
        except ImportError as error:
            return {"error": "missing", "text": str(error)}, []
        except _Rejected as error:
            return {"error": "rejected", "text": str(error), "kernel": error.kernel}, []

    def _load(self, kind: str, model: bytes) -> _Interpreter:
        if self.interpreter is None or self.loaded != (kind, model):
            self.interpreter = None
            with captured_stderr() as log:
                try:
                    self.interpreter, failure = _KINDS[kind](model), ""
                except (RuntimeError, ValueError, SystemError, MemoryError) as error:
                    failure = str(error) or type(error).__name__
            if self.interpreter is None:
                # TFLM logs the reason, LiteRT has it in its exception.
                text = " ".join(log if kind == "tflm" else ()).strip() or failure
                missing = _NO_KERNEL.search(text)
                raise _Rejected(text, missing[1] if missing else "")
            self.loaded = kind, model
        return self.interpreter

    def _run(
        self, interpreter: _Interpreter, message: Mapping[str, Any], data: bytes
    ) -> tuple[dict[str, Any], list[bytes]]:
        windows = np.frombuffer(data, message["dtype"]).reshape(message["shape"])
        outputs = []
        with captured_stderr() as log:
            try:
                for window in windows:
                    if message["reset"]:
                        interpreter.reset()
                    outputs.append(interpreter.run(window[None]).tobytes())
                failure = ""
            except (RuntimeError, ValueError, SystemError, MemoryError) as error:
                failure = str(error) or type(error).__name__
        if failure:
            raise _Rejected(" ".join(log).strip() or failure)
        return {}, [b"".join(outputs)]


def main() -> None:
    """Answer requests on the standard input, until it ends."""
    # What native code prints does not belong into the pipe.
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        answering = _Answering()
        while True:
            try:
                message, blocks = receive(sys.stdin.buffer)
            except EOFError:
                return
            try:
                send(replies, *answering.answer(message, blocks))
            except BrokenPipeError:  # whoever asked is gone
                return
