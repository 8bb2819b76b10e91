"""Positions that count, against sets of time steps that are computed here by following every tap."""

from dataclasses import replace
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.network import TCN, forward, initial_weights, plan
from tinynas.network.builder import GraphBuilder
from tinynas.network.layers import Convolution, Input, Mean, Slice, sources
from tinynas.network.needed import Cut, Lattice
from tinynas.network.reference import dilated_model, set_weights

from .builders import CORNERS, architectures, projects, with_corners

#: The machine may be busy, and the first example pays for imports.
ANY_TIME = FEW = settings(deadline=None)


def taps_in_use(a, dilation):
    """Taps that can meet a sample of the window at all."""
    return min(a.kernel_size, (a.window - 1) // dilation + 1)


def grid(a, oldest, spacing):
    """The positions from the window's end back to `oldest`, `spacing` apart."""
    return set(range(a.window - 1, oldest - 1, -spacing))


def needed_positions(a):
    """Times at which each layer is needed, by the gcd rule: {(block, "in" | "mid" | "out"): set of times}.

    From the top down. A layer is needed on the grid of spacing gcd(its consumer's dilation and all later ones), back to
    the oldest non-negative time that a tap of its consumer reaches.
    """
    needed, out = {}, {a.window - 1}
    for block in reversed(range(a.blocks)):
        dilation = a.dilations[block]
        spacing = gcd(*a.dilations[block:])
        reach = (taps_in_use(a, dilation) - 1) * dilation
        middle = grid(a, max(0, min(out) - reach), spacing)
        before = grid(a, max(0, min(middle) - reach), spacing)
        needed |= {(block, "out"): out, (block, "mid"): middle, (block, "in"): before}
        out = before
    return needed


def true_dependencies(a):
    """The same by following every single tap: what the output depends on, and nothing else."""
    needed, out = {}, {a.window - 1}
    for block in reversed(range(a.blocks)):
        middle = {t - tap * a.dilations[block] for t in out for tap in range(a.kernel_size)}
        middle = {t for t in middle if t >= 0}
        before = {t - tap * a.dilations[block] for t in middle for tap in range(a.kernel_size)}
        before = {t for t in before if t >= 0}  # holds `out`, which the residual path reads: tap 0 twice
        needed |= {(block, "out"): out, (block, "mid"): middle, (block, "in"): before}
        out = before
    return needed


def planned_positions(a):
    """Times that the plan computes: of a TCN's convolutions and their inputs, by block."""
    graph, lattices = a.graph, plan(a).lattices
    positions = {}
    for layer, lattice in zip(graph.layers, lattices, strict=True):
        if isinstance(layer, Convolution) and "/conv" in layer.name:
            block, place = int(layer.name[5 : layer.name.index("/")]), "mid" if layer.name[-1] == "1" else "out"
            positions[block, place] = times(a, lattice)
            if place == "mid":
                positions[block, "in"] = times(a, lattices[layer.source])
    return positions


def times(a, lattice):
    return {a.window - 1 - i * lattice.step for i in range(lattice.positions)}


@ANY_TIME
@with_corners
@given(architectures(max_blocks=6, max_window=400))
def test_the_plan_computes_the_needed_positions_and_no_other(a):
    needed = needed_positions(a)
    assert planned_positions(a) == needed
    lengths = {step.what.name: step.positions for step in plan(a).steps if isinstance(step.what, Convolution)}
    for block in range(a.blocks):
        assert lengths[f"block{block}/conv1"] == len(needed[block, "mid"])
        assert lengths[f"block{block}/conv2"] == len(needed[block, "out"])


@ANY_TIME
@with_corners
@given(architectures(max_window=200))
def test_the_plan_leaves_out_nothing_that_the_output_depends_on(a):
    planned = planned_positions(a)
    for place, times in true_dependencies(a).items():
        assert times <= planned[place]


@ANY_TIME
@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.integers(3, 6), st.integers(1, 400))
def test_where_strides_stay_within_the_kernel_not_one_position_is_in_vain(ratios, kernel_size, window):
    dilations = tuple(int(d) for d in np.cumprod(ratios))
    a = TCN(filters=2, kernel_size=kernel_size, dilations=dilations, window=window, channels=2)
    assert planned_positions(a) == true_dependencies(a)


