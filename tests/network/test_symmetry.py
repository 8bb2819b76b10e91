"""Networks without a preferred direction: outputs turn with the walk, whatever the weights."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.cost import lower
from tinynas.deploy import convert, infer, read_graph
from tinynas.errors import SpaceError
from tinynas.network import (
    CNN,
    TCN,
    MinGRU,
    SearchSpace,
    SeparableSearchSpace,
    SeparableTCN,
    fold,
    inference_function,
    initial_weights,
    tie,
    turn,
)
from tinynas.network.builder import GraphBuilder
from tinynas.network.layers import Turns
from tinynas.network.symmetry import spread
from tinynas.network.training import TrainingOptions, predict, train
from tinynas.network.training_data import TrainingData

NET = TCN(8, 3, (1, 2, 4), window=40, channels=6, symmetry="c4", norm="batch", dropout=0.2)


def quarter(vectors):
    """(x, y) -> (-y, x), z as it is; written out here for triples and for pairs."""
    out = np.array(vectors)
    width = 3 if vectors.shape[-1] % 3 == 0 else 2
    for first in range(0, vectors.shape[-1], width):
        out[..., first], out[..., first + 1] = -vectors[..., first + 1], vectors[..., first]
    return out


def strided(draw, family):
    steps = draw(st.sampled_from((1, 2, 4)))
    own = {"pool": draw(st.sampled_from(("newest", "mean")))}
    return family(
        filters=4 * draw(st.integers(1, 3)),
        kernel_size=draw(st.integers(1, 5)),
        strides=tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))),
        window=draw(st.integers(4 * 9, 50)),
        channels=3 * draw(st.integers(1, 4)),
        norm=draw(st.sampled_from(("none", "batch"))),
        symmetry="c4",
        **(own if family is CNN else {"units": 4 * draw(st.integers(1, 3)), "steps": steps}),
    )


@st.composite
def networks(draw):
    family = draw(st.sampled_from((TCN, SeparableTCN, CNN, MinGRU)))
    if family in (CNN, MinGRU):
        return strided(draw, family)
    return family(
        filters=4 * draw(st.integers(1, 3)),
        kernel_size=draw(st.integers(1, 5)),
        dilations=tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))),
        window=draw(st.integers(1, 40)),
        channels=3 * draw(st.integers(1, 4)),
        skip_connections=draw(st.booleans()),
        norm=draw(st.sampled_from(("none", "batch"))),
        symmetry="c4",
    )


def any_weights(a, seed):
    """Random in every entry, biases and statistics too, then tied."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=w.shape).astype(np.float32) for name, w in initial_weights(a, rng).items()}
    weights = {name: np.abs(w) if name.endswith("variance") else w for name, w in weights.items()}
    return tie(a, weights)


@settings(deadline=None, max_examples=40)
@given(networks(), st.integers(0, 99))
def test_outputs_turn_with_the_window(a, seed):
    weights = fold(a, any_weights(a, seed))
    windows = np.random.default_rng(seed).normal(size=(3, a.window, a.channels)).astype(np.float32)
    still, turned = predict(a, weights, windows), predict(a, weights, quarter(windows))
    np.testing.assert_allclose(turned, quarter(still), atol=1e-5 * max(1.0, np.abs(still).max()))


def test_untied_weights_do_not():
    free = replace(NET, symmetry="none")
    weights = fold(free, initial_weights(free, np.random.default_rng(0)))
    windows = np.random.default_rng(0).normal(size=(3, 40, 6)).astype(np.float32)
    assert not np.allclose(predict(free, weights, quarter(windows)), quarter(predict(free, weights, windows)), atol=0.1)


def test_a_turn_by_hand():
    window = np.float32([[1, 2, 3, 4, 5, 6]])
    assert turn(window, "xyzxyz").tolist() == [[-2, 1, 3, -5, 4, 6]]
    assert turn(window[:, :3], "zxy").tolist() == [[1, -3, 2]]
    np.testing.assert_array_equal(turn(window, "xyzxyz"), quarter(window))
    with pytest.raises(SpaceError, match="'xxz' is not made of pairs"):
        turn(window[:, :3], "xxz")


def test_weights_between_groups_depend_on_the_difference_of_turns_only():
    kernel = any_weights(NET, 1)["block1/conv1/kernel"].reshape(3, 2, 4, 2, 4)
    for h in range(4):
        for g in range(4):
            np.testing.assert_array_equal(kernel[:, :, h, :, g], kernel[:, :, 0, :, (g - h) % 4])


