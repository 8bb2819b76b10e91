"""The Arduino library: its layout, what Arduino's own builder makes of it, and the example on a fake sensor."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests._tools import needs
from tinynas.deploy.export import arduino_library, library_name

HERE = Path(__file__).parent
SKETCH = """
#include <walker.h>
void setup() { Serial.begin(115200); walker_start(); }
void loop() {
  static const float a[3] = {0, 0, 9.81f}, w[3] = {0, 0, 0}, m[3] = {20, 0, -40};
  if (walker_push(a, w, m)) Serial.println(walker_position()[0]);
}
"""


@pytest.fixture(scope="module")
def library(contents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("libraries") / library_name(contents.name)
    for path, content in arduino_library(contents).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def test_the_layout_is_that_of_the_specification(library):
    properties = dict(line.split("=", 1) for line in (library / "library.properties").read_text().splitlines())
    needed = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
    assert set(needed) <= set(properties)
    assert properties["name"] == "Walker" == library.name
    assert properties["category"] == "Sensors"
    assert (library / "src" / properties["includes"]).is_file()
    # Nothing to be compiled lies where the builder would compile it unasked, or not find it.
    assert {path.parts[0] for path in (p.relative_to(library) for p in library.rglob("*.[ch]"))} == {"src"}
    assert [path.parent.name for path in library.rglob("*.ino")] == [path.stem for path in library.rglob("*.ino")]
    for line in (library / "keywords.txt").read_text().splitlines():
        word, kind = line.split("\t")
        assert word in (library / "src/walker.h").read_text()
        assert kind in ("KEYWORD2", "LITERAL1")
    assert library_name("a_2nd__one") == "A2ndOne"


@pytest.mark.slow
@needs("arduino-builder")
def test_arduinos_builder_compiles_it_without_a_warning(library, tmp_path):
    """For an 8-bit AVR, whose int has 16 bits and whose compiler is old: what builds there builds anywhere."""
    (tmp_path / "sketch").mkdir()
    (tmp_path / "sketch/sketch.ino").write_text(SKETCH)
    (tmp_path / "build").mkdir()
    folders = (
        "-hardware",
        "/usr/share/arduino-builder",
        "-hardware",
        "/usr/share/arduino/hardware",
        "-tools",
        "/usr/bin",
    )
    options = ("-fqbn", "arduino:avr:mega:cpu=atmega2560", "-warnings", "all", "-build-path", str(tmp_path / "build"))
    # Debian's core asks its own compiler for a macro that only newer ones have.
    options += ("-prefs=compiler.cpp.extra_flags=-DDECIMAL_DIG=9",)
    command = ["arduino-builder", "-compile", *folders, "-libraries", str(library.parent), *options]
    done = subprocess.run(
        [*command, str(tmp_path / "sketch/sketch.ino")], capture_output=True, text=True, timeout=300, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(rf"(?m)^{re.escape(str(library))}.*(warning|error)", said)
    assert (tmp_path / "build/sketch.ino.hex").stat().st_size > 10_000


@pytest.fixture(scope="module")
def example(library, tmp_path_factory):
    """The example sketch, compiled for this computer."""
    folder = tmp_path_factory.mktemp("example")
    for name in ("Arduino.h", "Arduino_LSM9DS1.h"):
        (folder / name).write_text((HERE / "fake_arduino.h").read_text())
    sketch = (library / "examples/Nano33BLE/Nano33BLE.ino").read_text()
    (folder / "main.cpp").write_text(f'#include "Arduino.h"\n{sketch}\nint main() {{ setup(); for (;;) loop(); }}\n')
    sources = [str(path) for path in library.glob("src/**/*.c")]
    objects = [str(folder / f"{Path(source).stem}.o") for source in sources]
    includes = [f"-I{library}/src", f"-I{folder}"]
    for source, made in zip(sources, objects, strict=True):
        subprocess.run(["gcc", "-std=gnu11", "-O2", *includes, "-c", source, "-o", made], check=True, timeout=120)
    options = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", *includes]
    subprocess.run(
        ["g++", *options, str(folder / "main.cpp"), *objects, "-o", str(folder / "run")], check=True, timeout=120
    )
    return folder / "run"


def read_as_the_sensor(samples, time_us):
    """Samples in the units and axes of an LSM9DS1: of accelerometer and gyroscope x points the other way."""
    force, rate, field = np.split(samples.astype(np.float64), 3, axis=1)
    rows = np.concatenate([force / 9.80665 * [-1, 1, 1], np.degrees(rate) * [-1, 1, 1], field], axis=1)
    return "\n".join(f"{t:.0f} " + " ".join(f"{v:.8f}" for v in row) for t, row in zip(time_us, rows, strict=True))


def run(example, readings):
    done = subprocess.run([str(example)], input=readings, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("time_s,vx_m_s,vy_m_s,x_m,y_m\n")
    return np.loadtxt(done.stdout.splitlines(), delimiter=",", skiprows=1)


@needs("gcc")
@needs("g++")
def test_the_example_walks_the_walk_in_the_sensors_units_and_axes(example, contents):
    # The clock starts near its wrap: micros() has 32 bits on the board, and 64 here.
    samples, path = contents.walk.samples, contents.walk.path
    found = run(example, read_as_the_sensor(samples, 10_000 * np.arange(len(samples)) + 5_000_000))
    assert abs(len(found) - len(path)) <= 1
    count = min(len(found), len(path))
    assert np.abs(found[:count, 3:] - path[:count, 3:]).max() < 0.03


@needs("gcc")
@needs("g++")
def test_another_rate_is_brought_to_the_networks(example, contents):
    samples, path = contents.walk.samples, contents.walk.path
    time_s = np.arange(0, len(samples) / 100 - 0.01, 1 / 119)
    seen = np.stack([np.interp(time_s, np.arange(len(samples)) / 100, column) for column in samples.T], axis=1)
    found = run(example, read_as_the_sensor(seen, 1e6 * time_s))
    assert abs(len(found) - len(path)) <= 1
    # Straight lines between readings leave out the fastest parts, so this is near and not equal.
    way = np.linalg.norm(np.diff(path[:, 3:], axis=0), axis=1).sum()
    assert np.linalg.norm(found[-1, 3:] - path[len(found) - 1, 3:]) < 0.1 * way


@needs("gcc")
@needs("g++")
def test_after_a_long_silence_a_new_path_begins(example, contents):
    samples = contents.walk.samples[:600]
    time_us = 10_000 * np.arange(len(samples)) + np.where(np.arange(len(samples)) < 300, 0, 3_000_000)
    found = run(example, read_as_the_sensor(samples, time_us))
    gap = int(np.argmax(np.diff(found[:, 0]))) + 1
    assert 3.5 < found[gap, 0] - found[gap - 1, 0] < 3.8  # the silence, and a window to be filled again
    assert np.abs(found[gap, 3:]).max() < 0.5 * max(1.0, np.abs(found[gap - 1, 3:]).max())
