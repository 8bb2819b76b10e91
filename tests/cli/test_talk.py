"""Standard input to a board: when all has been said."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from tinynas.cli import talk as module
from tinynas.cli.talk import talk
from tinynas.errors import BoardError


class Slow:
    """A board that is silent for some looks before each of its replies.

    Args:
        replies: What it says, one piece a reply.
        silences: Looks before each.
    """

    name = "slow"

    def __init__(self, *replies: bytes, silences: int = 5) -> None:
        self.pieces = [piece for reply in replies for piece in (*[b""] * silences, reply)]
        self.sent = b""

    def write(self, data):
        self.sent += data

    def read(self, deadline):
        return self.pieces.pop(0) if self.pieces else b""


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Each look at the clock is a second."""
    seconds = iter(range(1_000_000))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(seconds)))


def said(monkeypatch, capsysbinary, typed: bytes, link, **options) -> bytes:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(typed)))
    talk(link, lambda line: line.strip(), **options)
    return capsysbinary.readouterr().out


READY = b"m-ready\r\n"


def test_a_slow_board_is_waited_for_until_each_command_has_its_reply(monkeypatch, capsysbinary):
    link = Slow(b"m-init-done\r\n" + READY, b"m-name-dut-[x]\r\n" + READY, b"m-re", b"ady\r\n")
    out = said(monkeypatch, capsysbinary, b"name%\nx-info%\n", link, owed=1)
    assert out.count(READY) == 3
    assert link.sent == b"name%x-info%"


def test_a_board_that_owes_nothing_is_not_waited_for(monkeypatch, capsysbinary):
    link = Slow(READY, b"more")
    assert said(monkeypatch, capsysbinary, b"hello\n", link, owed=None) in (b"", READY, READY + b"more")
    assert said(monkeypatch, capsysbinary, b"name%\n", Slow(READY, b"more", silences=3)) in (READY, READY + b"more")


def test_a_board_that_is_dead_is_given_up(monkeypatch, capsysbinary):
    assert said(monkeypatch, capsysbinary, b"name%\n", Slow()) == b""


def test_a_fault_is_the_last_word(monkeypatch, capsysbinary):
    link = Slow(READY, b"x-fault usage pc=08000124\r\n", silences=0)
    monkeypatch.setattr(module, "_PATIENCE_S", 1e9)  # else this would not end
    assert b"x-fault" in said(monkeypatch, capsysbinary, b"x-crash%\n", link, owed=1)


def test_a_link_that_breaks_is_an_error(monkeypatch, capsysbinary):
    class Gone(Slow):
        def write(self, data):
            raise BoardError("gone")

    with pytest.raises(BoardError, match="gone"):
        said(monkeypatch, capsysbinary, b"name%\n", Gone())
