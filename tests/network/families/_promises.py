"""What every family of networks promises, whatever its layers are."""

from __future__ import annotations

import pytest

from tests.deploy.candidates import converted, filled
from tinynas.board import load_board
from tinynas.cost import Engine, estimate, lower, tflite_bytes
from tinynas.deploy import compile_model, pack
from tinynas.network import Architecture

BOARD = load_board("nucleo_f446re")


def check_float_length(a: Architecture) -> None:
    """The length of the float model is known to the byte."""
    graph = lower(a, "float32")
    assert tflite_bytes(graph) == len(pack(filled(graph, 1)))


def check_compiled(a: Architecture) -> None:
    """The compiler knows the network, and its arena and MACs are the ones foreseen."""
    compiled = compile_model(pack(filled(lower(a))))
    predicted = estimate(a, Engine.aot(BOARD))
    assert (predicted.arena_bytes, predicted.macs) == (compiled.arena_bytes, compiled.macs)


def check_on_virtual_board(a: Architecture, compiler: str, *, flash: float = 0.02) -> None:
    """A virtual board gives the interpreter's bytes, and takes what was foreseen.

    Args:
        a: The network.
        compiler: Of the image.
        flash: How far the image may be from the estimate.
    """
    from tinynas.hil.image import Toolchain
    from tinynas.hil.measure import measure

    found = measure(BOARD, converted(a), toolchain=Toolchain.detect(compiler))
    predicted = estimate(a, Engine.aot(BOARD, compiler))
    assert found.parity is True
    assert predicted.arena_bytes == found.arena_bytes
    assert predicted.flash_bytes == pytest.approx(found.flash_bytes, rel=flash)
    assert predicted.sram_bytes == pytest.approx(found.sram_bytes, rel=0.04)  # the stack is the larger part
