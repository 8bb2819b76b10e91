"""The layer plan against sets of time steps, computed here without it."""

from dataclasses import replace
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.tcn import Architecture, plan
from tinynas.tcn.plan import SlicePlan

from .builders import CORNERS, architectures, random_windows, used_weights, with_corners

#: The machine may be busy, and the first example pays for imports.
ANY_TIME = settings(deadline=None)


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
    """Times that the plan computes, from lengths and strides."""
    positions, spacing = {}, a.spacings
    for index, block in enumerate(plan(a).blocks):
        for place, length, step in (
            ("in", block.first.in_length, spacing[index]),
            ("mid", block.second.in_length, spacing[index]),
            ("out", block.second.out_length, spacing[index + 1] or 1),
        ):
            positions[index, place] = {a.window - 1 - i * step for i in range(length)}
    return positions


@ANY_TIME
@with_corners
@given(architectures(max_blocks=6, max_window=400))
def test_the_plan_computes_the_needed_positions_and_no_other(a):
    needed = needed_positions(a)
    assert planned_positions(a) == needed
    for index, block in enumerate(plan(a).blocks):
        assert block.first.out_length == len(needed[index, "mid"])
        assert block.second.out_length == len(needed[index, "out"])


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
    a = Architecture(filters=2, kernel_size=kernel_size, dilations=dilations, window=window, channels=2)
    assert planned_positions(a) == true_dependencies(a)


@ANY_TIME
@with_corners
@given(architectures(max_window=300))
def test_lengths_fit_together(a):
    pyramid = plan(a)
    assert pyramid.input.length == a.window
    assert pyramid.input.out_length == pyramid.blocks[0].first.in_length
    for index, block in enumerate(pyramid.blocks):
        assert block.first.out_length == block.second.in_length
        if index + 1 < a.blocks:
            assert block.second.out_length == pyramid.blocks[index + 1].first.in_length
        if block.residual is not None:
            assert block.residual.length == block.first.in_length
            assert block.residual.out_length == block.second.out_length
        last = index == a.blocks - 1
        assert (block.residual is None) == (last and a.skip_connections)
        assert (block.projection is None) == (index > 0 or not a.projects)
        assert (block.skip is not None) == a.skip_connections
    assert pyramid.blocks[-1].second.out_length == 1


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
    macs += len(needed[0, "out"]) * a.channels * a.filters * a.projects
    assert plan(a).macs == macs


@settings(ANY_TIME, max_examples=15)
@with_corners
@given(architectures())
def test_the_forward_pass_computes_just_these_positions(a):
    import tensorflow as tf

    from tinynas.tcn.network import fold, forward

    lengths = {}

    def activation(x, name):
        lengths[name] = x.shape[2]
        return tf.nn.relu(x)

    forward(plan(a), fold(a, used_weights(a)), tf.constant(random_windows(a, 2)), activation)
    needed = needed_positions(a)
    assert lengths == {
        f"block{block}/conv{index}": len(needed[block, place])
        for block in range(a.blocks)
        for index, place in ((1, "mid"), (2, "out"))
    }


def test_macs_of_published_networks():
    """TinyODOM-EX's two networks (10 channels): 1.92 and 1.37 M MACs dilated, measured before as 0.43 and 0.076 M.

    The second figure counted taps that only ever meet padding; they are cut off here.
    """
    first = Architecture(10, 12, (1, 4, 8, 64), window=200, channels=10, norm="batch")
    second = Architecture(12, 8, (4, 32, 64), window=200, channels=10, norm="batch", skip_connections=True)
    assert plan(first).macs == pytest.approx(0.43e6, rel=0.01)
    assert 0.9 * 0.076e6 < plan(second).macs < 0.076e6


def test_dilated_macs_are_never_fewer():
    for a in CORNERS:
        taps = a.kernel_size * a.filters
        dilated = a.window * taps * (a.channels + (2 * a.blocks - 1) * a.filters)
        assert plan(a).macs <= dilated + a.window * a.channels * a.filters * a.projects + a.filters * a.outputs


@ANY_TIME
@given(architectures(max_window=300), st.integers(1, 300))
def test_a_longer_window_never_costs_less(a, more):
    assert plan(a).macs <= plan(replace(a, window=a.window + more)).macs


@ANY_TIME
@given(st.integers(1, 60), st.data())
def test_a_slice_counts_what_python_counts(length, data):
    part = SlicePlan(length, data.draw(st.integers(0, length - 1)), data.draw(st.integers(1, length)))
    kept = list(range(length))[part.begin :: part.step]
    assert part.out_length == len(kept)
    assert part.identity == (kept == list(range(length)))
