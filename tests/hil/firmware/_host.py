"""The firmware's protocol and engine with a compiled model, built for this machine with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.compiler._bundle import SANITISED
from tinynas.board import load_board
from tinynas.deploy.compiler import CompiledModel, compile_model
from tinynas.hil.dut import PipeLink
from tinynas.hil.image import board_header, firmware_sources

__all__ = ["FIRMWARE", "FUZZED", "HostDut", "build_fuzzer", "build_host_dut", "compiler_or_skip"]

FIRMWARE = Path(__file__).parents[3] / "firmware"
BOARD = load_board("nucleo_f446re")
BANNER = ["m-timestamp-mode-performance", f"m-lap-us-{2**40 + 250}", "m-init-done", "m-ready"]
#: What `host.c` plays the part of, and what only runs on the core; the C library is the host's.
_PLAYED = ("cycles", "fault", "memory", "serial", "startup", "string", "systick", "trigger")
#: With a fuzzer around it, which clang has.
FUZZED = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
_STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Werror")


def compiler_or_skip() -> str:
    """The host's gcc; skips the test where it, or its sanitizers, are not there."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("no gcc on the PATH")
    probe = subprocess.run(
        [gcc, *SANITISED, "-xc", "-", "-o", "/dev/null"], input=b"int main(void) {}", capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"gcc does not link {' '.join(SANITISED)}")
    return gcc


@dataclass(frozen=True)
class HostDut:
    """A process that answers the protocol.

    Attributes:
        program: The executable.
        input_bytes: Of the model.
        output_bytes: Of the model.
        banner: What it says at first.
    """

    program: Path
    input_bytes: int
    output_bytes: int
    banner: Sequence[str] = tuple(BANNER)

    def say(self, sent: bytes) -> list[str]:
        """Lines of the replies to what is sent in one go, without the banner; no sanitizer may complain."""
        done = subprocess.run([self.program], input=sent, capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr.decode(errors="replace")) == (0, "")
        *lines, rest = done.stdout.decode("ascii").split("\r\n")
        assert rest == ""
        assert lines[: len(self.banner)] == list(self.banner)
        return lines[len(self.banner) :]

    @contextmanager
    def link(self) -> Iterator[PipeLink]:
        """A link to a fresh process."""
        with subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            link = PipeLink(process.stdout.fileno(), process.stdin.fileno(), name="host")
            try:
                yield link
            finally:
                link.close()
                process.stdin, process.stdout = None, None
                assert process.wait(10) == 0


def build_host_dut(model: bytes, directory: Path, defines: Sequence[str] = ()) -> HostDut:
    """Build the firmware without its drivers."""
    compiled = compile_model(model)
    flags = [compiler_or_skip(), *SANITISED, *(f"-D{define}" for define in defines)]
    program = _build(compiled, directory, flags, "host.c")
    return HostDut(program, compiled.input_bytes, compiled.output_bytes)


def build_fuzzer(model: bytes, directory: Path) -> Path:
    """Build the same around libFuzzer, by clang."""
    return _build(compile_model(model), directory, ["clang", "-O1", "-g", *FUZZED], "fuzz.c", without=("main.c",))


def _build(
    compiled: CompiledModel, directory: Path, compiler: Sequence[str], machine: str, without: Sequence[str] = ()
) -> Path:
    sources = compiled.write(directory)
    (directory / "board.h").write_text(board_header(BOARD))
    left_out = ("families/", *(f"core/{name}.c" for name in _PLAYED), *without)
    portable = [name for name in firmware_sources(BOARD) if not name.startswith(left_out)]
    sources += [FIRMWARE / name for name in [*portable, "engine_aot.c"]] + [Path(__file__).with_name(machine)]
    program = directory / "dut"
    flags = [*_STRICT, "-DFIRMWARE_DATA=", f"-I{FIRMWARE}", f"-I{directory}"]
    command = [*compiler, *flags, *map(str, sources), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program
