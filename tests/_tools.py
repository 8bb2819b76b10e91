"""Programs that some tests need and a fresh machine may lack: what is missing, and how to get it."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

import pytest

from tinynas.hil.image import Toolchain

__all__ = ["COMPILERS", "MISSING", "PACKAGES", "needs", "require"]

MISSING = "not installed: "
"""How the reason of a test begins that is skipped for want of a program."""

PACKAGES = {
    "arduino-builder": "arduino-builder arduino-core-avr",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "arm-none-eabi-g++": "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    "clang": "clang libclang-rt-dev",
    "cmake": "cmake",
    "g++": "g++",
    "gcc": "gcc libc6-dev",
    "nm": "binutils",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-arm 9": "qemu-system-arm/bookworm-backports",
}
"""Program -> Debian's packages that bring it."""

_MODULES = ("stm32loader", "tflite_micro", "unicorn")  # of the environment; some are not made for every machine


def _has(tool: str) -> bool:
    if tool == "a cross compiler":
        return bool(Toolchain.installed())
    if tool == "qemu-system-arm 9":
        return _has_machine("b-l475e-iot01a")
    if tool == "arm-none-eabi-g++":
        return _has_libstdcxx()
    return find_spec(tool) is not None if tool in _MODULES else shutil.which(tool) is not None


def _has_libstdcxx() -> bool:
    """Whether a C++ library for Cortex-M is installed beside GCC."""
    if shutil.which("arm-none-eabi-gcc") is None:
        return False
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-x", "c++", "-fsyntax-only", "-"]
    return subprocess.run(command, input=b"#include <memory>\n", capture_output=True, check=False).returncode == 0


def _has_machine(name: str) -> bool:
    """Whether QEMU is installed and knows a board, which its later versions do."""
    if shutil.which("qemu-system-arm") is None:
        return False
    done = subprocess.run(["qemu-system-arm", "-M", "help"], capture_output=True, text=True, check=False)
    return name in done.stdout.split()


def needs(tool: str) -> pytest.MarkDecorator:
    """The mark of tests that a program is needed for."""
    return pytest.mark.skipif(not _has(tool), reason=MISSING + tool)


def require(tool: str) -> None:
    """Skip the test that asks, where a program is missing."""
    if not _has(tool):
        pytest.skip(MISSING + tool)


#: The cross compilers of this machine, for tests that any of them serves; without one such a test is skipped.
COMPILERS = Toolchain.installed() or (pytest.param("zig", marks=needs("a cross compiler")),)