def test_biases_are_one_a_group_and_none_of_vectors():
    weights = any_weights(NET, 2)
    bias = weights["block0/conv1/bias"].reshape(2, 4)
    assert (bias == bias[:, :1]).all()
    assert bias[0, 0] != bias[1, 0]
    assert not weights["head/bias"].any()
    separable = any_weights(SeparableTCN(4, 2, (1,), window=9, channels=3, symmetry="c4"), 2)
    x, y, z = separable["block0/conv1/depthwise/kernel"][0, 0]
    assert x == y != z
    assert separable["block0/conv1/depthwise/bias"][:2].tolist() == [0, 0]
    assert separable["block0/conv1/depthwise/bias"][2] != 0


@pytest.mark.parametrize("family", [TCN, SeparableTCN])
def test_what_is_tied_stays_as_it_is(family):
    a = family(8, 3, (1, 4), window=30, channels=9, symmetry="c4", norm="batch")
    tied = any_weights(a, 3)
    for name, value in tie(a, tied).items():
        np.testing.assert_allclose(value, tied[name], atol=1e-6, err_msg=name)


def test_tensors_are_tied_like_arrays_and_gradients_like_weights():
    import tensorflow as tf

    rng = np.random.default_rng(0)
    free = {name: rng.normal(size=w.shape).astype(np.float32) for name, w in initial_weights(NET, rng).items()}
    variables = {name: tf.Variable(value) for name, value in free.items()}
    tied = tie(NET, free)
    with tf.GradientTape() as tape:
        found = tie(NET, variables)
        loss = tf.add_n(
            [
                tf.reduce_sum(value * (1.0 + tf.range(tf.size(value), dtype=tf.float32).numpy().reshape(value.shape)))
                for value in found.values()
            ]
        )
    for (name, value), gradient in zip(found.items(), tape.gradient(loss, list(variables.values())), strict=True):
        np.testing.assert_allclose(value.numpy(), tied[name], atol=1e-6, err_msg=name)
        wanted = 1.0 + np.arange(value.shape.num_elements(), dtype=np.float32).reshape(value.shape)
        np.testing.assert_allclose(gradient.numpy(), tie(NET, {name: wanted})[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("family", [TCN, SeparableTCN])
def test_initial_weights_are_tied_with_the_variance_of_free_ones(family):
    tied = family(48, 7, (1, 2), window=64, channels=6, symmetry="c4")
    weights = initial_weights(tied, np.random.default_rng(0))
    drawn = [initial_weights(tied, np.random.default_rng(seed)) for seed in range(30)]
    free = [initial_weights(replace(tied, symmetry="none"), np.random.default_rng(seed)) for seed in range(30)]
    for name in ("block1/conv1/kernel", "block0/conv1/kernel", "block0/projection/kernel", "head/kernel"):
        spreads = (np.std([w[name] for w in networks]) for networks in (drawn, free))
        assert next(spreads) == pytest.approx(next(spreads), rel=0.06), name
    for name, value in tie(tied, weights).items():
        np.testing.assert_allclose(value, weights[name], atol=1e-6, err_msg=name)
    if family is SeparableTCN:  # x and y share a filter, z has its own: no entry may shrink for that
        by_axis = np.std([w["block0/conv1/depthwise/kernel"][:, 0, :3] for w in drawn], axis=(0, 1))
        assert by_axis == pytest.approx(np.sqrt(1 / 7), rel=0.2)


def test_without_a_symmetry_nothing_is_tied():
    free = replace(NET, symmetry="none")
    weights = initial_weights(free, np.random.default_rng(0))
    assert all(value is weights[name] for name, value in tie(free, weights).items())
    assert spread(free, weights) == weights


@pytest.mark.slow
def test_training_keeps_the_symmetry_and_learns():
    """A target that turns with the window; yet every window of the training walks to the east."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(900, 40, 6)).astype(np.float32)
    inputs[..., 0] += 1.0
    targets = 3 * inputs[:, -4:, :2].mean(axis=1) - inputs[:, -2:, 3:5].sum(axis=1)
    data = TrainingData((inputs[:700], targets[:700]), (inputs[700:], targets[700:]), centred=True)
    net = replace(NET, dropout=0.02)
    found = train(net, data, TrainingOptions(epochs=12, batch_size=32, learning_rate=1e-2), rng=rng)
    weights = fold(net, found.weights)
    still, turned = (predict(net, weights, part) for part in (inputs[700:], quarter(inputs[700:])))
    np.testing.assert_allclose(turned, quarter(still), atol=1e-5 * np.abs(still).max())
    assert np.sqrt(np.mean(np.sum((still - targets[700:]) ** 2, axis=1))) == pytest.approx(found.valid_rmse, rel=1e-4)
    assert found.valid_rmse < 0.5 * np.sqrt(np.mean(np.sum(targets[700:] ** 2, axis=1)))


def converted(a, windows):
    weights = fold(a, initial_weights(a, np.random.default_rng(5)))
    weights = tie(a, {name: w + np.float32(0.1 * name.endswith("bias")) for name, w in weights.items()})
    return convert(inference_function(a, weights), lower(a), windows), weights


@pytest.mark.parametrize("family", [TCN, SeparableTCN])
def test_int8_outputs_turn_to_one_step(family):
    a = family(8, 3, (1, 2, 4), window=40, channels=6, symmetry="c4")
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(24, 40, 6)).astype(np.float32)
    turned = [drawn]
    for _ in range(3):
        turned.append(quarter(turned[-1]))
    model, _ = converted(a, np.concatenate(turned))
    graph = read_graph(model)
    source, target = graph.tensors[graph.inputs[0]].quantization, graph.tensors[graph.outputs[0]].quantization
    outputs = [infer(model, windows) for windows in turned]
    for number, found in enumerate(outputs):
        wanted = outputs[0]
        for _ in range(number):
            wanted = quarter(wanted)
        assert np.abs(found - wanted).max() <= 1.01 * target.scale[0]
    assert np.abs(np.mean(outputs, axis=0)).mean() < target.scale[0], "no constant bias between turns"
    assert abs(target.zero_point[0]) <= 1, (source, target)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filters": 6}, "6 filters, 6 channels, 2 outputs"),
        ({"channels": 8}, "8 filters, 8 channels, 2 outputs"),
        ({"outputs": 3}, "8 filters, 6 channels, 3 outputs"),
        ({"symmetry": "c8"}, "one of none, c4"),
    ],
)
def test_networks_that_cannot_be_symmetric_are_refused(changes, message):
    with pytest.raises(SpaceError, match=message):
        replace(NET, **changes)


def test_layers_that_do_not_respect_turns_are_refused():
    net = GraphBuilder(8, 3)
    rectified = net.finish(net.dense(net.newest(net.relu(net.window)), "head", 2), Turns("xyz", "xy"))
    with pytest.raises(SpaceError, match="layer 1 is not the same after a turn of vectors"):
        tie(rectified, {})
    net = GraphBuilder(8, 4)
    mixed = net.finish(
        net.dense(net.newest(net.sum(net.window, net.convolution(net.window, "c", 4))), "head", 2), Turns("xyzz", "xy")
    )
    with pytest.raises(SpaceError, match="layer 2 joins what turns differently"):
        tie(mixed, {})


@pytest.mark.parametrize("kind", [SearchSpace, SeparableSearchSpace])
def test_a_symmetric_space_has_groups_of_four(kind):
    space, shape = kind(filters=(5, 21), symmetry="c4"), {"window": 60, "channels": 6}
    assert list(space.parameters()["filters"]) == [8, 12, 16, 20]
    rng = np.random.default_rng(0)
    assert {space.sample(rng, **shape).filters for _ in range(60)} == {8, 12, 16, 20}
    assert space.sample(rng, **shape).symmetry == "c4"
    smallest = [params for group in space.smallest(**shape) for part in group.parts for params in part.members]
    assert {space.architecture(params, **shape).filters for params in smallest} == {8}
    with pytest.raises(SpaceError, match=r"space.filters: the bounds \[5, 7\] hold no multiple of 4"):
        kind(filters=(5, 7), symmetry="c4")


def test_as_many_filters_as_channels_still_need_a_projection():
    """Vectors and groups cannot be added, even where there are twelve of each."""
    a = TCN(12, 2, (1, 2), window=20, channels=12, symmetry="c4")
    assert "block0/projection/kernel" in initial_weights(a, np.random.default_rng(0))
    assert "block0/projection/kernel" not in initial_weights(replace(a, symmetry="none"), np.random.default_rng(0))
    assert a.key != replace(a, symmetry="none").key
