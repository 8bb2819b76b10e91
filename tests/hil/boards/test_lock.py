"""One user a board: in one process, in two, and after one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from tinynas.errors import BoardError, HostError
from tinynas.hil.boards import BoardLock, Health, lock, read_health, write_health

HOLDER = """
import sys, time
from tinynas.hil.boards import BoardLock
lock = BoardLock("066DFF")
assert lock.take()
print("taken", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_nobody_has_it_and_then_one_has():
    mine, other = BoardLock("066DFF"), BoardLock("066DFF")
    assert other.holder() is None
    with mine.held(0):
        assert not other.take()
        holder = other.holder()
        assert holder.pid == os.getpid()
        with pytest.raises(BoardError, match=f"in use by process {os.getpid()} ") as caught, other.held(0):
            pass
        assert caught.value.where == "066DFF"
        assert "--attached" in caught.value.advice
    assert other.take()
    other.release()


def test_who_has_it_may_take_it_again():
    mine = BoardLock("066DFF")
    with mine.held(0), mine.held(0):
        pass
    assert BoardLock("066DFF").take()


@pytest.mark.parametrize("other", ["066DFE", "/dev/ttyACM0", "/dev/tty_ACM0", "socket://desk:4000"])
def test_other_boards_are_free(other):
    with BoardLock("066DFF").held(0), BoardLock("/dev/tty-ACM0").held(0):
        assert BoardLock(other).take()


def test_a_second_thread_waits():
    mine, order = BoardLock("066DFF"), []

    def wait():
        with BoardLock("066DFF").held(10):
            order.append("second")

    with mine.held(0):
        thread = threading.Thread(target=wait)
        thread.start()
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_process_that_is_killed_leaves_the_board_free():
    child = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout.readline() == "taken\n"
        mine = BoardLock("066DFF")
        assert not mine.take()
        assert mine.holder().pid == child.pid
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        child.wait()
        assert mine.take(10)
        mine.release()


@pytest.mark.parametrize("content", [b"", b"\0", b"\0not json", b'\0{"pid": 1}', b"\0[]"])
def test_an_unreadable_signature_is_another_process(content, monkeypatch):
    mine, other = BoardLock("066DFF"), BoardLock("066DFF")
    with mine.held(0):
        lock.board_file("066DFF", ".lock").write_bytes(content)
        assert other.holder() is None
        with pytest.raises(BoardError, match="in use by another process"), other.held(0):
            pass


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path / "file"))
    with pytest.raises(HostError, match="cannot be made") as caught:
        BoardLock("066DFF")
    assert "TINYNAS_STATE" in caught.value.advice


class TestHealth:
    def test_nothing_is_known_at_first(self):
        assert read_health("066DFF") == Health()

    def test_what_is_kept_is_read(self):
        write_health("066DFF", Health(2, "silent", 1000.0))
        assert read_health("066DFF") == Health(2, "silent", 1000.0)
        assert read_health("066DFE") == Health()

    def test_a_board_in_order_leaves_no_file(self, state):
        write_health("066DFF", Health(1))
        write_health("066DFF", Health())
        assert list((state / "boards").iterdir()) == []

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"failures": "x"}', '{"reason": 3}', '{"checked_at": null}', '{"more": 1}']
    )
    def test_a_damaged_file_says_nothing(self, text):
        lock.board_file("066DFF", ".json").write_text(text)
        assert read_health("066DFF") == Health()

    def test_a_clock_that_was_set_back_makes_a_test_due(self, monkeypatch):
        monkeypatch.setattr("time.time", lambda: 500.0)
        assert Health(2, "silent", 400.0).age_s() == 100.0
        assert Health(2, "silent", 600.0).age_s() == float("inf")
