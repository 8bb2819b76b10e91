"""Python, its packages, compilers, the emulator and the programs that flash boards."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from tinynas.children import call_function
from tinynas.doctor.finding import Finding
from tinynas.hil.image import Toolchain

__all__ = [
    *("find_compilers", "find_emulator", "find_flashers", "find_packages", "find_python", "find_tensorflow"),
    "report_tensorflow",
]

#: As pyproject.toml has them, for a checkout that is not installed.
_PYTHONS = ((3, 10), (3, 14))
_TENSORFLOW_S = 180.0
_AGAIN = "`pip install tinynas` again"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
#: Programs for `--flasher cmd:`, beside the two that have names of their own.
_PROGRAMS = ("openocd", "st-flash", "probe-rs", "STM32_Programmer_CLI", "JLinkExe", "bossac", "picotool")
_EXTRA = {"pyocd": "flash", "stm32loader": "flash", "unicorn": "virtual", "ziglang": "hil"}


def find_python() -> Iterator[Finding]:
    """Its version."""
    found = f"{platform.python_implementation()} {platform.python_version()} on {platform.platform(terse=True)}"
    least, below = _PYTHONS
    if least <= sys.version_info[:2] < below:
        yield Finding("python", "python", "ok", f"{found}, {sys.executable}")
        return
    wanted = f"{least[0]}.{least[1]} to {below[0]}.{below[1] - 1}"
    yield Finding("python", "python", "failed", found, f"take Python {wanted}: there is no TensorFlow for others")


def find_packages() -> Iterator[Finding]:
    """Tinynas itself, and the packages that it cannot do without."""
    own = _version("tinynas")
    yield Finding("python", "tinynas", "ok", own or "not installed, running from its sources")
    wanted = [text for text in requires("tinynas") or [] if "extra ==" not in text] if own else []
    names = [match[0] for text in wanted if (match := _NAME.match(text)) and _applies(text)]
    lacking = [name for name in names if _version(name) is None]
    if lacking:
        yield Finding(
            "python", "packages", "failed", f"not installed: {', '.join(lacking)}", "`pip install tinynas` again"
        )
    elif names:
        yield Finding("python", "packages", "ok", f"all {len(names)} are installed")


def _applies(requirement: str) -> bool:
    """Whether a requirement is this computer's; tinynas's only marker is that of the official interpreter."""
    return "sys_platform" not in requirement or (sys.platform == "linux" and platform.machine() == "x86_64")


def find_tensorflow() -> Iterator[Finding]:
    """TensorFlow, loaded in another process: on a processor that it does not know it ends the process that loads it."""
    if _version("tensorflow") is None:
        yield Finding("python", "tensorflow", "failed", "not installed", _AGAIN)
        return
    command = call_function("tinynas.doctor.programs", "report_tensorflow")
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TENSORFLOW_S,
            env=quiet,
        )
    except subprocess.TimeoutExpired:
        yield Finding("python", "tensorflow", "failed", f"does not load within {_TENSORFLOW_S:g} s", "free memory")
        return
    if done.returncode == 0:
        yield Finding("python", "tensorflow", "ok", f"{done.stdout.strip()} loads")
        return
    said = done.stderr.strip().splitlines()[-1:] or [f"the process ends with {done.returncode}"]
    remedy = "`pip install --force-reinstall tensorflow`; it needs a 64-bit processor, x86 ones with AVX"
    yield Finding("python", "tensorflow", "failed", f"does not load: {said[0]}", remedy)


def report_tensorflow() -> None:
    """Load TensorFlow and print its version: what `find_tensorflow` runs."""
    import tensorflow

    print(tensorflow.__version__)


def find_compilers() -> Iterator[Finding]:
    """The cross compilers, the one that is taken first."""
    kinds = Toolchain.installed()
    for kind in kinds:
        yield Finding("images", "compiler", "ok", Toolchain.detect(kind).version)
    if not kinds:
        remedy = "`pip install 'tinynas[hil]'`, or `apt-get install gcc-arm-none-eabi`"
        yield Finding("images", "compiler", "missing", "none for Cortex-M: nothing is measured", remedy)


def find_emulator() -> Iterator[Finding]:
    """What virtual boards need."""
    yield _package("images", "virtual boards", "unicorn", "no board without hardware")


def find_flashers() -> Iterator[Finding]:
    """Programs that put images on boards."""
    yield _package("desk", "pyocd", "pyocd", "boards without a drive are flashed by another program")
    yield _package("desk", "stm32loader", "stm32loader", "--flasher rom needs it")
    found = [name for name in _PROGRAMS if shutil.which(name)]
    listed = ", ".join(found) or "none of " + ", ".join(_PROGRAMS)
    yield Finding("desk", "others", "ok", f'{listed}; --flasher cmd:"..." runs any program')


def _package(area: str, name: str, package: str, without: str) -> Finding:
    if found := _version(package):
        return Finding(area, name, "ok", f"{package} {found}")
    if program := shutil.which(package):
        return Finding(area, name, "ok", program)
    return Finding(area, name, "missing", f"{package} is not installed: {without}", _install(_EXTRA[package]))


def _install(extra: str) -> str:
    return f"`pip install 'tinynas[{extra}]'`"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
