"""The protocol's client against a device that is correct, slow, silent, noisy or that faults."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hil._device import FAULT, Device, connected, crc_line, served
from tinynas.errors import BoardError, CrcError, LinkTimeout, ProtocolError, TargetFault
from tinynas.hil.dut import CHUNK_BYTES, Dut, DutInfo, DutMemory, fault_in


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def dut(device):
    with connected(device) as link:
        yield Dut(link, timeout_s=0.5, infer_timeout_s=0.5)


def every(nth, change):
    """A change of every n-th message, the first one first."""
    turn = count()
    return lambda message: change(message) if next(turn) % nth == 0 else message


def test_every_question_is_answered(dut):
    assert dut.name() == "tinynas"
    assert dut.profile() == ("tinynas 1", "tcn")
    assert dut.info() == DutInfo("fake", 180_000_000, True, False, "aot", "ab12", "cd34", 100, 100)
    assert dut.memory() == DutMemory(3000, 2000, stack_bytes=412, stack_limit_bytes=4096, inferences=0)
    assert dut.ops() == (100, 2000, 30)
    assert dut.timestamp_us() < dut.timestamp_us()


def test_an_energy_build_tells_no_times(dut, device):
    dut.load(bytes(100))
    with pytest.raises(ProtocolError, match="tells no times"):
        dut.infer_untimed(2, 1)
    device.distort = lambda reply: reply
    lines = device._infer
    device._infer = lambda words: [line for line in lines(words) if not line.startswith("m-lap")]
    assert dut.infer_untimed(2, 1) == (0.0,) * 100
    assert dut.memory().inferences == device.inferences


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2000])
def test_an_inference_runs_on_what_was_loaded(dut, device, size):
    data = np.random.default_rng(size).bytes(size)
    dut.load(data)
    assert device.loaded == data
    timed = dut.infer(4, 2)
    assert (timed.count, timed.elapsed_us, timed.latency_us) == (4, 1000, 250)
    assert len(timed.results) == size
    assert dut.outputs() == data[::-1]


def test_a_command_fits_the_buffer_of_the_reference(dut, device):
    dut.load(bytes(200))
    assert max(map(len, device.received)) <= 80


@pytest.mark.parametrize("banner", [False, True])
def test_the_handshake_puts_question_and_answer_in_step(device, banner):
    with connected(device, banner=banner) as link:
        dut = Dut(link, timeout_s=1)
        assert dut.handshake() == "tinynas"
        assert dut.info().board == "fake"


@pytest.mark.slow
@pytest.mark.parametrize(("again_s", "questions"), [(None, 2), (5.0, 1)])
def test_a_board_that_is_slow_to_start_is_asked_as_often_as_is_wanted(device, again_s, questions):
    def slow(command):
        if len(device.received) == 1:
            time.sleep(1.4)
        return command

    device.alter = slow
    with connected(device) as link:
        assert Dut(link, timeout_s=5).handshake(8, again_s) == "tinynas"
    assert device.received == ["name"] * questions


def test_the_handshake_outlives_a_deaf_start_and_noise(device):
    device.alter = lambda command: "x-deaf" if len(device.received) < 3 else command
    device.distort = lambda reply: b"\xff\xfe\r\n" if len(device.received) < 3 else reply
    with connected(device) as link:
        dut = Dut(link, timeout_s=1)
        assert dut.handshake(timeout_s=4) == "tinynas"
        assert dut.memory().stack_bytes == 412


def test_a_silent_board_is_given_up_at_the_deadline(device):
    device.distort = lambda _reply: b""
    with connected(device) as link:
        dut, start = Dut(link, timeout_s=0.2), time.monotonic()
        with pytest.raises(LinkTimeout, match="reset") as caught:
            dut.handshake(timeout_s=0.4)
        with pytest.raises(LinkTimeout, match=r"`x-info \d` is not answered within 0.2 s"):
            dut.info()
        assert time.monotonic() - start < 2
        assert caught.value.where == "fake"


def test_a_babbling_board_does_not_keep_the_host_waiting(device):
    device.distort = lambda _reply: b"tick\r\n" * 100_000
    with connected(device) as link, pytest.raises((LinkTimeout, ProtocolError)):
        Dut(link, timeout_s=0.5).info()


def test_a_line_without_end_is_refused(device):
    device.distort = lambda _reply: b"a" * 3_000_000
    with connected(device) as link, pytest.raises(ProtocolError, match="without end"):
        Dut(link, timeout_s=5).info()


def test_a_slow_reply_in_pieces_is_put_together(device):
    class Slow:
        """One byte a read."""

        def __init__(self, link):
            self.link, self.name, self.rest = link, link.name, b""

        def write(self, data):
            self.link.write(data)

        def read(self, deadline):
            self.rest = self.rest or self.link.read(deadline)
            first, self.rest = self.rest[:1], self.rest[1:]
            return first

        def close(self):
            self.link.close()

    with connected(device) as link:
        assert Dut(Slow(link), timeout_s=2).info().image == "cd34"


def test_a_damaged_chunk_is_sent_again(dut, device):
    flipped = every(3, lambda command: command.replace("0", "1", 1) if "crc" in command else command)
    device.alter = flipped
    data = bytes(300)
    dut.load(data)
    assert device.loaded == data
    assert len(device.received) > 1 + -(-300 // CHUNK_BYTES)
    assert sum(command.startswith("db load") for command in device.received) == 1


def test_an_upload_starts_again_where_a_reply_was_lost(dut, device):
    turn = count()
    device.distort = lambda reply: b"" if next(turn) == 3 else reply
    data = np.random.default_rng(0).bytes(200)
    dut.load(data)
    assert device.loaded == data
    assert sum(command.startswith("db load") for command in device.received) == 2


def test_an_upload_that_stays_damaged_is_given_up(dut, device):
    device.alter = lambda command: command.replace("7f", "7e", 1)
    with pytest.raises(ProtocolError, match="arrives damaged") as caught:
        dut.load(b"\x7f" * 10)
    assert "cable" in caught.value.advice


def test_a_length_that_was_damaged_is_noticed(dut, device):
    turn = count()
    device.alter = lambda command: "db load 900" if next(turn) == 0 else command
    dut.load(bytes(9))
    assert device.loaded == bytes(9)


def test_a_damaged_output_is_asked_for_again(dut, device):
    dut.load(b"\x0f" * 8)
    dut.infer(1)
    device.distort = every(9, lambda reply: reply.replace(b"0f", b"0e", 1))
    assert dut.outputs() == b"\x0f" * 8
    assert sum(command.startswith("x-out") for command in device.received) == 2
    device.distort = lambda reply: reply.replace(b"0f", b"0", 1)
    with pytest.raises(CrcError, match="`x-out` arrives damaged") as caught:
        dut.outputs()
    assert "cable" in caught.value.advice


def altered(device, change):
    """Have the device say something else, with the checksum of what it says: no damage, but a lie."""
    answer = device.answer
    device.answer = lambda command: [change(line) for line in answer(command)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("m-lap-us", "m-lop-us", "two laps"),
        ("m-lap-us-1099511627781", "m-lap-us-9999999999999", "ascending"),
        ("m-infer-start-1", "m-infer-start-2", "did not run 0 and 1"),
        ("m-warmup-start-0", "m-warmup-start-7", "did not run 0 and 1"),
        ("[0.", "[O.", "no numbers"),
        ("m-results", "m-result", "expected one line"),
        ("m-warmup-done", "e-[no input]", "refuses `infer 1 0`: no input"),
    ],
)
def test_a_whole_reply_that_cannot_be_is_refused_at_once(dut, device, old, new, message):
    dut.load(bytes(3))
    altered(device, lambda line: line.replace(old, new))
    with pytest.raises(ProtocolError, match=message):
        dut.infer(1)
    assert sum(command.startswith("infer") for command in device.received) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"m-lap-us-1", b"m-lap-us-"),
        (b"m-lap-us-1", b"m-lap-us-0"),
        (b"m-infer-start-2\r\n", b""),
        (b"m-results", b"m-result"),
        (b"m-infer-done", b"m-infer-d\xf6ne"),
        (b"\r\nm-crc-[", b"\r\nm-cr-["),
        (b"]\r\nm-ready", b"]\r\nm-ready\r\nm-ready"),
    ],
)
def test_a_damaged_timing_is_never_a_timing(dut, device, old, new):
    dut.load(bytes(3))
    turn = count()
    device.distort = lambda reply: reply.replace(old, new, 1) if next(turn) == 0 else reply
    assert dut.infer(2).elapsed_us == 500
    if b"m-ready" not in new:
        assert sum(command.startswith("infer") for command in device.received) == 2
    device.distort = lambda reply: reply.replace(b"m-lap-us-1", b"m-lap-us-0", 1)
    with pytest.raises(CrcError, match="`infer 2 0` arrives damaged"):
        dut.infer(2)


@pytest.mark.parametrize("damage", ["x-mem", "x-min", "x-out"])
def test_the_reply_to_another_question_is_none(dut, device, damage):
    turn = count()
    device.alter = lambda command: command.replace("x-mem", damage).replace(" 1", " 2") if next(turn) == 0 else command
    assert dut.memory().stack_bytes == 412
    assert len(device.received) == 3  # the question, what ends a command that was cut short, the question


def test_a_late_reply_is_not_taken_for_the_next_one(dut, device):
    dut.load(bytes(3))
    dut.infer(1)
    stale, device.model = dut.outputs(), lambda data: bytes([7, 7, 7])
    device.distort = lambda reply: reply if b"m-out" not in reply else b""
    held = []

    def swap(reply):  # each reply to x-out arrives one question late
        if b"m-out" in reply:
            held.append(reply)
            return held[-2] if len(held) > 1 else b""
        return reply

    device.distort = swap
    with pytest.raises((CrcError, LinkTimeout)):
        dut.outputs()
    device.distort = lambda reply: reply
    dut.infer(1)
    assert stale != dut.outputs() == bytes([7, 7, 7])


def test_an_upload_that_passed_every_chunk_is_compared_as_a_whole(dut, device):
    loads = []

    def add(words, load=device._db):
        if words[0] == "load":
            loads.append(words)
        lines = load(words)
        if len(loads) == 1 and lines == ["m-load-done"]:  # two chunks changed places, of which no reply tells
            device.loaded[:8] = device.loaded[8:16]
        return lines

    device._db = add
    data = np.random.default_rng(0).bytes(40)
    dut.load(data)
    assert (bytes(device.loaded), len(loads)) == (data, 2)


def test_a_board_that_was_reset_is_not_asked_for_its_stack(dut, device):
    dut.load(bytes(3))
    dut.infer(2, 1)
    assert dut.memory().inferences == 3
    device.inferences = 0
    with pytest.raises(BoardError, match="was reset: it knows of 0 inferences, 3"):
        dut.memory()


def test_an_input_goes_through_a_probe_where_there_is_one(device):
    memory, written = {}, []

    def write(address, data):
        written.append(address)
        memory[address] = data
        device.loaded = bytearray(data)

    with connected(device) as link:
        probed = Dut(link, timeout_s=1, write_memory=write)
        probed.load(bytes(range(100)))
        assert probed.infer(1).count == 1
    assert (written, memory[0x20000400]) == ([0x20000400], bytes(range(100)))
    assert not any(command.startswith("db") for command in device.received)


@pytest.mark.parametrize(
    ("ask", "old", "new"),
    [
        (Dut.info, "clock_hz=1", "clock_hz=x"),
        (Dut.info, "board=fake", "board="),
        (Dut.memory, "stack=", "stuck="),
        (Dut.memory, "stack=412", "stack=" + "9" * 21),
        (Dut.memory, "m-mem", "m-men"),
        (Dut.profile, "m-model", "m-"),
        (Dut.ops, "2000", "2k"),
    ],
)
def test_a_reply_that_lacks_something_is_no_reply(dut, device, ask, old, new):
    altered(device, lambda line: line.replace(old, new))
    with pytest.raises(ProtocolError) as caught:
        ask(dut)
    assert caught.value.where == "fake"


@pytest.mark.parametrize("babble", [b"\n", b"\r\n", b"\0", b"\0\n", b"m-ready\r\n", b"tick\r\n", b"\xff", b"x"])
def test_deadlines_hold_whatever_arrives(babble):
    def flood(side):
        with side:
            side.settimeout(0.05)
            with suppress(BrokenPipeError, ConnectionResetError):
                while True:
                    with suppress(TimeoutError):
                        side.sendall(babble * 4096)

    with served(flood, "flood") as link:
        dut, start = Dut(link, timeout_s=0.1, infer_timeout_s=0.1), time.monotonic()
        with pytest.raises((LinkTimeout, ProtocolError)):
            dut.handshake(timeout_s=0.3)
        assert time.monotonic() - start < 1.0
        for ask in (dut.info, dut.memory, lambda: dut.infer(1), lambda: dut.load(bytes(9)), dut.provoke_fault):
            start = time.monotonic()
            with pytest.raises((LinkTimeout, ProtocolError)):
                ask()
            assert time.monotonic() - start < 3.0  # a few times 0.1 s, on a machine that is busy


def test_a_fault_is_told_with_its_registers(dut):
    fault = dut.provoke_fault()
    assert isinstance(fault, TargetFault)
    assert "usage (undefined instruction): pc=0x08000124 lr=0x080001ff" in str(fault)


def test_a_fault_in_the_middle_of_a_line_is_heard(dut, device):
    dut.load(bytes(3))
    device.distort = lambda _reply: f"m-infer-start-1\r\nm-lap-{FAULT}\r\nm-ready\r\n".encode()
    with pytest.raises(TargetFault):
        dut.infer(1)


def test_a_fault_that_comes_late_is_heard(dut, device):
    device.distort = lambda reply: FAULT.encode() + b"\r\n" if device.received[-1] == "" else b""
    with pytest.raises(TargetFault):
        dut.load(bytes(3))


def test_a_crash_that_does_not_crash_is_an_error(dut, device):
    device.distort = lambda _reply: b"fine\r\nm-ready\r\n"
    with pytest.raises(ProtocolError, match="fine"):
        dut.provoke_fault()


def test_the_address_of_a_bus_error_is_told():
    line = "x-fault bus pc=08000000 lr=08000001 cfsr=00008200 hfar=00000000 bfar=2001fff0"
    fault = fault_in(line, "here", crc_line("", [line]))
    assert "bus error, at address 0x2001fff0" in fault.message
    assert fault.kind == "bus"
    assert fault.registers == {
        **{"pc": 0x08000000, "lr": 0x08000001, "cfsr": 0x8200, "hfar": 0, "bfar": 0x2001FFF0},
    }
    assert fault_in("m-lap-us-12", "here") is None
    damaged = fault_in(line.replace("cfsr=0000", "cfsr=0001"), "here", crc_line("", [line]))
    assert (damaged.kind, damaged.registers) == ("bus", {})
    assert "arrives damaged" in damaged.message


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=st.binary(max_size=200))
def test_whatever_comes_back_ends_in_a_known_error(reply):
    device = Device()
    device.distort = lambda _reply: reply
    with connected(device) as link, pytest.raises((ProtocolError, LinkTimeout, TargetFault)):
        Dut(link, timeout_s=0.02).memory()


def test_late_answers_of_a_slow_board_are_all_waited_for():
    class Slow(Device):
        def _name(self, words):
            time.sleep(
                0.7 if len(self.received) < 2 else 0.3
            )  # longer than a question waits, and than silence is taken for
            return super()._name(words)

    device = Slow()
    with connected(device, banner=True) as link:
        dut = Dut(link)
        assert dut.handshake(timeout_s=2.4) == "tinynas"
        assert len(device.received) > 1
        assert dut.timestamp_us() == device.clock


def test_noise_during_an_inference_leaves_question_and_answer_in_step(device):
    with connected(device) as link:
        dut = Dut(link)
        dut.load(bytes(100))
        assert dut.infer(3, interrupted=True).count == 3
        assert dut.name() == "tinynas"
    assert any(command.startswith("\n" * 100) for command in device.received)
