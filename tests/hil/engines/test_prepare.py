"""Models on the interpreter: the same firmware around a library that stands in for TensorFlow Lite Micro."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tests.hil._images import small_model
from tests.hil.engines._stand_in import ARENA_BYTES, needs_cxx, stand_in
from tinynas.board import Reserves, load_board
from tinynas.deploy import Graph, Op, Quantization, Tensor, pack, read_graph
from tinynas.errors import (
    BuildError,
    ConfigError,
    FlashOverflow,
    ProtocolError,
    RamOverflow,
    TargetFault,
    UnsupportedOp,
)
from tinynas.hil.boards import rig_for, started
from tinynas.hil.check import known_model
from tinynas.hil.engines import prepared
from tinynas.hil.image import Toolchain, build_image
from tinynas.hil.measure import measure
from tinynas.hil.parity import random_window, reference_of

#: Of the core that the stand-in is compiled for, or of one that executes all that this one does.
BOARDS = (
    *("nucleo_f446re", "nucleo_f746zg"),
    *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("nucleo_l476rg", "arduino_nano_33_ble")),
)
F446 = load_board("nucleo_f446re")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return stand_in(tmp_path_factory.mktemp("tflm"), small_model())


def image_of(board, root, directory, model=None, **options):
    ready = prepared(model or small_model(), board, "tflm", tflm_root=root)
    return build_image(board, ready.sources, directory, runtime=ready.runtime, **options)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
@pytest.mark.parametrize("name", BOARDS)
def test_measured_on_every_board(name, root, tmp_path):
    board = load_board(name)
    if board.core == "cortex-m0plus":  # code for a Cortex-M4 does not run there
        library = "cortex_m_generic_cortex-m0plus_default_gcc"
        root = stand_in(tmp_path, small_model(), core=board.core, name=library)
    found = measure(board, small_model(), engine="tflm", tflm_root=root)
    assert (found.engine, found.board, found.parity, found.arena_bytes) == ("tflm", name, True, ARENA_BYTES)
    assert found.static_ram_bytes > ARENA_BYTES
    assert found.sram_bytes == found.static_ram_bytes + found.stack_bytes
    assert "TensorFlow Lite Micro, kernels reference, lib" in found.toolchain  # the stand-in has none of Arm's
    compiled = measure(board, small_model())
    assert found.instructions > compiled.instructions  # the stand-in computes the same, with copies around it
    assert found.macs == compiled.macs


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_an_input_serves_many_inferences(root, tmp_path):
    """The stand-in overwrites its input tensor, as the interpreter's plan may."""
    image, model = image_of(F446, root, tmp_path), small_model()
    windows = np.stack([random_window(model, np.random.default_rng(i)) for i in range(3)])
    reference = reference_of(model, windows)
    with started(rig_for(F446, "virtual"), image) as dut:
        for index, window in enumerate(windows):
            dut.load(window.tobytes())
            for count in (1, 4):
                results = dut.infer(count).results
                output = dut.outputs()
                reference.check(index, output, "test")
        scale, zero = _output_scale(model)
        assert results == pytest.approx(scale * (np.frombuffer(output, np.int8) - float(zero)), abs=1e-5)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_an_arena_that_leaves_no_room_for_a_second_input(root, tmp_path):
    """Its tensor is the only place: outputs are those of the input that was loaded, however often it runs."""
    free = image_of(F446, root, tmp_path / "wide").free_bytes
    tight = stand_in(tmp_path / "root", small_model(), arena_bytes=free - 8)
    image, model = image_of(F446, tight, tmp_path / "tight"), small_model()
    assert image.input_bytes > 8
    windows = np.stack([random_window(model, np.random.default_rng(i)) for i in range(2)])
    reference = reference_of(model, windows)
    with started(rig_for(F446, "virtual"), image) as dut:
        for index, window in enumerate(windows):
            dut.load(window.tobytes())
            for count in (1, 3):
                dut.infer(count, warmup=count)
                reference.check(index, dut.outputs(), "test")
        assert dut.memory().arena_bytes == free - 8


def _output_scale(model):
    graph = read_graph(model)
    quantization = graph.tensors[graph.outputs[0]].quantization
    return quantization.scale[0], quantization.zero_point[0]


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_cycles_of_each_operator(root, tmp_path):
    model = BUILDERS["add_series"](np.random.default_rng(0))
    root = stand_in(tmp_path / "root", model)
    image = image_of(F446, root, tmp_path / "image", model, hooks=True)
    with started(rig_for(F446, "virtual"), image) as dut:
        dut.load(random_window(model, np.random.default_rng(0)).tobytes())
        dut.ops()  # fills the caches
        cycles = dut.ops()
        assert len(cycles) == len(read_graph(model).ops) > 1
        assert all(cycles)
        assert dut.ops() == cycles


@needs_cxx
@pytest.mark.emulator
def test_memory_is_reported_as_it_is_linked(root, tmp_path):
    image = image_of(F446, root, tmp_path)
    assert image.arena_bytes is None
    with started(rig_for(F446, "virtual"), image) as dut:
        memory = dut.memory()
    assert memory.arena_bytes == ARENA_BYTES
    assert memory.static_bytes == image.static_ram_bytes + ARENA_BYTES
    assert image.static_ram_bytes + image.free_bytes + image.stack_limit_bytes == pytest.approx(F446.sram_bytes, abs=16)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_an_arena_for_which_there_is_no_room(tmp_path):
    root = stand_in(tmp_path, small_model(), arena_bytes=200_000)
    with pytest.raises(
        RamOverflow,
        match=r"more than the (\d+) bytes .*left: Failed to resize buffer. Requested: 200000, available \1, missing: ",
    ):
        measure(F446, small_model(), engine="tflm", tflm_root=root)


