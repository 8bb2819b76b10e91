"""Cross compilers for Cortex-M: Arm's GNU toolchain where it is installed, else Clang out of the `ziglang` package.

Both get the same sources, linker script and optimisation. Neither needs a C library: the firmware brings the few
functions that a freestanding compiler may call. Results carry the compiler's name and version: they differ in bytes and
in time.
"""

from __future__ import annotations

import logging
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tinynas.board.families import CORES, Compiler
from tinynas.children import run_module
from tinynas.errors import BuildError, ToolchainMissing
from tinynas.printable import printable

__all__ = ["Level", "Toolchain"]

Level = Literal["1", "2", "3", "s"]

_LOG = logging.getLogger(__name__)
_GCC = "arm-none-eabi-gcc"
_TIMEOUT_S = 300.0
_TARGET: Mapping[Compiler, tuple[str, ...]] = {
    "gcc": ("-mthumb",),
    # By the name of GNU's ABI Clang calls memcpy, which the firmware has; by the bare one, a dozen functions of Arm's
    # run-time library, whose first build takes zig most of a minute. It also adds checks of undefined behaviour, frame
    # pointers, stack probes and debug information unless told otherwise. Unrolled loops would cost up to a fifth of an
    # image's flash and save 1 to 4 % of the instructions: the loops that take the time are in assembly.
    "zig": (
        *("-fno-sanitize=all", "-fno-stack-protector", "-fomit-frame-pointer", "-fno-stack-check"),
        *("-fno-unroll-loops", "-g0"),
    ),
}
_FLOATS: Mapping[Compiler, Mapping[str, tuple[str, ...]]] = {
    "gcc": {"hard": ("-mfloat-abi=hard",), "soft": ("-mfloat-abi=soft",)},
    "zig": {
        "hard": ("-target", "thumb-freestanding-gnueabihf"),
        "soft": ("-target", "thumb-freestanding-gnueabi"),
    },
}
_COMMON = (
    *("-ffunction-sections", "-fdata-sections"),
    *("-fno-exceptions", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
)
#: As TensorFlow Lite Micro's make has it for C++.
_LANGUAGES: Mapping[str, tuple[str, ...]] = {
    ".c": ("-std=c11", "-ffreestanding"),
    ".cc": ("-std=c++17", "-fno-rtti", "-fno-threadsafe-statics"),
}
_LINK: Mapping[Compiler, tuple[str, ...]] = {
    "gcc": ("-nostdlib", "-Wl,--gc-sections,--build-id=none"),
    "zig": ("-nostdlib", "-Wl,--gc-sections", "-Wl,-e,Reset_Handler"),
}
_DEBIAN = "`apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib` on Debian"
_CLANG = "`pip install 'tinynas[hil]'` brings Clang"
_WHERE: Mapping[Compiler | None, str] = {"gcc": _GCC, "zig": "ziglang", None: f"{_GCC}, ziglang"}
_ADVICE: Mapping[Compiler | None, str] = {"gcc": _DEBIAN, "zig": _CLANG, None: f"{_CLANG}; or {_DEBIAN}"}
#: What a library of C++ needs besides; the stubs are of system calls that nobody makes.
_HOSTED = ("-lstdc++", "-lm", "-lc", "-lgcc", "-lnosys")


_NO_HEADER = re.compile(r"fatal error: c?(stddef|stdint|string|stdarg|stdio|new|memory)(\.h)?: No such file")
_NO_LIBRARY = re.compile(r"cannot find -l(stdc\+\+|c|m|nosys)(?!\w)")


@dataclass(frozen=True)
class Toolchain:
    """One cross compiler.

    Attributes:
        kind: Which set of options it takes.
        command: Program and first arguments.
        version: Name and version, as results carry it.

    Example:
        >>> Toolchain("gcc", ("arm-none-eabi-gcc",), "arm-none-eabi-gcc 13.2").options("cortex-m4f")[:2]
        ('-mcpu=cortex-m4', '-mfpu=fpv4-sp-d16')
    """

    kind: Compiler
    command: tuple[str, ...]
    version: str

    @classmethod
    def detect(cls, kind: Compiler | None = None) -> Toolchain:
        """Find a compiler.

        Args:
            kind: Take this one only; None: GCC before Clang.

        Raises:
            ToolchainMissing: There is none, or not the one asked for.
        """
        for name in cls.installed() if kind is None else (kind,):
            program = _program(name)
            if program is not None:
                return _described(name, (program,) if name == "gcc" else tuple(run_module("ziglang", "cc")))
        raise ToolchainMissing("no compiler for Cortex-M", where=_WHERE[kind], advice=_ADVICE[kind])

    @staticmethod
    def installed() -> tuple[Compiler, ...]:
        """The compilers that this machine has, the preferred one first; none of them is started."""
        kinds: tuple[Compiler, ...] = ("gcc", "zig")
        return tuple(kind for kind in kinds if _program(kind) is not None)

    def options(self, core: str, suffix: str = ".c") -> tuple[str, ...]:
        """Options by which a core's code is made.

        Args:
            core: A board's core.
            suffix: Of the source: ".c" or ".cc".

        Raises:
            BuildError: The firmware does not run on this core.
        """
        if core not in CORES:
            raise BuildError(f"images are built for {', '.join(CORES)} only", where=core)
        found = CORES[core]
        target = (*_FLOATS[self.kind][found.float_abi], *_TARGET[self.kind])
        return (*found.options[self.kind], *target, *_LANGUAGES[suffix], *_COMMON)

    def compile(
        self,
        source: Path,
        target: Path,
        *,
        core: str,
        include: Sequence[Path],
        defines: Sequence[str] = (),
        optimise: Level = "2",
    ) -> None:
        """One C or C++ file to an object.

        Args:
            source: The file, *.c or *.cc.
            target: The object to be written.
            core: A board's core.
            include: Folders of headers.
            defines: `NAME` or `NAME=VALUE`.
            optimise: The compiler's level: for speed, or for size ("s").

        Raises:
            BuildError: With what the compiler said.
        """
        folders = [f"-I{_operand(folder)}" for folder in include]
        macros = [f"-D{define}" for define in defines]
        options = [*self.options(core, source.suffix), f"-O{optimise}", *folders, *macros]
        self._run([*options, "-c", _operand(source), "-o", _operand(target)], source.name)

    def link(self, objects: Sequence[Path], script: Path, elf: Path, *, core: str, library: Path | None = None) -> None:
        """Objects to an image.

        Args:
            objects: The objects.
            script: The linker script.
            elf: The ELF file to be written.
            core: A board's core.
            library: An archive of C++ objects, which GCC has made; None: nothing but the objects.

        Raises:
            BuildError: With what the linker said.
        """
        arguments = [*self.options(core), "-T", _operand(script), *map(_operand, objects), *_LINK[self.kind]]
        if library is not None:
            arguments += ["-Wl,--start-group", _operand(library), *_HOSTED, "-Wl,--end-group"]
        else:
            # What a core has no instruction for, such as division on an Armv6-M. Clang's other cores lack nothing, and
            # its library takes a while to be built once.
            soft = CORES[core].float_abi == "soft"
            arguments += ["-lgcc"] if self.kind == "gcc" else ["-rtlib=compiler-rt"] if soft else []
        self._run([*arguments, "-o", _operand(elf)], elf.name)

    def _run(self, arguments: Sequence[str], what: str) -> None:
        _LOG.debug("runs %s", shlex.join([*self.command, *arguments]))
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{self.command[0]} does not end within {_TIMEOUT_S:g} s", where=what) from error
        except OSError as error:
            raise BuildError(f"{self.command[0]} cannot be started: {error.strerror}", where=what) from error
        if done.returncode:
            lacking = _NO_HEADER.search(done.stderr) or _NO_LIBRARY.search(done.stderr)
            advice = f"the compiler's C++ library is missing: {_DEBIAN}" if lacking else None
            raise BuildError(f"{self.command[0]} failed:\n{done.stderr.strip()}", where=what, advice=advice)


def _operand(path: Path) -> str:
    """A path as compilers take it: a name that begins with `-` is no option.

    Raises:
        BuildError: It holds a line end or another control character, which the assembler stumbles over.
    """
    text = str(path.absolute())
    if (shown := printable(text)) != text:
        advice = "name another folder, or set TMPDIR or TINYNAS_CACHE to one"
        raise BuildError("the path holds control characters, which compilers do not take", where=shown, advice=advice)
    return text


def _program(kind: Compiler) -> str | None:
    """What starts a compiler; None where it is not installed."""
    if kind == "gcc":
        return shutil.which(_GCC)
    return sys.executable if find_spec("ziglang") else None


@cache
def _described(kind: Compiler, command: tuple[str, ...]) -> Toolchain:
    """A compiler that answers with its version."""
    try:
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, errors="replace", check=True, timeout=_TIMEOUT_S
        )
        line = done.stdout.splitlines()[0].strip()
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        raise ToolchainMissing(
            f"the compiler does not say its version: {error}", where=command[0], advice="install it again"
        ) from error
    return Toolchain(kind, command, line if kind == "gcc" else f"zig {package_version('ziglang')}, {line}")
