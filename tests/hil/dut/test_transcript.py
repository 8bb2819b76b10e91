"""What is written down is what went over the line."""

from __future__ import annotations

import io
import re

import pytest

from tests.hil._device import Device, connected
from tinynas.errors import HostError
from tinynas.hil.boards import RecordedRig
from tinynas.hil.dut import Dut, RecordedLink


class Pieces:
    """A link that gives what it is told to, piece by piece."""

    name = "pieces"

    def __init__(self, *pieces):
        self.pieces, self.sent, self.closed = list(pieces), b"", False

    def write(self, data):
        self.sent += data

    def read(self, deadline):
        return self.pieces.pop(0) if self.pieces else b""

    def close(self):
        self.closed = True


def lines(file):
    found = [re.fullmatch(r" *(\d+\.\d{4}) (->|<-) (.*)", line).groups() for line in file.getvalue().splitlines()]
    assert [float(seconds) for seconds, _, _ in found] == sorted(float(seconds) for seconds, _, _ in found)
    return [(mark, text) for _, mark, text in found]


def test_commands_and_replies_are_lines():
    file = io.StringIO()
    link = RecordedLink(Pieces(b"m-name-dut-[x]\r\nm-re", b"ady\r\n", b"half"), file)
    link.write(b"na")
    link.write(b"me%")
    assert [link.read(0), link.read(0)] == [b"m-name-dut-[x]\r\nm-re", b"ady\r\n"]
    link.read(0)
    link.close()
    assert lines(file) == [("->", "name%"), ("<-", "m-name-dut-[x]"), ("<-", "m-ready"), ("<-", "half")]


def test_what_moves_a_terminal_or_has_no_end_is_spelled_out_and_cut():
    file, noise = io.StringIO(), bytes(range(256)) * 100
    link = RecordedLink(Pieces(b"\x1b[2J\xff\n", noise.replace(b"\n", b"")), file)
    link.read(0)
    link.read(0)
    link.close()
    assert lines(file)[0] == ("<-", r"\x1b[2J\xff")
    assert file.getvalue().isascii()
    assert all(character.isprintable() or character == "\n" for character in file.getvalue())
    whole = "".join(text for _, text in lines(file)[1:])
    assert whole.count(r"\x00") == 100


def test_a_conversation_passes_unchanged():
    file, device = io.StringIO(), Device()
    with connected(device) as link:
        dut = Dut(RecordedLink(link, file))
        dut.load(bytes(range(100)))
        assert dut.infer(3).count == 3
    said = lines(file)
    assert [text.rstrip("%") for mark, text in said if mark == "->"] == device.received
    assert ("<-", "m-load-done") in said


class TestRig:
    class Rig:
        source, instructions, write_memory = "serial", 7, None

        def running(self, image):
            from contextlib import nullcontext

            return nullcontext(Pieces(b"m-ready\r\n"))

    class Image:
        image_hash = "0badcafe"

        class board:  # noqa: N801
            name = "desk"

    def test_runs_are_appended(self, tmp_path):
        rig = RecordedRig(self.Rig(), tmp_path / "deep" / "serial.log")
        assert (rig.source, rig.instructions, rig.write_memory) == ("serial", 7, None)
        for _ in range(2):
            with rig.running(self.Image) as link:
                link.read(0)
        text = (tmp_path / "deep" / "serial.log").read_text()
        assert text.count("image 0badcafe on desk at pieces\n") == text.count("<- m-ready\n") == 2

    def test_what_was_said_before_a_failure_is_there(self, tmp_path):
        def fail(link):
            link.read(0)
            raise ValueError("later")

        recorded = RecordedRig(self.Rig(), tmp_path / "serial.log")
        with pytest.raises(ValueError, match="later"), recorded.running(self.Image) as link:
            fail(link)
        assert "<- m-ready" in (tmp_path / "serial.log").read_text()

    def test_a_place_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").touch()
        with (
            pytest.raises(HostError, match="transcript cannot be written"),
            RecordedRig(self.Rig(), tmp_path / "file" / "serial.log").running(self.Image),
        ):
            pass
