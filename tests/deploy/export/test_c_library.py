"""The library in the hands of a C programmer: the README's own command, and the recorded walk."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests._tools import needs
from tinynas.deploy.export import c_library


@pytest.fixture(scope="module")
def library(contents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    for path, content in c_library(contents).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def build(folder, compiler="gcc", *, swap=(), name="replay"):
    """Run the command that the README tells, with stricter warnings; once for all tests."""
    if (folder / name).exists():
        return folder / name
    [command] = [line for line in (folder / "README.md").read_text().splitlines() if line.startswith("cc ")]
    for old, new in swap:
        assert old in command
        command = command.replace(old, new)
    words = command.removeprefix("cc ").removesuffix("replay").split()
    run = [compiler, "-Wall", "-Wextra", "-Werror", *words, name]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / name


def replay(program, folder, *arguments, samples=None):
    text = (folder / "walk/samples.csv").read_text() if samples is None else samples
    return subprocess.run(
        [str(program), *map(str, arguments)],
        input=text,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "compiler",
    [pytest.param("gcc", marks=needs("gcc")), pytest.param("clang", marks=[needs("clang"), pytest.mark.exhaustive])],
)
def test_the_readmes_command_builds_a_program_that_walks_the_recorded_walk(compiler, library):
    program = build(library, compiler, name="replay" if compiler == "gcc" else "replay-clang")
    compared = replay(program, library, "walk/path.csv")
    assert compared.returncode == 0, compared.stdout
    assert compared.stdout.startswith("2000 samples, 195 velocities")
    walked = np.loadtxt(replay(program, library).stdout.splitlines(), delimiter=",", skiprows=1)
    path = np.loadtxt(library / "walk/path.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(walked[:, 0], path[:, 0], atol=1e-4)
    assert np.abs(walked[:, 3:] - path[:, 3:]).max() < 0.02
    assert np.linalg.norm(np.diff(path[:, 3:], axis=0), axis=1).sum() > 5  # it did go somewhere


@needs("gcc")
def test_the_comparison_fails_where_the_path_is_another(library):
    program = build(library)
    lines = (library / "walk/path.csv").read_text().splitlines()
    moved = [lines[0]] + [",".join([*line.split(",")[:4], f"{float(line.split(',')[4]) + 0.1}"]) for line in lines[1:]]
    for name, text in (("moved", moved), ("short", lines[:-1]), ("long", [*lines, lines[-1]]), ("empty", lines[:1])):
        (library / f"{name}.csv").write_text("\n".join(text) + "\n")
        assert replay(program, library, f"{name}.csv").returncode == 1, name
    assert replay(program, library, "nowhere.csv").returncode == 2
    assert replay(program, library, "walk/path.csv", samples="").returncode == 1


@needs("gcc")
def test_gnu_c_with_fused_multiplications_gives_the_same_bits(library):
    """Arduino compiles with -std=gnu11 and no flag against contraction."""
    if "fma" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no fused multiplication")
    plain = build(library)
    gnu = build(library, name="gnu", swap=(("-std=c11", "-std=gnu11 -mfma"), ("-ffp-contract=off", "")))
    assert replay(plain, library).stdout == replay(gnu, library).stdout


@needs("g++")
def test_the_header_is_c_plus_plus_too(library, tmp_path):
    (tmp_path / "main.cpp").write_text(
        '#include "walker.h"\nint main() { walker_start(); return walker_velocity()[0] != 0; }\n'
    )
    command = ["g++", "-Wall", "-Werror", f"-I{library}/src", "-fsyntax-only", str(tmp_path / "main.cpp")]
    assert subprocess.run(command, check=False).returncode == 0


def test_the_library_says_what_is_in_it(library, contents):
    header = (library / "src/walker.h").read_text()
    for line in ('WALKER_VERSION "2.0.1"', "WALKER_RATE_HZ 100.0f", "WALKER_STRIDE_S 0.1f", "WALKER_WINDOW 60"):
        assert f"#define {line}" in header
    assert "#define WALKER_NORTH 1 " in header
    assert "Apache License" in (library / "LICENSE").read_text()
    text = "".join(path.read_text() for path in library.rglob("*") if path.suffix in (".md", ".h", ".c"))
    assert "@" not in text  # every place of the templates is filled
    level = dataclasses.replace(contents, settings=dataclasses.replace(contents.settings, north=False, rate_hz=119.5))
    header = level.fill("library.h")
    assert "#define WALKER_NORTH 0 " in header
    assert "#define WALKER_RATE_HZ 119.5f" in header
