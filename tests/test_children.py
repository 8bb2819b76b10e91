"""Children run what is installed, not what lies in the current folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinynas import children
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.hil.check import known_model
from tinynas.hil.dut import deadline_in
from tinynas.hil.emulator import VirtualBoard
from tinynas.hil.image import Toolchain, build_image

TRAP = "import pathlib; pathlib.Path('sprung').touch()\nraise SystemExit(9)\n"


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    """A current folder with files that are called like what children import."""
    for name in ("unicorn", "ziglang", "json", "runpy", "tinynas", "numpy", "platformdirs", "calendar"):
        (tmp_path / f"{name}.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sprung"


def test_a_plain_child_would_run_what_lies_there(trapped):
    plain = os.environ | {"PYTHONSAFEPATH": ""}
    assert subprocess.run([sys.executable, "-m", "calendar"], check=False, env=plain).returncode == 9
    assert trapped.exists()


def test_a_module_is_the_installed_one(trapped):
    command = children.run_module("calendar", "2026", "11")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "November 2026" in done.stdout
    assert not trapped.exists()


def test_a_function_is_the_installed_one(trapped):
    done = subprocess.run(children.call_function("sysconfig", "_main"), capture_output=True, text=True, check=True)
    assert "Platform:" in done.stdout
    assert not trapped.exists()


@pytest.mark.emulator
def test_compilers_and_virtual_boards_are_the_installed_ones(trapped, tmp_path):
    board = load_board("nucleo_f446re")
    image = build_image(board, compile_model(known_model()), tmp_path / "image", toolchain=Toolchain.detect("zig"))
    with VirtualBoard(board, image.elf) as virtual:
        virtual.link.write(b"name%")
        assert virtual.link.read(deadline_in(30))
    assert not trapped.exists()
