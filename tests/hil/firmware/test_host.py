"""The firmware's protocol, built for this machine: exact replies, whatever arrives, and the client's understanding."""

from __future__ import annotations

import re
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy._models import BUILDERS
from tests.deploy.compiler._bundle import expected, int8_inputs
from tests.hil._device import crc_line, with_crc
from tests.hil.firmware._host import HostDut, build_host_dut
from tinynas.deploy import dequantize, read_graph
from tinynas.errors import ProtocolError, TargetFault
from tinynas.hil.dut import Dut, DutInfo, DutMemory

MODEL = BUILDERS["dense_relu"](np.random.default_rng(7))
COMMAND_CHARACTERS = 540
KNOWN_LINE = re.compile(
    r"m-(ready|warmup-done|infer-done|load-done|lap-us-\d+|\[Expecting \d+ bytes\]|buffer-[0-9a-f]{2}(-[0-9a-f]{2})*)"
    r"|m-(name-dut|profile|model|info|mem|in|out|crc|results)-\[[^\[\]]+\]|m-(warmup-start|infer-start)-\d+"
    r"|e-\[[^\[\]]+\]|x-fault [ -~]+|A command ends with %[ -~]*|  [a-z-]+|db load <bytes>[ -~]*"
)


@pytest.fixture(scope="module")
def dut(tmp_path_factory):
    return build_host_dut(MODEL, tmp_path_factory.mktemp("dut"), ['MODEL_HASH="ab12"'])


def load_command(data: bytes, chunk: int = 31) -> bytes:
    """The upload as public runners send it."""
    parts = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    return f"db load {len(data)}%".encode() + b"".join(b"db %b%%" % part.hex().encode() for part in parts)


ERRORS = [
    ("nonsense", "Unknown command: nonsense"),
    ("NAME", "Unknown command: NAME"),
    ("x[m-ready]\x01\xff", "Unknown command: x?m?ready???"),
    ("a" * 30, "Unknown command: " + "a" * 24),
    ("infer 0", "Inference iterations must be >0"),
    ("infer -1", "Inference iterations must be >0"),
    ("infer x", "Inference iterations must be >0"),
    ("infer 1x", "Inference iterations must be >0"),
    ("infer 1000000000", "Inference iterations must be >0"),
    ("infer 4294967297", "Inference iterations must be >0"),
    ("infer 1 -1", "Inference warmup must be >=0"),
    ("infer 1 x", "Inference warmup must be >=0"),
    ("db", "Command 'db' requires a subcommand"),
    ("db load", "Command 'db load' requires the # of bytes"),
    ("db load 0", "Command 'db load' must be >0 bytes"),
    ("db load x", "Command 'db load' must be >0 bytes"),
    ("db load -5", "Command 'db load' must be >0 bytes"),
    ("db 00", "Command 'db load' comes first"),
    ("results", "No inference yet"),
    ("x-out", "No inference yet"),
    ("a" * (COMMAND_CHARACTERS + 1), "Command too long"),
    ("name" + " " * 5000, "Command too long"),
]


@pytest.mark.parametrize(("command", "error"), ERRORS)
def test_errors_are_told(dut, command, error):
    said = with_crc(command, [f"e-[{error}]"])
    assert dut.say(command.encode("latin-1") + b"%") == [*said, "m-ready"]


@pytest.mark.parametrize(
    ("sent", "lines"),
    [
        (b"name%", ["m-name-dut-[tinynas]", "m-ready"]),
        (b"\r\n name \r\n%", ["m-name-dut-[tinynas]", "m-ready"]),
        (b"name" + b" " * (COMMAND_CHARACTERS - 4) + b"%", ["m-name-dut-[tinynas]", "m-ready"]),
        (b"profile%", ["m-profile-[tinynas firmware on nucleo_f446re]", "m-model-[tinynas]", "m-ready"]),
        (b"timestamp%", [*with_crc("timestamp", [f"m-lap-us-{2**40 + 500}"]), "m-ready"]),
        (b"%", ["m-ready"]),
        (b"  %\r\n%", ["m-ready", "m-ready"]),
        (b"db print%", ["m-ready"]),
        (b"name", []),
        (b"", []),
    ],
)
def test_replies_are_exact(dut, sent, lines):
    assert dut.say(sent) == lines


@pytest.mark.parametrize("command", ["timestamp", "timestamp 17", " timestamp", "results", "x-mem 3 and more"])
def test_a_reply_that_counts_ends_with_the_checksum_of_question_and_answer(dut, command):
    *lines, crc, ready = dut.say(b"\r\n" + command.encode() + b"%")
    assert (crc, ready) == (crc_line(command, lines), "m-ready")