@ANY_TIME
@with_corners
@given(architectures(max_window=300))
def test_macs_are_positions_times_taps_times_channels(a):
    needed, macs = needed_positions(a), a.filters * a.outputs
    for block, dilation in enumerate(a.dilations):
        channels = a.channels if block == 0 else a.filters
        taps = taps_in_use(a, dilation)
        macs += len(needed[block, "mid"]) * taps * channels * a.filters
        macs += len(needed[block, "out"]) * taps * a.filters * a.filters
    macs += len(needed[0, "out"]) * a.channels * a.filters * projects(a)
    assert plan(a).macs == macs


def test_macs_of_published_networks():
    """TinyODOM-EX's two networks (10 channels): 1.92 and 1.37 M MACs dilated, measured before as 0.43 and 0.076 M.

    The second figure counted taps that only ever meet padding; they are cut off here.
    """
    first = TCN(10, 12, (1, 4, 8, 64), window=200, channels=10, norm="batch")
    second = TCN(12, 8, (4, 32, 64), window=200, channels=10, norm="batch", skip_connections=True)
    assert plan(first).macs == pytest.approx(0.43e6, rel=0.01)
    assert 0.9 * 0.076e6 < plan(second).macs < 0.076e6


def test_dilated_macs_are_never_fewer():
    for a in CORNERS:
        taps = a.kernel_size * a.filters
        dilated = a.window * taps * (a.channels + (2 * a.blocks - 1) * a.filters)
        assert plan(a).macs <= dilated + a.window * a.channels * a.filters * projects(a) + a.filters * a.outputs


@ANY_TIME
@given(architectures(max_window=300), st.integers(1, 300))
def test_a_longer_window_never_costs_less(a, more):
    assert plan(a).macs <= plan(replace(a, window=a.window + more)).macs


#: Graphs that are no family's: strides, means, slices, branches of any reach that meet in sums, depthwise layers.
@st.composite
def layer_graphs(draw, means=True):
    window, channels = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    net = GraphBuilder(window, channels)
    values = [(net.window, window, channels)]
    for number in range(draw(st.integers(1, 7))):
        x, length, width = draw(st.sampled_from(values))
        kind = draw(st.sampled_from(("convolution", "depthwise", "sum", "slice")))
        if kind == "convolution":
            width, stride = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2, 3)))
            taps, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 9))
            x = net.convolution(x, f"l{number}", width, taps, dilation, stride)
            length = (length - 1) // stride + 1
        elif kind == "depthwise":
            groups = width if width > 1 else 1
            x = net.convolution(x, f"l{number}", width, draw(st.integers(1, 4)), draw(st.integers(1, 9)), 1, groups)
        elif kind == "slice":
            step = draw(st.integers(1, 3))
            count = draw(st.integers(1, (length - 1) // step + 1))
            x, length = net.newest(x, count, step), count
        else:
            other = draw(st.sampled_from([v for v in values if v[1:] == (length, width)]))
            x = net.sum(x, other[0])
        if draw(st.booleans()) and kind in ("convolution", "sum"):
            x = net.relu(x)
        values.append((x, length, width))
    # Everything that nothing reads yet ends in the output, each by a path of its own.
    read = {source for layer in net.layers for source in sources(layer)}
    total = None
    for index, (x, _, _) in enumerate([v for v in values[1:] if v[0] not in read] or values[:1]):
        last = net.mean(x) if means and draw(st.booleans()) else net.newest(x)
        part = net.dense(last, f"head{index}", 2)
        total = part if total is None else net.sum(total, part)
    return net.finish(total)


def dependencies(graph):
    """Of each layer the positions, counted from the newest, on which the output depends: every tap is followed."""
    needed = [set() for _ in graph.layers]
    needed[-1] = set(range(graph.shapes[-1].length))
    for number in range(len(graph.layers) - 1, 0, -1):
        layer = graph.layers[number]
        for source in sources(layer):
            length = graph.shapes[source].length
            for t in needed[number]:
                if isinstance(layer, Convolution):
                    reached = {t * layer.stride + tap * layer.dilation for tap in range(layer.taps)}
                elif isinstance(layer, Slice):
                    reached = {t * layer.step}
                else:
                    reached = set(range(length)) if isinstance(layer, Mean) else {t}
                needed[source] |= {position for position in reached if position < length}
    return needed


@settings(ANY_TIME, max_examples=300)
@given(layer_graphs())
def test_of_any_graph_nothing_is_left_out_and_lattices_are_as_coarse_as_they_can_be(graph):
    for wanted, lattice, shape in zip(dependencies(graph), plan(graph).lattices, graph.shapes, strict=True):
        computed = {i * lattice.step for i in range(lattice.positions)}
        assert wanted <= computed
        assert max(computed) < shape.length
        if len(wanted) > 1 and lattice.step:
            assert gcd(*wanted) % lattice.step == 0


@settings(ANY_TIME, max_examples=200)
@given(layer_graphs())
def test_of_any_graph_the_steps_fit_together(graph):
    steps = plan(graph).steps
    read = {source for step in steps for source in step.reads}
    assert read == set(range(len(steps) - 1))
    for number, step in enumerate(steps):
        operands = [steps[source] for source in step.reads]
        assert all(source < number for source in step.reads)
        if isinstance(step.what, Cut):
            assert step.positions == len(range(operands[0].positions)[step.what.begin :: step.what.step])
            assert range(operands[0].positions)[step.what.begin :: step.what.step][-1] == operands[0].positions - 1
            assert step.what != Cut(0, 1)
        elif step.taps is not None:
            taps = step.taps
            span = (step.positions - 1) * taps.stride + (taps.taps - 1) * taps.rate + 1
            assert operands[0].positions + taps.pad == span
            assert taps.pad >= 0
        elif not isinstance(step.what, Input | Mean):
            assert all(operand.positions == step.positions for operand in operands)


@pytest.mark.slow
@settings(FEW, max_examples=40)
@given(layer_graphs(means=False), st.integers(0, 99))
def test_of_any_graph_the_outputs_are_those_of_all_positions(graph, seed):
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=w.shape).astype(np.float32) for name, w in initial_weights(graph, rng).items()}
    windows = rng.normal(size=(3, graph.window.length, graph.window.channels)).astype(np.float32)
    model = dilated_model(graph)
    set_weights(model, weights)
    expected = np.asarray(model(windows)).reshape(3, -1)
    found = forward(plan(graph), weights, tf.constant(windows)).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5 * max(1.0, np.abs(expected).max()))


