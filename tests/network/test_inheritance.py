"""Weights from a trained neighbour: what overlaps is copied, what is larger computes the same, what is tied stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.network import (
    CNN,
    TCN,
    Checkpoint,
    Donor,
    MinGRU,
    SeparableTCN,
    TrainingData,
    TrainingOptions,
    fold,
    inherit,
    initial_weights,
    perturbed,
    predict,
    share_of_weights,
    tie,
    train,
)

SMALL = {"filters": 4, "kernel_size": 3, "dilations": (1, 2), "window": 16, "channels": 3}


def tcn(**changes):
    return TCN(**{**SMALL, **changes})


def drawn(network, seed):
    """Weights of which none has its initial value, as after a training."""
    rng = np.random.default_rng(seed)
    return tie(network, perturbed(initial_weights(network, rng), rng))


def outputs(network, weights):
    windows = np.random.default_rng(9).normal(size=(5, network.window, network.channels)).astype(np.float32)
    return predict(network, fold(network, weights), windows)


def test_first_filters_and_newest_taps_come_from_the_donor_and_the_rest_stays_fresh():
    large, small = tcn(filters=6, kernel_size=5), tcn()
    fresh, trained = drawn(large, 1), drawn(small, 2)
    found = inherit(large, fresh, Donor(small, trained))
    kernel, name = found["block1/conv1/kernel"], "block1/conv1/kernel"
    np.testing.assert_array_equal(kernel[2:, :4, :4], trained[name])
    # Filters of the donor's ignore what it does not have.
    assert not kernel[:2, :, :4].any()
    assert not kernel[:, 4:, :4].any()
    np.testing.assert_array_equal(kernel[:, :, 4:], fresh[name][:, :, 4:])
    np.testing.assert_array_equal(found["block1/conv1/bias"][:4], trained["block1/conv1/bias"])
    np.testing.assert_array_equal(found["block1/conv1/bias"][4:], fresh["block1/conv1/bias"][4:])
    # A larger one gives a smaller one its first filters and its newest taps.
    back = inherit(small, trained, Donor(large, fresh))
    np.testing.assert_array_equal(back[name], fresh[name][2:, :4, :4])


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_network_that_is_larger_in_every_way_begins_with_the_function_of_its_donor(norm, skip):
    small = tcn(norm=norm, skip_connections=skip)
    large = tcn(norm=norm, skip_connections=skip, filters=7, kernel_size=6)
    trained = drawn(small, 3)
    found = inherit(large, drawn(large, 4), Donor(small, trained))
    np.testing.assert_allclose(outputs(large, found), outputs(small, trained), rtol=1e-4, atol=1e-5)
    assert np.abs(outputs(large, drawn(large, 4)) - outputs(small, trained)).max() > 0.01


def test_gains_of_a_normalisation_go_into_the_weights_of_a_network_without_one():
    donor, plain = tcn(norm="batch"), tcn()
    trained = drawn(donor, 5)
    found = inherit(plain, drawn(plain, 6), Donor(donor, trained))
    np.testing.assert_allclose(outputs(plain, found), outputs(donor, trained), rtol=1e-4, atol=1e-5)
    # The other way round the statistics are unknown, and stay as they were.
    back = inherit(donor, trained, Donor(plain, found))
    np.testing.assert_array_equal(back["block0/conv1/gamma"], trained["block0/conv1/gamma"])
    np.testing.assert_array_equal(back["block0/conv1/kernel"], found["block0/conv1/kernel"])


def test_layers_of_another_dilation_stride_or_kind_give_nothing():
    network, other = tcn(), tcn(dilations=(1, 4))
    fresh = drawn(network, 7)
    found = inherit(network, fresh, Donor(other, drawn(other, 8)))
    np.testing.assert_array_equal(found["block1/conv1/kernel"], fresh["block1/conv1/kernel"])
    assert (found["block0/conv1/kernel"] != fresh["block0/conv1/kernel"]).all()
    strided = [CNN(filters=4, kernel_size=3, strides=s, window=32, channels=3) for s in ((2, 2), (2, 3))]
    kept = drawn(strided[0], 1)
    moved = inherit(strided[0], kept, Donor(strided[1], drawn(strided[1], 2)))
    changed = {name for name, value in moved.items() if (value != kept[name]).any()}
    assert changed == {"head/kernel", "head/bias", *(name for name in kept if name.startswith("block0/"))}


FAMILIES = {
    "tcn": lambda f, k, more: tcn(filters=f, kernel_size=k, norm="batch", **more),
    "ds_tcn": lambda f, k, more: SeparableTCN(**{**SMALL, "filters": f, "kernel_size": k}, **more),
    "cnn": lambda f, k, more: CNN(filters=f, kernel_size=k, strides=(2, 2), window=16, channels=3, **more),
    "gru": lambda f, k, more: MinGRU(
        filters=f, kernel_size=k, strides=(2,), units=f, steps=4, window=16, channels=3, **more
    ),
}
widths, kernels = st.integers(1, 3), st.integers(1, 5)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.booleans(), widths, kernels, widths, kernels, st.integers(0, 99))
def test_shapes_are_the_networks_own_groups_stay_whole_and_similarity_is_mutual(family, tied, f1, k1, f2, k2, seed):
    more = {"symmetry": "c4"} if tied else {}
    times = 4 if tied else 1
    network, other = (FAMILIES[family](f * times, k, more) for f, k in ((f1, k1), (f2, k2)))
    fresh, trained = drawn(network, seed), drawn(other, seed + 1)
    found = inherit(network, fresh, Donor(other, trained))
    assert {name: value.shape for name, value in found.items()} == {n: v.shape for n, v in fresh.items()}
    assert all(value.dtype == np.float32 for value in found.values())
    for name, value in tie(network, found).items():
        np.testing.assert_array_equal(value, found[name])
    assert share_of_weights(network, other) == share_of_weights(other, network)
    assert 0 < share_of_weights(network, other) <= 1
    assert (share_of_weights(network, other) == 1) == ((f1, k1) == (f2, k2))
    # Tied before they are copied, whole groups need no second tying: nothing of the donor's is averaged away.
    n, taps = min(f1, f2) * times, min(k1, k2)
    name = (
        next(name for name in found if name.endswith("/kernel") and found[name].ndim == 3 and len(found[name]) > 1)
        if k1 > 1
        else None
    )
    if name is not None and k2 > 1:
        np.testing.assert_array_equal(found[name][-taps:, :, :n], trained[name][-taps:, :, :n])


def test_the_most_similar_network_shares_the_largest_part_of_both():
    network = tcn()
    order = [tcn(filters=5), tcn(filters=8), tcn(filters=8, kernel_size=9), tcn(dilations=(4, 8))]
    shares = [share_of_weights(network, other) for other in order]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)
    # 3 * 3 * 4 + 3 * (3 * 4 * 4) + 3 * 4 of the projection, and 4 * 2 of the head; 5 filters for 4 in the other one.
    own = 36 + 144 + 12 + 8
    assert shares[0] == own / (45 + 225 + 15 + 10)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    splits = [rng.normal(size=(count, 16, 3)).astype(np.float32) for count in (160, 60)]
    train_split, valid_split = ((x, x[:, -3:, :2].mean(axis=1)) for x in splits)
    return TrainingData(train_split, valid_split)


@pytest.mark.slow
def test_a_training_that_inherits_is_ahead_and_what_begins_anew_is_as_if_it_never_had(data):
    options, network, other = TrainingOptions(epochs=4, batch_size=32), tcn(filters=6, norm="batch"), tcn(norm="batch")
    paused = train(other, data, options, rng=np.random.default_rng(1), until=3).checkpoint
    stored = Checkpoint.from_bytes(paused.to_bytes())
    assert TCN.from_dict(stored.facts["architecture"]) == other
    donor = Donor(other, stored.best)
    scratch = train(network, data, options, rng=np.random.default_rng(2))
    ahead = train(network, data, options, rng=np.random.default_rng(2), until=1, donor=donor)
    assert ahead.history[0] < scratch.history[0]
    anew = train(network, data, options, rng=np.random.default_rng(2), built=ahead.checkpoint.network)
    assert anew.history == scratch.history
    for name, value in scratch.weights.items():
        np.testing.assert_array_equal(anew.weights[name], value)
