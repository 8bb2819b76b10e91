"""The sketch for the INA228, compiled for this machine, with a chip and a trigger pin that are played."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests._tools import needs
from tinynas.errors import BoardError
from tinynas.hil.dut import PipeLink, deadline_in
from tinynas.hil.power import Ina228Harness
from tinynas.hil.power.harness import checksum

pytestmark = needs("g++")

SKETCH = Path(__file__).parents[3] / "harness" / "ina228" / "ina228.ino"
PLAYED = Path(__file__).with_name("arduino")
EDGE, HALF_AN_HOUR = b"\x01", b"\x02"
STRICT = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The Arduino IDE declares functions by itself; the sketch needs none of that."""
    folder = tmp_path_factory.mktemp("sketch")
    (folder / "sketch.h").write_text('#include "Arduino.h"\n' + SKETCH.read_text())
    target = folder / "harness"
    command = ["g++", *STRICT, f"-I{PLAYED}", f"-I{folder}", str(PLAYED / "play.cpp"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@contextmanager
def running(program, fails=None):
    environment = {**os.environ, **({"INA228_FAILS": fails} if fails else {})}
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        link = PipeLink(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()), name="sketch")
        process.stdin.close()
        try:
            yield link
        finally:
            link.close()
            assert process.wait(10) == 0


def say(link, command):
    """The answer to a command, its checksum proved."""
    link.write(command)
    heard = b""
    while not heard.endswith(b"\n"):
        data = link.read(deadline_in(10))
        assert data
        heard += data
    text, _, digits = heard.decode().strip().rpartition("*")
    assert digits == checksum(text)
    return text


def test_what_flows_between_two_edges(program):
    with running(program) as link:
        meter = Ina228Harness(link)
        assert meter.setup.fine
        assert meter.setup.current_lsb_a == pytest.approx(2.5 / 2**19, rel=1e-4)
        assert meter.resolution_s == pytest.approx(1.08e-3)
        for _ in range(2):
            meter.start()
            link.write(EDGE + EDGE)
            first, second = meter.stop()
            assert second.time_s - first.time_s == pytest.approx(5.00004)
            assert second.energy_j - first.energy_j == pytest.approx(0.33 * 5, rel=1e-3)
        meter.close()


def test_its_clock_does_not_wrap(program):
    with running(program) as link:
        meter = Ina228Harness(link)
        meter.start()
        link.write(EDGE + 5 * HALF_AN_HOUR + EDGE)
        first, second = meter.stop()
        assert second.time_s - first.time_s == pytest.approx(5 + 5 * 1800, rel=1e-6)
        meter.close()


def test_edges_outside_of_a_recording_do_not_count(program):
    with running(program) as link:
        meter = Ina228Harness(link)
        link.write(EDGE)
        meter.start()
        assert meter.stop() == ()
        link.write(EDGE)
        meter.start()
        link.write(EDGE)
        assert len(meter.stop()) == 1
        meter.close()


def test_lines_are_those_of_the_documentation(program):
    with running(program) as link:
        assert say(link, b"id\r\n") == "ina228 1 shunt_uohm=15000 cal=3750 range=1 period_us=1080"
        assert say(link, b"start\n") == "started"
        assert re.fullmatch(r"mark 0 \d+ [0-9A-F]{10} [0-9A-F]{10}", say(link, EDGE))
        assert say(link, b"stop\n") == "stopped 1 0001"


@pytest.mark.parametrize("sent", [b"ID\n", b"start now\n", b"x" * 500 + b"\n", b"\xff\n"])
def test_other_commands_are_errors(program, sent):
    with running(program) as link:
        assert say(link, b"\n\r\n" + sent) == "error commands are id, start and stop"
        assert say(link, b"start\n") == "started"


def test_a_chip_that_does_not_answer(program):
    with running(program, "1") as link:
        for command in (b"id\n", b"start\n", b"stop\n"):
            assert say(link, command) == "error the INA228 does not answer"
    with running(program, "later") as link:
        meter = Ina228Harness(link)
        meter.start()
        with pytest.raises(BoardError, match="the harness reports: the INA228 does not answer"):
            meter.stop()
        meter.close()
