"""The layer graph: shapes and counts by hand, and what is refused."""

import pytest

from tinynas.errors import SpaceError
from tinynas.network import TCN
from tinynas.network.builder import GraphBuilder
from tinynas.network.layers import Activation, Addition, Convolution, Dense, Input, LayerGraph, Shape, Slice


def test_shapes_and_parameters_by_hand():
    net = GraphBuilder(window=21, channels=3)
    x = net.convolution(net.window, "a", 4, taps=5, dilation=2, stride=4)
    x = net.convolution(x, "b", 4, taps=3, groups=4)
    x = net.relu(net.sum(x, x))
    graph = net.finish(net.dense(net.mean(net.newest(x, count=2, step=3)), "head", 2))
    lengths = [(shape.length, shape.channels) for shape in graph.shapes]
    # 21 positions, every fourth from the last: 20, 16, 12, 8, 4, 0.
    assert lengths == [(21, 3), (6, 4), (6, 4), (6, 4), (6, 4), (2, 4), (1, 4), (1, 2)]
    assert graph.parameters == (5 * 3 * 4 + 4) + (3 * 4 + 4) + (4 * 2 + 2)
    assert graph.outputs == 2


def test_graphs_are_values():
    a, b = (TCN(4, 3, (1, 2), window=30, channels=3).graph for _ in range(2))
    assert a is not b
    assert (a, hash(a)) == (b, hash(b))
    assert a != TCN(4, 3, (1, 4), window=30, channels=3).graph


WINDOW = Input(8, 2)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((WINDOW, Slice(2)), "layer 1 reads what does not come before it"),
        ((WINDOW, Slice(1)), "layer 1 reads what does not come before it"),
        ((WINDOW, WINDOW), "layer 1 reads what does not come before it"),
        ((WINDOW, Activation(0), Slice(0)), "nothing reads layer 1"),
        ((WINDOW, Dense(0, "head", 2)), "layer 1 is linear and reads 8 positions"),
        ((WINDOW, Convolution(0, "a", 4, 3, groups=2)), "layer 1 has 2 groups"),
        ((WINDOW, Slice(0, 4), Addition(0, 1)), r"layer 2 joins Shape\(length=8"),
        ((WINDOW, Slice(0, 4, 3)), "layer 1 takes more than 8 positions"),
    ],
)
def test_what_does_not_fit_is_refused(layers, message):
    with pytest.raises(SpaceError, match=message):
        assert LayerGraph(layers).shapes


def test_the_output_is_the_last_layer():
    net = GraphBuilder(8, 2)
    x = net.newest(net.window)
    net.relu(x)
    with pytest.raises(SpaceError, match="the output is not the last layer"):
        net.finish(x)


def test_a_dropout_that_drops_nothing_is_no_layer():
    net = GraphBuilder(8, 2)
    assert net.dropout(net.window, "a", 0.0) == net.window
    assert net.dropout(net.window, "a", 0.1) != net.window
    assert Shape(8, 2) == LayerGraph(tuple(net.layers)).shapes[-1]
