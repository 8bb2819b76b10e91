"""The resource model of compiled models: exact where it says so, near where it is fitted."""

import pytest
from hypothesis import given, settings

from tests._boards import EVERY_BOARD
from tests._tools import COMPILERS
from tests.deploy.candidates import architectures, candidates, converted, filled
from tinynas.board import list_boards, load_board
from tinynas.cost import Engine, estimate, lower, measure_graph
from tinynas.deploy import compile_model, pack, read_graph
from tinynas.errors import ConfigError
from tinynas.network import TCN

BOARD = load_board("nucleo_f446re")
ENGINE = Engine.aot(BOARD)


@settings(max_examples=40, deadline=None)
@given(architectures())
def test_the_arena_and_the_macs_are_the_compilers(a):
    predicted = estimate(a, ENGINE)
    compiled = compile_model(pack(filled(lower(a))))
    assert (predicted.arena_bytes, predicted.macs) == (compiled.arena_bytes, compiled.macs)
    assert (predicted.source, predicted.engine, predicted.kernels) == ("proxy", "aot", "tinynas")


@pytest.mark.parametrize("a", candidates(6, seed=5), ids=lambda a: a.key[:8])
def test_flash_grows_with_the_weights(a):
    compiled = compile_model(pack(filled(lower(a))))
    code = estimate(a, ENGINE).flash_bytes - compiled.weights_bytes
    assert ENGINE.code_bytes < code < ENGINE.code_bytes + 20_000


def test_a_converted_model_costs_what_was_predicted():
    a = TCN(8, 4, (1, 2, 4, 8), window=100, channels=6, skip_connections=True, outputs=2)
    model = converted(a)
    found = measure_graph(read_graph(model), len(model), a, ENGINE)
    predicted = estimate(a, ENGINE)
    assert (found.sram_bytes, found.flash_bytes) == (predicted.sram_bytes, predicted.flash_bytes)


@pytest.mark.parametrize("name", list_boards())
def test_every_board_has_an_engine(name):
    assert Engine.aot(load_board(name)).code_bytes > 5_000


def test_a_board_without_serial_port_has_none():
    import dataclasses

    with pytest.raises(ConfigError, match="no serial port"):
        Engine.aot(dataclasses.replace(BOARD, uart=None))


def test_a_compiler_has_its_own_code_sizes():
    a = TCN(24, 5, (1, 2, 4, 8), window=200, channels=6)
    gcc, zig = (estimate(a, Engine.aot(BOARD, compiler)) for compiler in ("gcc", "zig"))
    assert (gcc.toolchain, zig.toolchain) == ("gcc", "zig")
    assert (gcc.arena_bytes, gcc.macs) == (zig.arena_bytes, zig.macs)
    assert gcc.flash_bytes != zig.flash_bytes


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", EVERY_BOARD)
def test_boards_report_about_what_was_predicted(name, compiler):
    from tinynas.hil.image import Toolchain
    from tinynas.hil.measure import measure

    board = load_board(name)
    a = TCN(24, 5, (1, 2, 4, 8), window=200, channels=6)
    found = measure(board, converted(a), toolchain=Toolchain.detect(compiler))
    predicted = estimate(a, Engine.aot(board, compiler))
    assert predicted.arena_bytes == found.arena_bytes
    assert predicted.sram_bytes == pytest.approx(found.sram_bytes, rel=0.02)
    assert predicted.flash_bytes == pytest.approx(found.flash_bytes, rel=0.02)
    assert predicted.stack_bytes == pytest.approx(found.stack_bytes, abs=60)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_stack_beyond_the_reserve_is_predicted_as_well(compiler):
    from tinynas.hil.image import Toolchain
    from tinynas.hil.measure import measure

    a = TCN(63, 15, (1, 2), window=64, channels=6)
    predicted = estimate(a, Engine.aot(BOARD, compiler)).stack_bytes
    assert predicted > BOARD.reserves.stack_bytes
    found = measure(BOARD, converted(a), toolchain=Toolchain.detect(compiler))
    assert predicted == pytest.approx(found.stack_bytes, abs=60)
