"""Capturing the standard error's descriptor: whatever happens, it is given back."""

import os
import threading

import pytest

from tinynas.deploy.native import captured_stderr


def identity():
    found = os.fstat(2)
    return found.st_dev, found.st_ino


def descriptors():
    return set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()  # noqa: PTH112, PTH208


def fail(error, lines):
    with captured_stderr() as captured:
        try:
            os.write(2, b"last words")
            raise error
        finally:
            lines.append(captured)


def test_lines_are_collected_and_the_descriptor_restored():
    before = identity()
    with captured_stderr() as lines:
        assert identity() != before
        os.write(2, b"first\nsecond \xff\n")
        assert lines == []
    assert lines == ["first", "second \ufffd"]
    assert identity() == before


def test_python_text_is_collected_too(capfd):
    import sys

    with captured_stderr() as lines:
        sys.__stderr__.write("from Python\n")
        sys.__stderr__.flush()
    assert lines == ["from Python"]
    assert capfd.readouterr().err == ""


def test_the_descriptor_is_restored_after_an_exception():
    before, opened = identity(), descriptors()
    for error in (ValueError, KeyboardInterrupt):
        lines = []
        with pytest.raises(error):
            fail(error, lines)
        assert lines == [["last words"]]
        assert identity() == before
    assert descriptors() == opened


def test_no_descriptor_is_lost_when_there_is_no_room_for_a_file(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    before, opened = identity(), descriptors()
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    monkeypatch.delattr("os.memfd_create", raising=False)  # files in memory need none
    with pytest.raises(OSError, match="No space"), captured_stderr():
        pass
    assert identity() == before
    assert descriptors() == opened


def test_captures_nest():
    before = identity()
    with captured_stderr() as outer:
        os.write(2, b"a\n")
        with captured_stderr() as inner:
            os.write(2, b"b\n")
        os.write(2, b"c\n")
    assert (outer, inner) == (["a", "c"], ["b"])
    assert identity() == before


def test_a_second_thread_waits():
    before = identity()
    entered = threading.Event()

    def work():
        with captured_stderr():
            entered.set()

    second = threading.Thread(target=work)
    with captured_stderr():
        second.start()
        assert not entered.wait(0.2)
    second.join(5)
    assert entered.is_set()
    assert identity() == before


def test_threads_take_turns():
    before = identity()
    results = {}
    barrier = threading.Barrier(6)

    def work(name):
        barrier.wait()
        for _ in range(20):
            with captured_stderr() as lines:
                os.write(2, f"{name}\n".encode())
            results.setdefault(name, []).extend(lines)

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {str(n): [str(n)] * 20 for n in range(6)}
    assert identity() == before
