"""Networks in words: what a graph says of itself, whatever family it is of."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tinynas.network import CNN, TCN, MinGRU, SeparableTCN, describe, describe_short
from tinynas.network.builder import GraphBuilder

from .builders import architectures

NET = TCN(12, 8, (4, 32), window=200, channels=6, dropout=0.15, norm="batch", skip_connections=True)


@pytest.mark.parametrize(
    ("network", "sentence", "cell"),
    [
        (
            NET,
            "12 filters, kernel 8, dilations 4 and 32, dropout 0.15, batch normalisation, skip connections",
            "12 f · k 8 · d 4 32 · BN · skip",
        ),
        (
            replace(NET, dropout=0.0, norm="none", skip_connections=False, symmetry="c4"),
            "12 filters, kernel 8, dilations 4 and 32, no normalisation, no skip connections, the same in all quarter "
            "turns",
            "12 f · k 8 · d 4 32 · C4",
        ),
        (
            SeparableTCN(5, 3, (7,), window=50, channels=6),
            "5 filters, depthwise kernel 3, dilation 7, no normalisation, no skip connections",
            "5 f · k 3 · d 7 · DW",
        ),
        (
            TCN(3, 2, (4, 4, 4), window=50, channels=3),
            "3 filters, kernel 2, dilations 4, 4 and 4, no normalisation, no skip connections",
            "3 f · k 2 · d 4 4 4",
        ),
        (
            CNN(9, 4, (2, 1, 3), window=50, channels=3, pool="mean", dropout=0.1),
            "9 filters, kernel 4, strides 2, 1 and 3, mean over time, dropout 0.1, no normalisation",
            "9 f · k 4 · s 2 1 3 · mean",
        ),
        (
            MinGRU(9, 4, (5,), units=7, steps=8, window=50, channels=3, norm="batch"),
            "9 filters, kernel 4, stride 5, 8 gated steps of 7 units, batch normalisation",
            "9 f · k 4 · s 5 · 8 x 7 u · BN",
        ),
    ],
)
def test_a_network_is_told_by_what_decides_it(network, sentence, cell):
    assert describe(network) == sentence
    assert describe_short(network) == cell


def test_layers_of_different_sizes_are_a_range():
    net = GraphBuilder(40, 2)
    x = net.relu(net.convolution(net.window, "a/conv", 4, taps=3))
    x = net.relu(net.convolution(x, "b/conv", 9, taps=5, dilation=3))
    assert describe(net.finish(net.dense(net.newest(x), "head", 2))).startswith(
        "4 to 9 filters, kernel 3 to 5, dilations 1 and 3,"
    )


@settings(deadline=None)
@given(architectures())
def test_the_words_are_those_of_the_parameters(a):
    text = describe(a)
    assert text.startswith(f"{a.filters} filters, kernel {a.kernel_size}, dilation")
    if a.kernel_size > 1:
        assert all(str(dilation) in text for dilation in a.dilations)
    assert ("batch normalisation" in text) == (a.norm == "batch")
    # One block alone has nothing that its skip connection could be added to.
    assert text.endswith("no skip connections") != (a.skip_connections and a.blocks > 1)