def test_the_input_is_told_with_its_checksum_and_taken_from_a_probe(dut):
    data = bytes(dut.input_bytes)
    sent = load_command(data, dut.input_bytes) + b"x-in%%x-in %d %08x%%" % (len(data), crc32(data))
    held, placed = [line for line in dut.say(sent) if line.startswith("m-in")]
    assert held == placed
    assert re.fullmatch(rf"m-in-\[at=[0-9a-f]{{8}},bytes={len(data)},crc={crc32(data):08x}\]", held)
    *_, refused, _crc, _ready, unready, _crc, _ready = dut.say(b"x-in %d %08x%%infer 1 0%%" % (len(data), 1))
    assert refused == "e-[crc]"
    assert unready == f"e-[Loaded 0 bytes, the model takes {len(data)}]"
    assert "e-[crc]" in dut.say(b"x-in %d 00000000%%" % (len(data) + 1))


def test_an_upload_of_public_runners_ends_with_load_done(dut):
    data = np.random.default_rng(1).bytes(dut.input_bytes)
    chunks = -(-len(data) // 4)
    start, *lines = dut.say(load_command(data, 4) + b"db print%")
    assert start == f"m-[Expecting {len(data)} bytes]"
    assert lines[: chunks + 2] == ["m-ready"] * chunks + ["m-load-done", "m-ready"]
    printed = [line.removeprefix("m-buffer-").split("-") for line in lines[chunks + 2 : -1]]
    assert all(len(line) == 8 for line in printed[:-1])
    assert bytes(int(byte, 16) for line in printed for byte in line) == data


def test_an_inference_says_its_steps_in_order(dut):
    data = bytes(dut.input_bytes)
    lines = dut.say(load_command(data, dut.input_bytes) + b"infer 3 2%results%")[4:]
    results = lines[-3]
    assert re.fullmatch(r"m-results-\[(-?\d+\.\d{7}(e-\d+)?,?)+\]", results)
    laps = [f"m-lap-us-{2**40 + 500}", f"m-lap-us-{2**40 + 750}"]
    steps = ["m-warmup-start-2", "m-warmup-done", "m-infer-start-3", *laps, "m-infer-done", results]
    said = [*with_crc("infer 3 2", steps), "m-ready", *with_crc("results", [results]), "m-ready"]
    assert lines == said


def test_the_defaults_of_infer_are_those_of_the_reference(dut):
    lines = dut.say(load_command(bytes(dut.input_bytes)) + b"infer%")
    assert "m-warmup-start-10" in lines
    assert "m-infer-start-1" in lines


@pytest.mark.parametrize("loaded", [0, 1, -1])
def test_no_inference_without_the_whole_input(dut, loaded):
    size = loaded % dut.input_bytes
    sent = load_command(bytes(size)) if size else b""
    *_, error, _crc, ready = dut.say(sent + b"infer 1 0%")
    assert (error, ready) == (f"e-[Loaded {size} bytes, the model takes {dut.input_bytes}]", "m-ready")


def test_an_oversize_load_is_refused_and_forgets_the_old_one(dut):
    size = dut.input_bytes
    *_, refused, _, first, _ = dut.say(load_command(bytes(size)) + b"db load %d%%db 00%%" % (size + 1))
    assert refused == f"e-[Command 'db load' takes up to {size} bytes]"
    assert first == "e-[Command 'db load' comes first]"


# Whatever is sent


class Buffer:
    """What `db` commands do, by the protocol's description."""

    def __init__(self, size: int) -> None:
        self.size, self.expected, self.data = size, 0, b""

    def load(self, n: int) -> list[str]:
        self.expected, self.data = n, b""
        return [f"m-[Expecting {n} bytes]"]

    def chunk(self, text: str, crc: str | None) -> list[str]:
        bad = re.search(r"^(?:[0-9a-fA-F]{2})*?(?![0-9a-fA-F]{2})(..)", text)
        if not self.expected:
            return ["e-[Command 'db load' comes first]"]
        if len(text) % 2:
            return ["e-[Insufficent number of hex digits]"]
        if crc is not None and not re.fullmatch("[0-9a-fA-F]{8}", crc):
            return ["e-[crc]"]
        data = bytes.fromhex(text[: bad.start(1)] if bad else text)
        if bad:
            reply = [f"e-[Invalid hex digit '{bad[1]}']"]
            return reply if crc is not None else reply + self.keep(data)
        return ["e-[crc]"] if crc is not None and int(crc, 16) != crc32(data) else self.keep(data)

    def keep(self, data: bytes) -> list[str]:
        was_short = len(self.data) < self.expected
        self.data = (self.data + data)[: self.expected]
        return ["m-load-done"] if was_short and data and len(self.data) == self.expected else []


HEX = st.binary(min_size=1, max_size=40).map(bytes.hex)
DIGITS = st.one_of(HEX, HEX, HEX.map(str.upper), st.text("0123456789abcdefABCDEFgz:@`", min_size=1, max_size=20))
CHUNKS = st.tuples(DIGITS, st.sampled_from(["none", "none", "right", "wrong", "short"]))


def crc_of(text: str, kind: str) -> str | None:
    if kind == "none":
        return None
    data = bytes.fromhex(text) if re.fullmatch("([0-9a-fA-F]{2})*", text) else b""
    return {"right": f"{crc32(data):08x}", "wrong": f"{crc32(data) ^ 1:08X}", "short": "1234567"}[kind]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 100), CHUNKS, CHUNKS, CHUNKS), max_size=12))
