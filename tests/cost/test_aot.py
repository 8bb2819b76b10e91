"""The resource model of compiled models: exact where it says so, near where it is fitted."""

import pytest
from hypothesis import given, settings

from tests.deploy.candidates import architectures, candidates, converted, filled
from tinynas.board import list_boards, load_board
from tinynas.cost import Engine, estimate, lower, measure_graph
from tinynas.deploy import compile_model, pack, read_graph
from tinynas.errors import ConfigError
from tinynas.tcn import Architecture

BOARD = load_board("nucleo_f446re")
ENGINE = Engine.aot(BOARD)


@settings(max_examples=40, deadline=None)
@given(architectures())
def test_the_arena_and_the_macs_are_the_compilers(a):
    foreseen = estimate(a, ENGINE)
    compiled = compile_model(pack(filled(lower(a))))
    assert (foreseen.arena_bytes, foreseen.macs) == (compiled.arena_bytes, compiled.macs)
    assert (foreseen.source, foreseen.engine, foreseen.kernels) == ("proxy", "aot", "tinynas")


@pytest.mark.parametrize("a", candidates(6, seed=5), ids=lambda a: a.key[:8])
def test_flash_grows_with_the_weights(a):
    compiled = compile_model(pack(filled(lower(a))))
    code = estimate(a, ENGINE).flash_bytes - compiled.weights_bytes
    assert ENGINE.code_bytes < code < ENGINE.code_bytes + 20_000


def test_a_converted_model_costs_what_was_foreseen():
    a = Architecture(8, 4, (1, 2, 4, 8), window=100, channels=6, skip_connections=True, outputs=2)
    model = converted(a)
    found = measure_graph(read_graph(model), len(model), a, ENGINE)
    foreseen = estimate(a, ENGINE)
    assert (found.sram_bytes, found.flash_bytes) == (foreseen.sram_bytes, foreseen.flash_bytes)


@pytest.mark.parametrize("name", list_boards())
def test_every_board_has_an_engine(name):
    assert Engine.aot(load_board(name)).code_bytes > 5_000


def test_a_board_without_serial_port_has_none():
    import dataclasses

    with pytest.raises(ConfigError, match="no driver"):
        Engine.aot(dataclasses.replace(BOARD, uart=None))


@pytest.mark.emulator
@pytest.mark.parametrize("name", list_boards())
def test_boards_report_about_what_was_foreseen(name):
    from tinynas.hil.measure import measure
    from tinynas.hil.toolchain import Toolchain

    if Toolchain.detect().kind != "gcc":
        pytest.skip("the figures are those of GCC")
    board = load_board(name)
    a = Architecture(24, 5, (1, 2, 4, 8), window=200, channels=6)
    found, foreseen = measure(board, converted(a)), estimate(a, Engine.aot(board))
    assert foreseen.arena_bytes == found.arena_bytes
    assert foreseen.sram_bytes == pytest.approx(found.sram_bytes, rel=0.02)
    assert foreseen.flash_bytes == pytest.approx(found.flash_bytes, rel=0.02)
    assert foreseen.proxy_stack_bytes == pytest.approx(found.stack_bytes, abs=60)


@pytest.mark.emulator
def test_a_stack_beyond_the_reserve_is_foreseen_as_well():
    from tinynas.hil.measure import measure
    from tinynas.hil.toolchain import Toolchain

    if Toolchain.detect().kind != "gcc":
        pytest.skip("the figures are those of GCC")
    a = Architecture(63, 15, (1, 2), window=64, channels=6)
    foreseen = estimate(a, ENGINE).proxy_stack_bytes
    assert foreseen > BOARD.reserves.stack_bytes
    assert foreseen == pytest.approx(measure(BOARD, converted(a)).stack_bytes, abs=60)