@needs_cxx
def test_tensors_alone_take_too_much(root, tmp_path):
    """Known before any flashing: the rig is never asked."""
    ready = prepared(small_model(), F446, "tflm", tflm_root=root)
    image = image_of(F446, root, tmp_path)
    ready.check_room(image)
    small = type(image)(**{**vars(image), "free_bytes": ready.arena_least_bytes - 1})
    with pytest.raises(RamOverflow, match=rf"{ready.arena_least_bytes} bytes of SRAM, {small.free_bytes} are left"):
        ready.check_room(small)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_the_interpreters_own_words(tmp_path):
    root = stand_in(tmp_path, small_model(), operators=["RESHAPE"])
    with pytest.raises(BuildError, match=r"says: Didn't find op for builtin opcode 22$") as error:
        measure(F446, small_model(), engine="tflm", tflm_root=root)
    assert not isinstance(error.value, RamOverflow)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_an_inference_that_fails(tmp_path):
    root = stand_in(tmp_path, small_model(), fault="STAND_IN_FAILS")
    with pytest.raises(ProtocolError, match=r"Node CONV_2D \(number 0\) failed to invoke with status 1$"):
        measure(F446, small_model(), engine="tflm", tflm_root=root)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("STAND_IN_ABORTS", r"took a UsageFault.*undefined instruction.*abort\+"),
        ("STAND_IN_HALTS", r"conv.cc:123 shape == 4 was not true \(7 of 9\).; the core took a UsageFault.*DebugLog\+"),
    ],
)
def test_a_check_of_the_library_that_fails(tmp_path, fault, said):
    root = stand_in(tmp_path, small_model(), fault=fault)
    with pytest.raises(TargetFault, match=said):
        measure(F446, small_model(), engine="tflm", tflm_root=root)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_a_library_without_messages(tmp_path):
    root = stand_in(tmp_path, small_model(), release=True)
    found = measure(F446, small_model(), engine="tflm", tflm_root=root)
    assert (found.parity, found.arena_bytes) == (True, ARENA_BYTES)
    assert "without messages" in found.toolchain


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_an_arena_without_room_and_without_messages(tmp_path):
    root = stand_in(tmp_path, small_model(), release=True, arena_bytes=200_000)
    with pytest.raises(RamOverflow, match="the interpreter does not start"):
        measure(F446, small_model(), engine="tflm", tflm_root=root)


@pytest.mark.slow
@needs_cxx
@pytest.mark.emulator
def test_another_models_library(tmp_path):
    """As of headers that are newer than the library: nothing that a smaller network would help."""
    root = stand_in(tmp_path, known_model())
    with pytest.raises(BuildError, match=r"Didn't find op|headers and library differ") as error:
        measure(F446, small_model(), engine="tflm", tflm_root=root)
    assert not isinstance(error.value, RamOverflow)
    root = stand_in(tmp_path / "same", BUILDERS["conv_valid"](np.random.default_rng(0)))
    with pytest.raises(BuildError, match="headers and library differ") as error:
        measure(F446, small_model(), engine="tflm", tflm_root=root)
    assert not isinstance(error.value, RamOverflow)


@needs_cxx
def test_a_model_that_is_larger_than_the_flash(root):
    flash = dataclasses.replace(F446.flash, size_bytes=512)
    tiny = dataclasses.replace(F446, flash=flash, reserves=Reserves(firmware_flash_bytes=0))
    with pytest.raises(FlashOverflow, match=rf"model alone takes {len(small_model())} bytes of flash, 512 are"):
        prepared(small_model(), tiny, "tflm", tflm_root=root)


@needs_cxx
def test_a_library_for_double_precision(tmp_path):
    board = load_board("nucleo_f746zg")
    gcc = Toolchain.detect("gcc")
    double = Toolchain("gcc", (*gcc.command, "-mfpu=fpv5-d16"), "GCC")
    root = stand_in(tmp_path / "root", small_model(), core=board.core, toolchain=_last(double))
    with pytest.raises(BuildError, match="double precision"):
        image_of(board, root, tmp_path / "image")


def _last(toolchain):
    """The command's own option counts, not the core's."""

    class Overridden(Toolchain):
        def options(self, core, suffix=".c"):
            return (*super().options(core, suffix), *self.command[1:])

    return Overridden(toolchain.kind, toolchain.command, toolchain.version)


@needs_cxx
@pytest.mark.parametrize("kind", ["zig"])
def test_clang_does_not_link_it(root, tmp_path, kind):
    with pytest.raises(BuildError, match="made by GCC"):
        image_of(F446, root, tmp_path, toolchain=Toolchain.detect(kind))


def test_no_library_is_named():
    with pytest.raises(ConfigError, match="is named"):
        prepared(small_model(), F446, "tflm")


def test_a_library_that_nobody_uses(tmp_path):
    with pytest.raises(ConfigError, match="use no library"):
        prepared(small_model(), F446, "aot", tflm_root=tmp_path)


def test_compiled_models_take_no_further_room():
    ready = prepared(small_model(), F446, "aot")
    assert ready.arena_least_bytes == 0
    assert ready.runtime.library is None
    with pytest.raises(UnsupportedOp):
        prepared(_unsupported(), F446, "aot")


def _unsupported() -> bytes:
    edge = Tensor((1, 4), "int8", quantization=Quantization((0.1,), (0,)))
    return pack(Graph((edge, edge), (Op("ABS", (0,), (1,)),), (0,), (1,)))


def test_sources_of_the_image_lie_where_they_should():
    firmware = Path(__file__).parents[3] / "firmware"
    assert (firmware / prepared(small_model(), F446, "aot").runtime.source).is_file()
