"""What every family of networks promises, whatever its layers are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from tests.deploy.candidates import converted, filled, network_weights, random_windows
from tests.network.builders import used_weights
from tinynas.board import load_board
from tinynas.cost import Engine, arena_bytes, estimate, lower, tflite_bytes
from tinynas.deploy import TflmInterpreter, arena_head_bytes, compile_model, infer, pack, read_graph
from tinynas.network import Architecture, fold, forward, plan
from tinynas.network.reference import dilated_model, set_weights
from tinynas.network.training import TrainingOptions, predict, train
from tinynas.network.training_data import TrainingData

BOARD = load_board("nucleo_f446re")


def check_float_length(a: Architecture) -> None:
    """The length of the float model is known to the byte."""
    graph = lower(a, "float32")
    assert tflite_bytes(graph) == len(pack(filled(graph, 1)))


def check_compiled(a: Architecture) -> None:
    """The compiler knows the network, and its arena and MACs are the predicted ones."""
    compiled = compile_model(pack(filled(lower(a))))
    predicted = estimate(a, Engine.aot(BOARD))
    assert (predicted.arena_bytes, predicted.macs) == (compiled.arena_bytes, compiled.macs)


def check_on_virtual_board(a: Architecture, compiler: str, *, flash: float = 0.02) -> None:
    """A virtual board gives the interpreter's bytes, and takes what was predicted.

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


def check_learns(a: Architecture, *, epochs: int) -> None:
    """A few epochs learn a mean and a sum over the newest samples, of windows of 40 samples of 3 values."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(1200, 40, 3)).astype(np.float32)
    targets = np.stack([3 * inputs[:, -4:, 0].mean(axis=1), inputs[:, -2:, 1].sum(axis=1)], axis=1)
    data = TrainingData((inputs[:1000], targets[:1000]), (inputs[1000:], targets[1000:]))
    found = train(a, data, TrainingOptions(epochs=epochs, batch_size=32, learning_rate=1e-2), rng=rng)
    spread = np.sqrt(np.mean(np.sum((targets[1000:] - targets[:1000].mean(axis=0)) ** 2, axis=1)))
    assert found.valid_rmse < 0.4 * spread


def check_needed_positions(a: Architecture) -> None:
    """The positions that count give the outputs of all."""
    import tensorflow as tf

    weights, windows = used_weights(a), random_windows(a, 3)
    model = dilated_model(a)
    set_weights(model, weights)
    expected = np.asarray(model(windows, training=False))
    found = forward(plan(a), fold(a, weights), tf.constant(windows)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


def check_converted(a: Architecture) -> None:
    """A converted network is the predicted one, and computes it."""
    model, graph = converted(a), lower(a)
    assert read_graph(model).same_structure(graph)
    assert abs(tflite_bytes(graph) - len(model)) < 0.01 * len(model)
    windows = random_windows(a, 20, seed=3)
    wanted = predict(a, fold(a, network_weights(a)), windows)
    exact = infer(converted(a, "float32"), windows)
    np.testing.assert_allclose(exact, wanted, atol=1e-4 * np.abs(wanted).max())


def check_arenas(found: Iterable[Architecture]) -> None:
    """Arenas are the official interpreter's."""
    for seed, a in enumerate(found):
        model = pack(filled(lower(a), seed))
        official = TflmInterpreter(model).arena()
        assert arena_head_bytes(read_graph(model)) == official.head_bytes, a.key
        assert 0 <= arena_bytes(lower(a), pointer_bytes=8) - official.total_bytes <= 96, a.key
