"""Compilers are found, described and made to produce code for the core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests._tools import COMPILERS
from tinynas.errors import BuildError, ToolchainMissing
from tinynas.hil.image import Toolchain
from tinynas.hil.image import toolchain as module

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
FLOATS = "float product(float a, float b) { return a * b; }\n"
CORES = ("cortex-m4f", "cortex-m7f")


@pytest.fixture
def no_packages(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)


@pytest.fixture
def program(tmp_path):
    def write(text, name="arm-none-eabi-gcc"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return write


@UNIX
def test_gcc_comes_before_clang(program, monkeypatch, tmp_path):
    path = program("echo arm-none-eabi-gcc 13.2\necho more")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = Toolchain.detect()
    assert (found.kind, found.command, found.version) == ("gcc", (str(path),), "arm-none-eabi-gcc 13.2")


def test_without_gcc_clang_is_taken(monkeypatch):
    pytest.importorskip("ziglang")
    monkeypatch.setenv("PATH", "")
    found = Toolchain.detect()
    assert (found.kind, found.command[0]) == ("zig", sys.executable)
    assert found.version.startswith("zig ")
    assert "clang" in found.version


@pytest.mark.parametrize(
    ("kind", "where", "advice"),
    [
        (None, "arm-none-eabi-gcc, ziglang", r"pip install 'tinynas\[hil\]'.*apt-get install"),
        ("gcc", "gcc", r"apt-get install .*libstdc\+\+-arm-none-eabi-newlib"),
        ("zig", "ziglang", r"pip install 'tinynas\[hil\]'"),
    ],
)
def test_without_any_the_advice_is_how_to_get_one(monkeypatch, no_packages, kind, where, advice):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainMissing, match=advice) as caught:
        Toolchain.detect(kind)
    assert where in caught.value.where


@UNIX
def test_a_compiler_that_does_not_run(program, monkeypatch, tmp_path):
    program("exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainMissing, match="does not say its version"):
        Toolchain.detect("gcc")


@pytest.mark.parametrize("kind", COMPILERS)
@pytest.mark.parametrize("core", CORES)
def test_floats_are_multiplied_by_the_fpu_and_passed_in_its_registers(kind, core, tmp_path):
    source, target = tmp_path / "floats.c", tmp_path / "floats.o"
    source.write_text(FLOATS)
    Toolchain.detect(kind).compile(source, target, core=core, include=[])
    with target.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".text.product")
        code = section.data()
    assert code.startswith(bytes.fromhex("20ee200a7047"))  # vmul.f32 s0, s0, s1; bx lr


@pytest.mark.parametrize("kind", COMPILERS)
def test_what_the_compiler_says_is_passed_on(kind, tmp_path):
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return nothing; }\n")
    with pytest.raises(BuildError, match="undeclared") as caught:
        Toolchain.detect(kind).compile(source, tmp_path / "wrong.o", core="cortex-m4f", include=[])
    assert caught.value.where == "wrong.c"


@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_a_core_without_firmware(kind):
    with pytest.raises(BuildError, match=r"images are built for .*cortex-m4f, .* only"):
        Toolchain(kind, ("cc",), "").options("cortex-m55f")


def test_a_compiler_that_was_removed(tmp_path):
    gone = Toolchain("gcc", (str(tmp_path / "gone"),), "")
    with pytest.raises(BuildError, match="cannot be started"):
        gone.compile(tmp_path / "a.c", tmp_path / "a.o", core="cortex-m4f", include=[])


@UNIX
def test_a_compiler_that_hangs(program, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    hanging = Toolchain("gcc", (str(program(f"echo $$ > {tmp_path}/pid; exec sleep 60")),), "")
    with pytest.raises(BuildError, match=r"does not end within 0\.2 s"):
        hanging.compile(tmp_path / "a.c", tmp_path / "a.o", core="cortex-m4f", include=[])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "said",
    ["model.cc:4:10: fatal error: cstddef: No such file or directory", "ld: cannot find -lstdc++: No such file"],
)
def test_a_compiler_without_its_library(monkeypatch, tmp_path, said):
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(module.subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(BuildError, match="cc failed") as caught:
        Toolchain("gcc", ("cc",), "cc 1").compile(tmp_path / "a.cc", tmp_path / "a.o", core="cortex-m4f", include=[])
    assert "libstdc++-arm-none-eabi-newlib" in str(caught.value.advice)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_folder_whose_name_begins_with_a_dash_is_no_option(compiler, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("-o")
    folder.mkdir()
    (folder / "-x.c").write_text(FLOATS)
    chosen = Toolchain.detect(compiler)
    chosen.compile(folder / "-x.c", folder / "-x.o", core="cortex-m4f", include=[folder])
    assert (tmp_path / "-o" / "-x.o").stat().st_size > 100


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_folder_with_a_line_end_in_its_name_is_refused_by_name(compiler, tmp_path):
    folder = tmp_path / "my\nmodels"
    folder.mkdir()
    (folder / "x.c").write_text(FLOATS)
    with pytest.raises(BuildError, match="holds control characters") as caught:
        Toolchain.detect(compiler).compile(folder / "x.c", folder / "x.o", core="cortex-m4f", include=[])
    assert caught.value.where == rf"{tmp_path}/my\x0amodels/x.c"
