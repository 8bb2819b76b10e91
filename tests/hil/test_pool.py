"""Boards that share measurements: who gets which, what becomes of one that fails, and of the last one."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tests.hil._device import connected
from tests.hil._rigs import ImageDevice
from tinynas.board import load_board
from tinynas.errors import BoardError, BoardNotFound, ConfigError, FlashError, LinkTimeout, ParityError
from tinynas.hil import pool as module
from tinynas.hil.boards import Health, SerialRig, VirtualRig, read_health, write_health
from tinynas.hil.check import known_model
from tinynas.hil.pool import BoardPool

BOARD = load_board("nucleo_f446re")


class DeskRig(SerialRig):
    """An attached board, played by the device in Python.

    Attributes:
        failures: Errors that its next starts end in.
        starts: How many there were.
    """

    def __init__(self, key):
        super().__init__(f"/dev/{key}", 115_200, None, key)
        self.failures, self.starts = [], 0

    @contextmanager
    def running(self, image):
        with self.lock.held(0):
            self.starts += 1
            if self.failures:
                raise self.failures.pop(0)
            with connected(ImageDevice(image, known_model())) as link:
                yield link


@pytest.fixture
def desk(monkeypatch, tmp_path):
    """Two boards of a type. The pool finds what is in the list."""
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path))
    rigs = [DeskRig("A"), DeskRig("B")]

    def find(board, **options):
        if not rigs:
            raise BoardNotFound("no such board is attached")
        return list(rigs)

    monkeypatch.setattr(module, "rigs_for", find)
    monkeypatch.setattr(module, "_POLL_S", 0.01)
    monkeypatch.setattr(module, "_APPEARS_S", 0.1)
    # Against the host's clock the device's stands still; what the self-test asks is another test's.
    monkeypatch.setattr("tinynas.hil.check._clock", lambda dut, rig: module_check("clock"))
    return rigs


def module_check(name):
    from tinynas.hil.check import Check

    return Check(name, True, "")


def fail(pool, error):
    """A measurement that ends in an error; which board it was on."""
    keys = []

    def measure(rig):
        keys.append(rig.key)
        raise error

    with pytest.raises(type(error)), pool.take() as rig:
        measure(rig)
    return keys[0]


SILENT = LinkTimeout("no answer")


class TestSharing:
    def test_two_at_a_time_get_two_boards(self, desk):
        pool = BoardPool(BOARD)
        with pool.take() as one:
            found = []
            thread = threading.Thread(target=lambda: found.append(self.taken(pool)))
            thread.start()
            thread.join(10)
            assert {one.key, *found} == {"A", "B"}

    def taken(self, pool):
        with pool.take() as rig:
            return rig.key

    def test_a_third_waits_and_is_told_for_whom(self, desk, caplog):
        order = []

        def third():
            with BoardPool(BOARD).take():
                order.append("third")

        a, b = (DeskRig(key) for key in "AB")  # another process' locks on the same boards
        assert a.lock.take()
        assert b.lock.take()
        thread = threading.Thread(target=third)
        thread.start()
        end = time.monotonic() + 30
        while "waiting for nucleo_f446re: in use by process" not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.01)
        order.append("released")
        b.lock.release()
        thread.join(10)
        assert order == ["released", "third"]

    def test_waiting_has_an_end_with_names(self, desk, monkeypatch):
        monkeypatch.setattr(module, "_IN_USE_S", 0.05)
        a, b = (DeskRig(key) for key in "AB")
        with (
            a.lock.held(0),
            b.lock.held(0),
            pytest.raises(BoardError, match="all are in use for an hour: process"),
            BoardPool(BOARD).take(),
        ):
            pass

    def test_boards_are_free_again_after_errors_and_measurements(self, desk):
        pool = BoardPool(BOARD)
        fail(pool, SILENT)
        fail(pool, ParityError("another output"))
        with pool.take(), pool.take():
            pass

    def test_a_virtual_board_is_nobodys(self, desk):
        pool = BoardPool(BOARD, "virtual")
        with pool.take() as one, pool.take() as other:
            assert isinstance(one, VirtualRig)
            assert one is not other

    def test_a_single_port_is_a_pool_of_one(self, desk, monkeypatch):
        monkeypatch.setattr(module, "rig_for", lambda board, link, **options: desk[1])
        with BoardPool(BOARD, "/dev/B").take() as rig:
            assert rig is desk[1]

    def test_a_virtual_board_is_not_brought_back(self):
        with pytest.raises(ConfigError, match="not brought back"):
            BoardPool(BOARD, "virtual", recover="true").rigs()


class TestFailures:
    def test_the_other_board_is_taken_after_a_failure(self, desk):
        pool = BoardPool(BOARD)
        assert fail(pool, SILENT) == "A"
        with pool.take() as rig:
            assert rig.key == "B"
        assert read_health("A") == Health(1)

    def test_a_success_forgives(self, desk):
        desk.pop()
        pool = BoardPool(BOARD)
        fail(pool, SILENT)
        with pool.take():
            pass
        assert read_health("A") == Health()
        fail(pool, SILENT)
        assert desk[0].starts == 0  # one failure in a row is no reason to test it

    def test_a_network_that_is_wrong_is_not_the_boards_fault(self, desk):
        fail(BoardPool(BOARD), ParityError("another output"))
        assert read_health("A") == Health()

    def test_two_in_a_row_and_a_board_that_passes_goes_on(self, desk, caplog):
        desk.pop()
        pool = BoardPool(BOARD)
        assert [fail(pool, SILENT), fail(pool, SILENT)] == ["A", "A"]
        assert desk[0].starts == 1
        assert read_health("A") == Health()
        assert "board A passes its self-test again" in caplog.text

    def test_one_that_does_not_pass_is_set_aside_with_its_reason(self, desk, caplog):
        pool = BoardPool(BOARD)
        desk[0].failures = [FlashError("SWD ERROR")]
        write_health("A", Health(1))
        write_health("B", Health(1))
        assert fail(pool, SILENT) == "A"
        assert "its self-test fails: start: SWD ERROR" in read_health("A").reason
        assert "board A is set aside" in caplog.text
        for _ in range(3):
            with pool.take() as rig:
                assert rig.key == "B"

    def test_it_is_tested_again_later_while_others_are_in_use(self, desk, monkeypatch):
        clock = [1000.0]
        monkeypatch.setattr("time.time", lambda: clock[0])
        write_health("A", Health(2, "SWD ERROR", 1000.0))
        with DeskRig("B").lock.held(0):
            clock[0] += module._AGAIN_S
            with BoardPool(BOARD).take() as rig:
                assert rig.key == "A"
        assert desk[0].starts == 1
        assert read_health("A") == Health()

    def test_but_not_at_once(self, desk, monkeypatch):
        monkeypatch.setattr(module, "_IN_USE_S", 0.05)
        monkeypatch.setattr("time.time", lambda: 1000.0 + module._FRESH_S)
        write_health("A", Health(2, "SWD ERROR", 1000.0))
        with DeskRig("B").lock.held(0), pytest.raises(BoardError, match="in use"), BoardPool(BOARD).take():
            pass
        assert desk[0].starts == 0

    def test_the_last_one_ends_the_search(self, desk):
        pool = BoardPool(BOARD)
        for rig in desk:
            rig.failures = [FlashError("SWD ERROR")] * 9
            write_health(rig.key, Health(1))
        assert {fail(pool, SILENT), fail(pool, SILENT)} == {"A", "B"}
        with (
            pytest.raises(BoardNotFound, match=r"no board is left: A: .*SWD ERROR; B: .*SWD ERROR") as caught,
            pool.take(),
        ):
            pass
        assert caught.value.disposition == "stop"

    def test_a_board_that_was_mended_serves_the_next_search_at_once(self, desk, monkeypatch):
        for rig in desk:
            write_health(rig.key, Health(2, "SWD ERROR", 1000.0))
        with BoardPool(BOARD).take() as rig:
            assert rig.starts == 1


@pytest.mark.parametrize("passes", [True, False])
def test_a_board_that_passes_the_self_test_by_hand_is_used_again(desk, monkeypatch, passes):
    from tinynas.hil import check

    write_health("A", Health(2, "SWD ERROR", 1000.0))
    monkeypatch.setattr(check, "rig_for", lambda board, link, **options: desk[0])
    monkeypatch.setattr(check, "_fault", lambda dut, image: module_check("fault"))
    desk[0].failures = [] if passes else [FlashError("SWD ERROR")]
    checks = check.check_board(BOARD, link="auto")
    assert all(one.passed for one in checks) == passes
    assert (read_health("A") == Health()) == passes


class TestUnplugged:
    def test_none_is_left(self, desk):
        desk.clear()
        with pytest.raises(BoardNotFound, match="no such board"), BoardPool(BOARD).take():
            pass

    def test_one_comes_back(self, desk, monkeypatch):
        away = [desk.pop(), desk.pop()]
        monkeypatch.setattr(module, "_APPEARS_S", 10.0)
        monkeypatch.setattr(module.time, "sleep", lambda seconds: desk.append(away[0]))
        with BoardPool(BOARD).take() as rig:
            assert rig is away[0]


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell's program")
class TestRecovery:
    def test_the_command_runs_before_the_test(self, desk, tmp_path):
        desk.pop()
        pool = BoardPool(BOARD, recover=f"touch {tmp_path}/cycled-{{probe}}")
        fail(pool, SILENT)
        assert not (tmp_path / "cycled-A").exists()
        fail(pool, SILENT)
        assert (tmp_path / "cycled-A").exists()
        assert read_health("A") == Health()

    @pytest.mark.parametrize(
        ("command", "said"), [("sh -c 'echo no such hub; exit 3'", "sh failed: no such hub"), ("nope", "not installed")]
    )
    def test_a_command_that_fails_is_the_reason(self, desk, command, said):
        desk.pop()
        pool = BoardPool(BOARD, recover=command)
        fail(pool, SILENT)
        fail(pool, SILENT)
        assert said in read_health("A").reason
        assert desk[0].starts == 0

    @pytest.mark.parametrize("command", ["", "cycle {hub}", "'open", "cycle {elf}"])
    def test_a_command_that_cannot_be_read_is_refused_by_the_configuration(self, command):
        from tinynas.config import HilOptions

        with pytest.raises(ConfigError) as caught:
            HilOptions(recover=command)
        assert caught.value.where == "hil.recover"


def test_a_pool_travels_to_a_worker():
    import pickle

    pool = BoardPool(BOARD, recover="true")
    assert pickle.loads(pickle.dumps(pool)) == pool
    assert dataclasses.replace(pool, link="virtual").link == "virtual"


def test_who_looks_on_sees_what_the_boards_are(desk):
    pool = BoardPool(BOARD)
    write_health("B", Health(2, "its self-test fails: clock", 1000.0))
    with pool.take() as rig:
        assert rig.key == "A"
        seen = {one.key: one for one in pool.look()}
    assert (seen["A"].state, seen["B"].state) == ("in use", "set aside")
    assert f"process {os.getpid()} (" in seen["A"].detail
    assert abs(seen["A"].since - time.time()) < 60
    assert (seen["B"].detail, seen["B"].since) == ("its self-test fails: clock", 1000.0)
    assert [one.state for one in pool.look()] == ["free", "set aside"]
    desk.clear()
    assert pool.look() == []
    assert BoardPool(BOARD, "virtual").look() == []