def test_uploads_follow_the_protocol(dut, steps):
    buffer, sent, replies = Buffer(dut.input_bytes), "", []
    for step in steps:
        if isinstance(step, int):
            n = 1 + step % dut.input_bytes
            sent += f"db load {n}%"
            replies += [*buffer.load(n), "m-ready"]
        else:
            text, kind = step
            crc = crc_of(text, kind)
            sent += f"db {text}{'' if crc is None else ' crc ' + crc}%"
            replies += [*buffer.chunk(text, crc), "m-ready"]
    stored = buffer.data
    rows = ["-".join(f"{byte:02x}" for byte in stored[i : i + 8]) for i in range(0, len(stored), 8)]
    assert dut.say(sent.encode() + b"db print%") == [*replies, *(f"m-buffer-{row}" for row in rows), "m-ready"]


WORDS = [b"db", b"load", b"print", b"crc", b"infer", b"results", b"name", b"help", b"0", b"1", b"20", b"-3", b"00ff"]
WORDS += [
    b"x-out",
    b"x-mem",
    b"x-in",
    b"x-info",
    b"x-ops",
    b"x-crash",
    b"deadbeef",
    b"4294967296",
    b"m-ready",
    b"%",
    b"%",
]
#: No digits: nobody waits for millions of inferences.
NOISE = st.binary(max_size=60).map(lambda data: re.sub(rb"[0-9]", b"\xff", data))
LONG = st.integers(500, 1200).map(lambda n: b"f" * n)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(WORDS), NOISE, LONG), max_size=40), st.booleans())
def test_any_bytes_get_one_reply_a_command(dut, words, loaded):
    sent = (load_command(bytes(dut.input_bytes)) if loaded else b"") + b" ".join(words)
    lines = dut.say(sent)
    assert lines.count("m-ready") == sent.count(b"%")
    assert [line for line in lines if not KNOWN_LINE.fullmatch(line)] == []
    assert lines == [] or lines[-1] == "m-ready"


# The client


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dense_relu", "conv_1d_valid_strided", "softmax"])
def test_the_client_gets_the_bytes_of_tflm(name, tmp_path):
    rng = np.random.default_rng(3)
    model = BUILDERS[name](rng)
    inputs = int8_inputs(model, rng, 4)
    made: HostDut = build_host_dut(model, tmp_path)
    graph = read_graph(model)
    with made.link() as link:
        dut = Dut(link, timeout_s=5)
        assert dut.handshake() == "tinynas"
        for window, outputs in zip(inputs, expected(model, inputs), strict=True):
            dut.load(window.tobytes())
            timed = dut.infer(2, 1)
            assert (timed.count, timed.elapsed_us) == (2, 250)
            assert dut.outputs() == outputs.tobytes()
            real = dequantize(outputs, graph.tensors[graph.outputs[0]])
            np.testing.assert_allclose(timed.results, real, rtol=1e-6, atol=1e-12)


def test_the_client_understands_the_rest(dut):
    with dut.link() as link:
        client = Dut(link, timeout_s=5)
        client.handshake()
        assert client.profile() == ("tinynas firmware on nucleo_f446re", "tinynas")
        sizes = dut.input_bytes, dut.output_bytes
        assert client.info() == DutInfo("nucleo_f446re", 180_000_000, True, False, "aot", "ab12", "0123abcd", *sizes)
        memory = client.memory()
        assert memory == DutMemory(
            static_bytes=3000, arena_bytes=memory.arena_bytes, stack_bytes=412, stack_limit_bytes=4096, inferences=0
        )
        assert client.timestamp_us() < client.timestamp_us()
        with pytest.raises(ProtocolError, match="the model takes"):
            client.ops()
        client.load(bytes(dut.input_bytes))
        with pytest.raises(ProtocolError, match="without hooks"):
            client.ops()
        assert isinstance(client.provoke_fault(), TargetFault)


@pytest.mark.slow
def test_operators_are_counted_where_the_model_has_hooks(tmp_path):
    rng = np.random.default_rng(5)
    model = BUILDERS["branches"](rng)
    made = build_host_dut(model, tmp_path, ["MODEL_HOOKS"])
    with made.link() as link:
        client = Dut(link, timeout_s=5)
        client.handshake()
        client.load(bytes(made.input_bytes))
        first = client.ops()
        assert len(first) == int(re.search(r"MODEL_OPERATORS (\d+)", (tmp_path / "model.h").read_text())[1])
        assert all(cycles > 0 and cycles % 10 == 0 for cycles in first)
        assert client.ops() == first  # counted anew, not on top
