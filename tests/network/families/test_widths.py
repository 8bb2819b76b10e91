"""Widths by block, and blocks with a narrower or wider inside: what they are by hand, and all that follows."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._tools import COMPILERS
from tests.network.families._promises import (
    check_arenas,
    check_compiled,
    check_converted,
    check_float_length,
    check_learns,
    check_needed_positions,
    check_on_virtual_board,
)
from tinynas.board import load_board
from tinynas.cost import Engine, estimate, least_costs
from tinynas.errors import SpaceError
from tinynas.network import (
    CNN,
    TCN,
    Architecture,
    ConvolutionalSearchSpace,
    RecurrentSearchSpace,
    SearchSpace,
    SeparableSearchSpace,
    SeparableTCN,
    describe,
    describe_short,
    initial_weights,
)
from tinynas.network.families.fields import grown

ANY_TIME = settings(deadline=None)
SHAPE = {"window": 40, "channels": 3}
SPACES = {
    "tcn": SearchSpace(growth=(0.25, 4), squeeze=(1, 2, 4)),
    "ds_tcn": SeparableSearchSpace(growth=(0.25, 4), expansion=(1, 2, 6)),
    "cnn": ConvolutionalSearchSpace(growth=(0.25, 4)),
    "gru": RecurrentSearchSpace(growth=(0.25, 4)),
}
WIDE = SeparableTCN((4, 6, 9), 3, (1, 2, 4), 40, 3, norm="batch", dropout=0.1, expansion=2)
NARROW = TCN((8, 6), 3, (1, 3), 40, 3, norm="batch", skip_connections=True, squeeze=2)


def sampled(count, seed=0, window=120, **changes):
    """Networks of all four families, whose widths differ or whose blocks have another inside."""
    rng, found = np.random.default_rng(seed), []
    for space in SPACES.values():
        drawn = (replace(space, **changes).sample(rng, window=window, channels=9) for _ in iter(int, 1))
        unlike = (a for a in drawn if isinstance(a.filters, tuple) or "-q" in a.key or "-e" in a.key)
        found += [next(unlike) for _ in range(count)]
    return found


@st.composite
def networks(draw, symmetry="none"):
    step = 4 if symmetry == "c4" else 1
    blocks = draw(st.integers(1, 3))
    common = {
        "filters": tuple(step * draw(st.integers(1, 7 // step + 1)) for _ in range(blocks)),
        "kernel_size": draw(st.integers(1, 5)),
        "window": draw(st.integers(1, 50)),
        "channels": 3 * draw(st.integers(1, 2)),
        "norm": draw(st.sampled_from(("none", "batch"))),
        "symmetry": symmetry,
    }
    if draw(st.integers(0, 3)) == 0:
        return CNN(strides=tuple(draw(st.integers(1, 4)) for _ in range(blocks)), **common)
    common["dilations"] = tuple(draw(st.integers(1, 12)) for _ in range(blocks))
    common["skip_connections"] = draw(st.booleans())
    inside = draw(st.integers(1, 3))
    return draw(st.sampled_from((TCN(squeeze=inside, **common), SeparableTCN(expansion=inside, **common))))


def test_weights_by_hand():
    shapes = {name: value.shape for name, value in initial_weights(WIDE, np.random.default_rng(0)).items()}
    assert shapes["block0/expand/kernel"] == (1, 3, 8)
    assert shapes["block1/depthwise/kernel"] == (3, 1, 12)
    assert shapes["block2/conv/kernel"] == (1, 18, 9)
    assert shapes["block1/projection/kernel"] == (1, 4, 6)
    assert {name for name in shapes if name.startswith("block1") and name.endswith("gamma")} == {
        f"block1/{part}/gamma" for part in ("expand", "depthwise", "conv")
    }
    blocks = ((3, 8, 4), (4, 12, 6), (6, 18, 9))
    assert WIDE.parameters == 9 * 2 + 2 + sum(
        (c + 1) * inner + 4 * inner + (inner + 1) * f + (c + 1) * f for c, inner, f in blocks
    )
    shapes = {name: value.shape for name, value in initial_weights(NARROW, np.random.default_rng(0)).items()}
    assert shapes["block0/squeeze/kernel"] == (1, 3, 4)
    assert shapes["block0/conv2/kernel"] == (3, 4, 4)
    assert shapes["block1/expand/kernel"] == (1, 3, 6)
    assert shapes["block0/skip/kernel"] == (1, 8, 6)
    assert "block1/skip/kernel" not in shapes, "the last block has the sum's width"
    assert "block1/projection/kernel" not in shapes, "the last block's residual path leads nowhere"


def test_an_inverted_residual_hands_on_negative_values():
    a = SeparableTCN(1, 1, (1,), window=2, channels=1, outputs=1, expansion=2)
    weights = {name: np.zeros_like(value) for name, value in initial_weights(a, np.random.default_rng(0)).items()}
    weights["block0/expand/kernel"][0, 0] = [1.0, -1.0]
    weights["block0/depthwise/kernel"][0, 0] = [1.0, 1.0]
    weights["block0/conv/kernel"][0, :, 0] = [-3.0, -5.0]
    weights["head/kernel"][0, 0] = 1.0
    from tinynas.network.training import predict

    # The window is the residual path itself, as it has as many channels as the block.
    assert predict(a, weights, np.float32([[[0.0], [2.0]]])) == [[2.0 - 3.0 * 2.0]]
    assert predict(a, weights, np.float32([[[0.0], [-2.0]]])) == [[-2.0 - 5.0 * 2.0]]


def test_equal_widths_are_one_number():
    assert TCN((5, 5), 3, (1, 2), **SHAPE) == TCN([5, 5], 3, (1, 2), **SHAPE) == TCN(5, 3, (1, 2), **SHAPE)
    assert CNN((5, 5), 3, (1, 2), **SHAPE).key == CNN(5, 3, (1, 2), **SHAPE).key


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filters": (4, 5)}, "2 are given for 3 dilations"),
        ({"filters": (4, 5, 0)}, r"filters must be positive integers, not \(4, 5, 0\)"),
        ({"filters": (4, 4, 4.0)}, "filters must be positive integers"),
        ({"filters": (4, 6, 8), "symmetry": "c4"}, "4 and 6 and 8 filters"),
        ({"expansion": 0}, "expansion must be a positive integer"),
        ({"expansion": 1.5}, "expansion must be a positive integer"),
    ],
)
def test_impossible_networks_are_refused(fields, message):
    with pytest.raises(SpaceError, match=message):
        replace(WIDE, **fields)


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"growth": (2.0, 0.5)}, "growth", "reversed"),
        ({"squeeze": ()}, "squeeze", "not a list"),
        ({"squeeze": (2, 1)}, "squeeze", "ascending"),
    ],
)
def test_impossible_bounds_are_refused_with_their_key(fields, key, message):
    with pytest.raises(SpaceError, match=f"^space.{key}: .*{message}"):
        SearchSpace(**fields)


@ANY_TIME
@given(st.integers(1, 64), st.floats(1 / 16, 16), st.integers(1, 8), st.booleans())
def test_widths_are_a_geometric_sequence_about_the_filters(filters, growth, blocks, tied):
    filters = 4 * filters if tied else filters
    found = grown(filters, growth, blocks, tied=tied)
    widths = (found,) * blocks if isinstance(found, int) else found
    step = 4 if tied else 1
    exact = [filters * growth ** (n / (blocks - 1) - 0.5) if blocks > 1 else filters for n in range(blocks)]
    assert len(widths) == blocks
    assert all(w % step == 0 and w >= step for w in widths)
    assert all(abs(w - e) <= step / 2 + 1e-9 or w == step for w, e in zip(widths, exact, strict=True))
    assert list(widths) == sorted(widths, reverse=growth < 1)


def test_what_is_not_chosen_is_no_parameter():
    assert not {"growth", "squeeze"} & set(SearchSpace(growth=(2, 2), squeeze=(4,)).parameters())
    a = SearchSpace(growth=(2, 2), squeeze=(4,)).sample(np.random.default_rng(0), **SHAPE)
    assert a.squeeze == 4
    assert a.widths[-1] == pytest.approx(2 * a.widths[0], abs=1)
    plain = [SearchSpace().sample(np.random.default_rng(seed), **SHAPE) for seed in range(5)]
    assert all(isinstance(one.filters, int) and one.squeeze == 1 for one in plain)


@pytest.mark.parametrize("family", SPACES)
def test_what_a_tuner_draws_is_a_network(family):
    space, rng, seen = SPACES[family], np.random.default_rng(2), set()
    domain = space.parameters()
    assert domain["growth"].support() == (0.25, 4)
    for _ in range(60):
        params = {
            name: values.rvs(random_state=rng) if hasattr(values, "rvs") else values[int(rng.integers(len(values)))]
            for name, values in domain.items()
        }
        a = space.architecture(params, window=120, channels=9)
        if a is not None and len(a.widths) > 1:
            seen.add(np.sign(a.widths[-1] - a.widths[0]))
            ratio = a.widths[-1] / a.widths[0]
            assert abs(np.log2(ratio) - np.log2(params["growth"])) < 0.13 + 1.5 / min(a.widths)
            assert all(type(width) is int for width in a.widths)
    assert {-1, 1} <= seen


@pytest.mark.parametrize("a", [WIDE, NARROW, *sampled(2, seed=1)], ids=lambda a: a.key)
def test_what_a_network_is_survives_json(a):
    found = Architecture.from_dict(a.to_dict())
    assert found == a
    assert found.key == a.key
    assert isinstance(a.to_dict()["filters"], list) == isinstance(a.filters, tuple)


def test_words():
    assert describe(WIDE) == (
        "4 to 9 filters, 8 to 18 inside, depthwise kernel 3, dilations 1, 2 and 4, dropout 0.1, batch normalisation, "
        "no skip connections"
    )
    assert describe(NARROW) == (
        "8 to 6 filters, 4 to 3 inside, kernel 3, dilations 1 and 3, batch normalisation, skip connections"
    )
    assert describe_short(replace(NARROW, filters=8)) == "8 f · 4 in · k 3 · d 1 3 · BN · skip"
    assert describe_short(TCN((8, 4, 6), 3, (1, 2, 4), **SHAPE)) == "4 to 8 f · k 3 · d 1 2 4"


@settings(ANY_TIME, max_examples=8)
@given(networks())
def test_the_positions_that_count_give_the_outputs_of_all(a):
    check_needed_positions(a)


@settings(ANY_TIME, max_examples=15)
@given(networks())
def test_the_length_of_float_models_is_exact(a):
    check_float_length(a)


@settings(ANY_TIME, max_examples=25)
@given(networks())
def test_the_arena_and_the_macs_are_the_compilers(a):
    check_compiled(a)


def test_arenas_are_the_official_interpreters():
    check_arenas(sampled(6, seed=4))


@pytest.mark.exhaustive
def test_arenas_are_the_official_interpreters_on_hundreds_of_networks():
    check_arenas(sampled(100, seed=5, window=200))


@pytest.mark.slow
@pytest.mark.parametrize("a", [WIDE, NARROW, *sampled(1, seed=6)], ids=lambda a: a.key)
def test_a_converted_network_is_the_predicted_one_and_computes_it(a):
    check_converted(a)


@pytest.mark.slow
@pytest.mark.parametrize("a", [replace(WIDE, dropout=0.0), replace(NARROW, filters=(12, 8))], ids=lambda a: a.family)
def test_it_learns(a):
    check_learns(a, epochs=15)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("a", sampled(1, seed=22, window=200, filters=(8, 24)), ids=lambda a: a.key)
def test_a_virtual_board_computes_it_as_predicted(a, compiler):
    check_on_virtual_board(a, compiler, flash=0.03 if compiler == "gcc" else 0.065)


@settings(ANY_TIME, max_examples=30)
@given(networks(symmetry="c4"))
def test_outputs_turn_with_the_window(a):
    from tinynas.network.symmetry import turn
    from tinynas.network.training import predict

    rng = np.random.default_rng(0)
    weights = initial_weights(replace(a, norm="none"), rng)
    windows = rng.normal(size=(4, a.window, a.channels)).astype(np.float32)
    letters = "xyz" * (a.channels // 3)
    still, turned = (predict(replace(a, norm="none"), weights, one) for one in (windows, turn(windows, letters)))
    np.testing.assert_allclose(turned, turn(still, "xy"), atol=1e-5 * max(1.0, np.abs(still).max()))


SMALL = {
    "tcn": SearchSpace(filters=(2, 6), kernel_size=(2, 3), dilations=(1, 2, 8), blocks=(2, 3), growth=(0.5, 2),
                       squeeze=(1, 2)),
    "tcn c4": SearchSpace(filters=(4, 8), kernel_size=(2, 3), dilations=(1, 2, 8), blocks=(2, 2), growth=(0.25, 2),
                          squeeze=(2, 4), symmetry="c4"),
    "ds_tcn": SeparableSearchSpace(filters=(2, 6), kernel_size=(2, 3), dilations=(1, 8), blocks=(1, 2),
                                   growth=(0.5, 4), expansion=(1, 2)),
    "ds_tcn wide": SeparableSearchSpace(filters=(3, 5), kernel_size=(2, 3), dilations=(1, 8), blocks=(2, 2),
                                        growth=(0.5, 0.6), expansion=(2, 3), skip_connections=(True,)),
    "cnn": ConvolutionalSearchSpace(filters=(3, 6), kernel_size=(2, 3), strides=(1, 3), blocks=(2, 3), growth=(0.5, 4),
                                    pool=("newest",)),
}  # fmt: skip


def every_network(space, shape):
    chosen = {**space.parameters(), "growth": space.growths, "dropout": [0.0]}
    for values in product(*chosen.values()):
        params = dict(zip(chosen, values, strict=True))
        network = space.architecture(params, **shape)
        if network is not None and params["norm"] == "none":
            yield network


@pytest.mark.slow
@pytest.mark.parametrize("engine", [Engine.tflm(), Engine.aot(load_board("nucleo_f446re"), "gcc")], ids=["tflm", "aot"])
@pytest.mark.parametrize("name", SMALL)
def test_the_cheapest_network_is_among_the_smallest(name, engine):
    space, shape = SMALL[name], {"window": 40, "channels": 3}

    def least(networks):
        costs = [estimate(a, engine) for a in {a.key: a for a in networks}.values()]
        return min(c.sram_bytes for c in costs), min(c.flash_bytes for c in costs)

    members = (params for group in space.smallest(**shape) for part in group.parts for params in part.members)
    assert least(space.architecture(params, **shape) for params in members) == least(every_network(space, shape))


@pytest.mark.parametrize("name", SMALL)
def test_the_widest_network_of_a_group_bounds_its_members(name):
    space, engine = SMALL[name], Engine.aot(load_board("nucleo_g071rb"), "gcc")
    rng = np.random.default_rng(0)
    for group in space.smallest(window=40, channels=9):
        if rng.random() < 0.8:
            continue
        bound = least_costs(group.widest, engine)
        for part in group.parts:
            nearer = least_costs(part.widest, engine)
            for params in part.members:
                cost = estimate(space.architecture(params, window=40, channels=9), engine)
                assert max(bound.sram_bytes, nearer.sram_bytes) <= cost.sram_bytes
                assert max(bound.flash_bytes, nearer.flash_bytes) <= cost.flash_bytes


def test_each_set_of_widths_is_tried_once():
    space = replace(SPACES["tcn"], filters=(4, 63), symmetry="c4")
    found = space.least_widths(9, 3)
    sets = [space.widths(params, 3) for params in found]
    assert len(set(sets)) == len(sets) > 1
    assert all(set(params) == {"filters", "growth"} for params in found)
