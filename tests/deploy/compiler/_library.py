"""A compiled model as a shared library of this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tinynas.deploy.compiler import CompiledModel

__all__ = ["library", "needs_compiler", "pointer"]

COMPILER = shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine (gcc or clang)")


def library(compiled: CompiledModel, directory: Path, *flags: str) -> ctypes.CDLL:
    sources, out = compiled.write(directory), directory / "model.so"
    strict = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run([COMPILER, *strict, *flags, "-shared", "-fPIC", "-o", out, *sources], check=True)
    return ctypes.CDLL(str(out))


def pointer(array: Any) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)
