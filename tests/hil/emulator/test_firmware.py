"""The firmware on the virtual core: what it sends and when, whatever arrives; what it reports of a core that faults."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hil._boards import CORES
from tests.hil._images import small_model
from tests.hil._patching import inference, patched
from tests.hil.emulator._programs import emulated
from tinynas.board import load_board
from tinynas.deploy import compile_model
from tinynas.hil.image import Image, build_image, read_elf

pytestmark = emulated

#: Of Armv6-M, where every fault is a HardFault without a status.
BASELINE = ["nucleo_g071rb"]
UPLOAD = [b"db load 56%", *[b"db " + bytes(range(i, i + 28)).hex().encode() + b"%" for i in (0, 28)]]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder, model, built = tmp_path_factory.mktemp("images"), compile_model(small_model()), {}

    def image(name: str) -> Image:
        if name not in built:
            built[name] = build_image(load_board(name), model, folder / name)
        return built[name]

    return image


def conversation(image: Image, said: Sequence[bytes], elf: Path | None = None):
    """What the board answers to pieces that are said whenever it waits; and the machine."""
    from tinynas.hil.emulator.machine import Machine

    sent, waiting, linked = bytearray(), list(said), read_elf(elf or image.elf)
    machine = Machine(image.board, sent.append, lambda: waiting.pop(0) if waiting else b"")
    machine.program([(linked.address, linked.binary)])
    machine.run()
    return bytes(sent).decode("ascii"), machine


@pytest.mark.parametrize("name", CORES)
class TestSerial:
    @pytest.mark.slow
    def test_bytes_that_arrive_during_an_inference_are_not_lost(self, images, name):
        said, _ = conversation(images(name), [*UPLOAD, b"infer 50 0%name%x-mem%timestamp%name%"])
        answers = said[said.index("m-results") :]
        assert re.findall(r"m-(name|mem|lap)", answers) == ["name", "mem", "lap", "name"]
        assert answers.count("m-ready\r\n") == 5

    @pytest.mark.slow
    def test_noise_does_no_harm(self, images, name):
        noise = random.Random(5).randbytes(700)
        said, _ = conversation(images(name), [noise, noise * 2, b"%", b"name%"])
        assert "x-fault" not in said
        assert said.endswith("m-name-dut-[tinynas]\r\nm-ready\r\n")

    @pytest.mark.slow
    def test_time_is_the_clock(self, images, name):
        image = images(name)
        runs = [conversation(image, [*UPLOAD, b"infer %d 0%%" % count, b"timestamp%"]) for count in (1, 51)]
        cycles = runs[1][1].tally.cycles - runs[0][1].tally.cycles
        times = [int(re.findall(r"m-lap-us-(\d+)", said)[-1]) for said, _ in runs]
        assert times[1] - times[0] == pytest.approx(cycles / image.board.clock_hz * 1e6, rel=1e-3, abs=2)


class TestRepeatability:
    COMMANDS = (*UPLOAD, b"infer 3 1%", b"x-out%", b"timestamp%")

    @pytest.mark.slow
    @settings(max_examples=8, deadline=None)
    @given(st.data())
    def test_cycles_do_not_depend_on_how_the_hosts_bytes_are_chunked(self, images, data):
        image, pieces = images("nucleo_f446re"), []
        for command in self.COMMANDS:
            cuts = sorted(data.draw(st.sets(st.integers(1, len(command) - 1), max_size=6)))
            pieces += [command[a:b] for a, b in zip([0, *cuts], [*cuts, len(command)], strict=True)]
        (said, machine), (told, other) = conversation(image, self.COMMANDS), conversation(image, pieces)
        assert told == said
        assert (other.tally.cycles, other.tally.instructions) == (machine.tally.cycles, machine.tally.instructions)


def fault_of(image: Image, source: str, folder: Path) -> dict[str, str]:
    """What the firmware reports of a model that executes something else."""
    elf = patched(image.elf, inference(image.elf), source, folder / "patched.elf")
    said, _ = conversation(image, [*UPLOAD, b"infer 1 0%"], elf)
    (report,) = re.findall(r"^x-fault (\w+) (.*)\r\nm-crc-\[[0-9a-f]{8}\]\r\nm-ready\r\n\Z", said, re.MULTILINE)
    return {"kind": report[0], **dict(field.split("=") for field in report[1].split())}


class TestFaults:
    PRECISE = "00008200"

    @pytest.mark.slow
    @pytest.mark.parametrize("name", CORES)
    def test_one_on_purpose(self, images, name):
        image = images(name)
        said, _ = conversation(image, [b"x-crash%"])
        kind, status = ("HardFault", r"\r") if name in BASELINE else ("UsageFault", " cfsr=00010000 ")
        (pc,) = re.findall(rf"x-fault {kind} pc=([0-9a-f]{{8}}) lr=[0-9a-f]+ sp=[0-9a-f]+{status}", said)
        assert read_elf(image.elf).function_at(int(pc, 16)) == "machine_crash+0x0"

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("source", "kind", "cfsr", "bfar"),
        [
            ("ldr r0, =0x60000000\nldr r0, [r0]", "BusFault", PRECISE, "60000000"),
            ("ldr r0, =0x9FFFFFFC\nstr r0, [r0]", "BusFault", PRECISE, "9ffffffc"),
            ("ldr r0, =0x08000000\nstr r0, [r0]", "BusFault", PRECISE, "08000000"),
            ("movs r0, #0\nstr r0, [r0]", "BusFault", PRECISE, "00000000"),
            ("ldr r0, =0x20020000\nstrb r0, [r0]", "BusFault", PRECISE, "20020000"),
            ("udf #7", "UsageFault", "00010000", None),
            ("ldr r0, =0x30000001\nblx r0", "BusFault", "00000100", None),
            ("ldr r0, =0x08000200\nblx r0", "UsageFault", "00020000", None),
            ("cpsid i\nudf #7", "HardFault", "00010000", None),
        ],
        ids=["read", "write", "flash", "null", "past the RAM", "udf", "unmapped code", "no Thumb", "escalated"],
    )
    def test_of_a_model(self, images, tmp_path, source, kind, cfsr, bfar):
        image = images("nucleo_f446re")
        found = fault_of(image, source, tmp_path)
        assert (found["kind"], found["cfsr"]) == (kind, cfsr)
        assert bfar is None or found["bfar"] == bfar
        assert (found["hfar"] == "40000000") is (kind == "HardFault")
        if "blx" not in source:
            assert read_elf(image.elf).function_at(int(found["pc"], 16)).startswith(f"{inference(image.elf)}+")

    @pytest.mark.slow
    @pytest.mark.parametrize("name", CORES)
    def test_a_stack_that_overflows(self, images, name, tmp_path):
        image = images(name)
        found = fault_of(image, "1: push {r0-r7}\nb 1b", tmp_path)
        assert int(found["sp"], 16) < read_elf(image.elf).symbols["__stack_limit"]
        if name in BASELINE:
            assert found["kind"] == "HardFault"
        else:
            assert found["kind"] == "BusFault"
            assert int(found["cfsr"], 16) & 1 << 12, "nor was there room for the frame"
        assert (found["pc"], found["lr"]) == ("00000000", "00000000"), "so nobody knows where it happened"
