"""The pyramid form in TensorFlow against the dilated form in Keras."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tinynas.network import TCN, fold, forward, inference_function, initial_weights, perturbed, plan
from tinynas.network.reference import dilated_model, set_weights

from .builders import CORNERS, architectures, random_windows, used_weights, with_corners

FEW = settings(deadline=None, max_examples=25)


def dilated_outputs(a, weights, windows):
    model = dilated_model(a)
    set_weights(model, weights)
    return np.asarray(model(windows, training=False))


def pyramid_outputs(a, weights, windows):
    import tensorflow as tf

    return forward(plan(a), fold(a, weights), tf.constant(windows)).numpy()


def assert_equal(actual, expected):
    """To 1e-5 of the outputs' size, at least 1: float32 has no more."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.slow
@FEW
@with_corners
@given(architectures())
def test_both_forms_give_the_same_outputs(a):
    weights, windows = used_weights(a), random_windows(a, 3)
    assert_equal(pyramid_outputs(a, weights, windows), dilated_outputs(a, weights, windows))


@pytest.mark.slow
@FEW
@with_corners
@given(architectures())
def test_what_the_converter_gets_is_the_same_function(a):
    import tensorflow as tf

    weights, windows = used_weights(a), random_windows(a, 1)
    function = tf.function(inference_function(a, weights), autograph=False)
    outputs = function(tf.constant(windows))
    assert_equal(outputs[0].numpy(), pyramid_outputs(a, weights, windows))
    additions = (a.blocks - 1) * 2 if a.skip_connections else a.blocks
    assert len(outputs) == 1 + 2 * additions, "the operands of every addition, and no more"


@pytest.mark.slow
@FEW
@with_corners
@given(architectures())
def test_parameters_are_counted_alike_everywhere(a):
    weights = fold(a, initial_weights(a, np.random.default_rng(0)))
    assert sum(value.size for value in weights.values()) == a.parameters
    layers = dilated_model(a).layers
    assert sum(layer.count_params() for layer in layers if "Normalization" not in type(layer).__name__) == a.parameters


@pytest.mark.parametrize("corner", [a for a in CORNERS if a.norm == "batch"], ids=lambda a: a.key)
def test_folding_is_exact(corner):
    """Against normalisation by its definition, in the pyramid form itself."""
    import tensorflow as tf

    weights, windows = used_weights(corner), random_windows(corner, 4)

    def normalise(z, layer):
        fields = ("gamma", "beta", "mean", "variance")
        gamma, beta, mean, variance = (weights[f"{layer.name}/{field}"] for field in fields)
        return (z - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    expected = forward(plan(corner), weights, tf.constant(windows), normalise=normalise).numpy()
    assert_equal(pyramid_outputs(corner, weights, windows), expected)
    assert not np.allclose(forward(plan(corner), weights, tf.constant(windows)).numpy(), expected), "no test otherwise"


def test_folding_without_norm_is_a_copy():
    a = CORNERS[0]
    weights = used_weights(a)
    folded = fold(a, weights)
    assert folded is not weights
    assert folded.keys() == weights.keys()
    assert all(np.array_equal(folded[name], weights[name]) for name in weights)


def test_folding_leaves_its_argument_alone_and_drops_the_norm():
    a = CORNERS[1]
    weights = used_weights(a)
    before = {name: value.copy() for name, value in weights.items()}
    folded = fold(a, weights)
    assert all(np.array_equal(before[name], weights[name]) for name in before)
    assert folded.keys() == initial_weights(replace(a, norm="none"), np.random.default_rng(0)).keys()
    assert {value.dtype for value in folded.values()} == {np.dtype(np.float32)}


@FEW
@with_corners
@given(architectures())
def test_perturbing_moves_every_weight_and_no_shape(a):
    weights = initial_weights(a, np.random.default_rng(0))
    moved = perturbed(weights, np.random.default_rng(1))
    assert moved.keys() == weights.keys()
    for name, value in weights.items():
        assert moved[name].shape == value.shape
        assert moved[name].dtype == np.float32
        assert np.all(moved[name] != value)
    folded = fold(a, moved)
    assert all(np.all(np.isfinite(value)) for value in folded.values())
    assert all(np.all(value != 0) for name, value in folded.items() if name.endswith("bias"))


@pytest.mark.parametrize("corner", CORNERS[:4], ids=lambda a: a.key)
def test_perturbing_changes_no_operator_and_training_changes_none_either(corner):
    """The graphs of fresh, perturbed and trained weights have the same operators in the same order."""
    import tensorflow as tf

    def operators(weights):
        spec = tf.TensorSpec((1, corner.window, corner.channels), tf.float32)
        graph = tf.function(inference_function(corner, weights), autograph=False).get_concrete_function(spec).graph
        return [(op.type, [tuple(tensor.shape) for tensor in op.outputs]) for op in graph.get_operations()]

    fresh = initial_weights(corner, np.random.default_rng(0))
    assert operators(perturbed(fresh, np.random.default_rng(1))) == operators(used_weights(corner)) == operators(fresh)


def test_the_output_depends_on_the_receptive_field_and_on_nothing_before_it():
    a = TCN(filters=4, kernel_size=3, dilations=(1, 3), window=60, channels=2)
    weights, windows = used_weights(a), random_windows(a, 1)
    outputs = pyramid_outputs(a, weights, windows)
    older, oldest = windows.copy(), windows.copy()
    older[:, : a.window - a.receptive_field] += 100.0
    oldest[:, a.window - a.receptive_field] += 100.0
    np.testing.assert_array_equal(pyramid_outputs(a, weights, older), outputs)
    assert not np.allclose(pyramid_outputs(a, weights, oldest), outputs)


def test_initial_weights_have_the_scale_of_their_initialisers():
    a = TCN(filters=48, kernel_size=7, dilations=(1, 2), window=64, channels=6, norm="batch")
    weights = initial_weights(a, np.random.default_rng(0))
    he = np.sqrt(2 / (7 * 48))
    assert weights["block1/conv2/kernel"].std() == pytest.approx(he, rel=0.05)
    assert weights["block0/conv1/kernel"].std() == pytest.approx(np.sqrt(2 / (7 * 6)), rel=0.1)
    assert np.abs(weights["block0/projection/kernel"]).max() <= np.sqrt(6 / (6 + 48))
    assert not any(value.any() for name, value in weights.items() if name.endswith(("bias", "mean", "beta")))
    assert all(np.all(value == 1) for name, value in weights.items() if name.endswith(("gamma", "variance")))
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}


def test_initial_weights_follow_the_generator():
    def draw(seed):
        return initial_weights(CORNERS[0], np.random.default_rng(seed))["block0/conv1/kernel"]

    np.testing.assert_array_equal(draw(3), draw(3))
    assert not np.array_equal(draw(3), draw(4))


def test_weights_do_not_depend_on_the_window():
    a = CORNERS[0]
    short = replace(a, window=10)
    weights = used_weights(a)
    assert weights.keys() == used_weights(short).keys()
    windows = random_windows(short, 2)
    assert_equal(pyramid_outputs(short, weights, windows), dilated_outputs(short, weights, windows))
