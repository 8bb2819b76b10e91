"""One contract for every link, and what is particular to each."""

from __future__ import annotations

import os
import pty
import socket
import threading
import time
import tty
from contextlib import contextmanager, suppress

import pytest

from tinynas.errors import BoardError, BoardNotFound, LinkTimeout
from tinynas.hil.dut import PipeLink, SerialLink, deadline_in


class Far:
    """The other end, as a file descriptor."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def send(self, data):
        os.write(self.descriptor, data)

    def receive(self, size):
        data = b""
        while len(data) < size:
            data += os.read(self.descriptor, size - len(data))
        return data

    def close(self):
        os.close(self.descriptor)


@contextmanager
def over_socket():
    here, there = socket.socketpair()
    descriptor = here.detach()
    yield PipeLink(descriptor, descriptor, name="link"), Far(there.detach())


@contextmanager
def over_pty():
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield PipeLink(master, master, name="link"), Far(slave)


@contextmanager
def over_serial():
    master, slave = pty.openpty()
    tty.setraw(slave)
    link = SerialLink(os.ttyname(slave), 115_200)
    os.close(slave)
    yield link, Far(master)


@pytest.fixture(params=[over_socket, over_pty, over_serial])
def ends(request):
    with request.param() as (link, far):
        yield link, far
        link.close()
        with suppress(OSError):
            far.close()


def test_bytes_go_both_ways_as_they_are(ends):
    link, far = ends
    everything = bytes(range(256))
    link.write(everything)
    assert far.receive(256) == everything
    far.send(everything)
    received = b""
    while len(received) < 256:
        received += link.read(deadline_in(2))
    assert received == everything


def test_a_read_waits_no_longer_than_its_deadline(ends):
    link, _ = ends
    start = time.monotonic()
    assert link.read(deadline_in(0.1)) == b""
    assert 0.05 < time.monotonic() - start < 1
    assert link.read(deadline_in(-1)) == b""


def test_a_read_returns_as_soon_as_a_byte_is_there(ends):
    link, far = ends
    timer = threading.Timer(0.05, far.send, [b"x"])
    timer.start()
    start = time.monotonic()
    assert link.read(deadline_in(10)) == b"x"
    assert time.monotonic() - start < 5
    timer.join()


def test_an_end_that_is_gone_is_an_error(ends):
    link, far = ends
    far.close()
    with pytest.raises(BoardError) as caught:
        link.read(deadline_in(1))
    assert caught.value.where == link.name


def test_closing_twice_does_no_harm(ends):
    link, _ = ends
    link.close()
    link.close()
    with pytest.raises(BoardError):
        link.read(deadline_in(0.1))
    with pytest.raises(BoardError):
        link.write(b"x")


def test_much_is_written_while_it_is_read(ends):
    link, far = ends
    data = os.urandom(300_000)
    received = []
    thread = threading.Thread(target=lambda: received.append(far.receive(len(data))))
    thread.start()
    link.write(data)
    thread.join(10)
    assert received == [data]


def test_an_end_that_takes_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr("tinynas.hil.dut.link._WRITE_S", 0.1)
    with over_socket() as (link, far):
        with pytest.raises(LinkTimeout, match="takes no bytes"):
            link.write(bytes(10_000_000))
        link.close()
        far.close()


def test_a_port_that_is_not_there():
    with pytest.raises(BoardNotFound, match="no such port") as caught:
        SerialLink("/dev/does-not-exist", 115_200)
    assert "boards detect" in caught.value.advice


def test_a_port_that_another_program_holds():
    with over_serial() as (link, far):
        with pytest.raises(BoardError, match="in use"):
            SerialLink(link.name, 115_200)
        link.close()
        far.close()


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BoardError, match="cannot be opened"):
        SerialLink(str(tmp_path / "file"), 115_200)


def test_a_port_without_permission(monkeypatch):
    import serial

    def refuse(*_arguments, **_options):
        raise serial.SerialException(13, "could not open port /dev/ttyACM0: Permission denied")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(BoardError, match="may not be opened") as caught:
        SerialLink("/dev/ttyACM0", 115_200)
    assert "dialout" in caught.value.advice


def test_dtr_and_rts_are_low_before_the_port_is_open(monkeypatch):
    import serial

    seen = []
    monkeypatch.setattr(serial.Serial, "open", lambda port: seen.append((port.dtr, port.rts, port.exclusive)))
    SerialLink("/dev/ttyACM0", 115_200)
    assert seen == [(False, False, True)]


def test_a_port_of_another_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = SerialLink(f"socket://127.0.0.1:{server.getsockname()[1]}", 115_200)
        far, _ = server.accept()
        with far:
            link.write(b"name%")
            assert far.recv(5) == b"name%"
            far.sendall(b"m-ready\r\n")
            received = b""
            while len(received) < 9:
                received += link.read(deadline_in(5))
            assert received == b"m-ready\r\n"
        link.close()


@pytest.mark.parametrize("port", ["socket://127.0.0.1:1", "rfc2217://127.0.0.1:1"])
def test_a_machine_that_does_not_answer(port):
    with pytest.raises(BoardError, match="network port cannot be opened") as caught:
        SerialLink(port, 115_200)
    assert caught.value.where == port
