"""Two towers: one network that is the mean of two, each trained by its own error."""

import dataclasses

import numpy as np
import pytest

from tests.network.builders import used_weights
from tinynas.cost import lower
from tinynas.deploy import Model, convert, infer
from tinynas.network import TCN, SeparableTCN, inference_function, predict, tie
from tinynas.network.trainable import Trainable

NET = TCN(4, 3, (1, 4), window=30, channels=6, symmetry="c4", towers=2)


def alone(network, weights):
    """Each tower as a network of its own: the mean is half the sum, hence twice the linear layer's kernel."""
    one = dataclasses.replace(network, towers=1)
    parts = []
    for prefix in ("", "tower1/"):
        mine = {
            name.removeprefix(prefix): value
            for name, value in weights.items()
            if name.startswith("tower1/") is bool(prefix) and not name.startswith("head/")
        }
        parts.append({**mine, "head/kernel": 2 * weights["head/kernel"], "head/bias": weights["head/bias"]})
    return one, parts


@pytest.mark.parametrize("family", [TCN, SeparableTCN])
def test_the_output_is_the_mean_of_what_each_tower_alone_predicts(family):
    network = family(4, 3, (1, 4), window=30, channels=6, towers=2)
    weights, windows = used_weights(network), np.random.default_rng(1).normal(size=(5, 30, 6)).astype(np.float32)
    one, parts = alone(network, weights)
    found = [predict(one, part, windows) for part in parts]
    assert not np.allclose(*found, atol=0.01)
    np.testing.assert_allclose(predict(network, weights, windows), np.mean(found, axis=0), atol=1e-5)


def test_a_step_follows_the_mean_of_the_towers_own_errors():
    """Its gradient, by finite differences in numpy: Adam's first step moves each weight against its sign."""
    rng = np.random.default_rng(2)
    windows = rng.normal(size=(6, 30, 6)).astype(np.float32)
    network = dataclasses.replace(NET, symmetry="none")
    weights = used_weights(network)
    one, parts = alone(network, weights)
    # Targets between the towers: the error of the mean alone would leave the linear layer's bias where it is.
    towers = [predict(one, part, windows) for part in parts]
    targets = (0.7 * towers[0] + 0.1 * towers[1]).astype(np.float32)

    def loss(moved):
        return np.mean([np.mean((predict(one, part, windows) - targets) ** 2) for part in alone(network, moved)[1]])

    trained = Trainable(network, weights, 0)
    trained.step(windows, targets, 1e-3)
    after = trained.values()
    for name in ("head/kernel", "block1/conv2/bias", "tower1/block1/conv2/bias"):
        index = np.unravel_index(np.argmax(np.abs(after[name] - weights[name])), weights[name].shape)
        sides = []
        for move in (-1e-2, 1e-2):
            moved = {**weights, name: weights[name].copy()}
            moved[name][index] += move
            sides.append(loss(moved))
        assert abs(sides[1] - sides[0]) > 1e-5
        assert np.sign(after[name][index] - weights[name][index]) == -np.sign(sides[1] - sides[0])


def test_the_predicted_model_is_the_converted_one_and_both_towers_share_the_padded_window():
    weights = tie(NET, used_weights(NET))
    windows = np.random.default_rng(3).normal(size=(20, 30, 6)).astype(np.float32)
    expected = lower(NET)
    model = Model.of(convert(inference_function(NET, weights), expected, windows))
    assert [op.kind for op in model.graph.ops] == [op.kind for op in expected.ops]
    padded = [op.inputs[0] for op in expected.ops if op.kind == "PAD"]
    assert len(padded) == len(set(padded))
    out = predict(NET, weights, windows)
    assert np.abs(infer(model, windows) - out).max() < 0.1 * np.ptp(out)