def test_a_mean_takes_every_position_by_hand():
    import tensorflow as tf

    net = GraphBuilder(4, 1)
    graph = net.finish(net.dense(net.mean(net.relu(net.convolution(net.window, "c", 1, taps=2))), "head", 1))
    one = np.ones(1, np.float32)
    weights = {
        "c/kernel": np.ones((2, 1, 1), np.float32),
        "c/bias": -one,
        "head/kernel": 4 * np.ones((1, 1), np.float32),
    }
    windows = tf.constant([[[1.0], [0.0], [2.0], [-5.0]]])
    # Sums of two neighbours less one: 0, 0, 1, -4; rectified and averaged: 1/4.
    assert forward(plan(graph), {**weights, "head/bias": one}, windows).numpy() == [[2.0]]


def test_two_readers_of_one_layer_are_served_by_one_lattice_and_cuts():
    net = GraphBuilder(100, 2)
    x = net.convolution(net.window, "shared", 2, taps=3)
    far = net.newest(net.convolution(x, "far", 2, taps=3, dilation=12))
    near = net.newest(net.convolution(x, "near", 2, taps=4, dilation=4))
    needed = plan(net.finish(net.sum(far, near)))
    # One reads 24, 12 and 0 before the end, the other 12, 8, 4 and 0.
    assert needed.lattices[1] == Lattice(4, 7)
    found = {step.what.name: step for step in needed.steps if step.taps}
    assert found["far"].taps[1:] == (3, 3, 1)
    assert found["near"].taps[1:] == (4, 1, 1)
    assert needed.steps[found["near"].reads[0]].what == Cut(3, 1)


def test_a_single_position_does_not_ask_for_a_finer_lattice():
    """A convolution whose older taps lie before the window needs one position, wherever the others are."""
    net = GraphBuilder(20, 2)
    x = net.convolution(net.window, "shared", 2, taps=2)
    dead = net.newest(net.convolution(x, "dead", 2, taps=3, dilation=50))
    live = net.newest(net.convolution(x, "live", 2, taps=3, dilation=6))
    assert plan(net.finish(net.sum(dead, live))).lattices[1] == Lattice(6, 3)
