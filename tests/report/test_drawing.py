"""The picture of a network: a point for each position, as counted by hand."""

from collections import Counter

from tests.deploy.candidates import candidates
from tinynas.network import TCN, SeparableTCN, plan
from tinynas.network.layers import Convolution
from tinynas.report.figures import draw_network


def test_points_by_hand():
    figure = draw_network(TCN(8, 3, (1, 4), window=40, channels=6).graph).to_plotly_json()
    [points] = figure["data"]
    rows = {}
    for x, y in zip(points["x"], points["y"], strict=True):
        rows.setdefault(y, []).append(x)
    # Block 1 reads 16 samples back from the end in steps of 4; block 0 a further 2 + 2.
    assert rows["block1/conv2, k 3, d 4"] == [0]
    assert rows["block1/conv1, k 3, d 4"] == [0, -4, -8]
    assert rows["block0/conv2, k 3, d 1"] == [0, -4, -8, -12, -16]
    assert rows["block0/conv1, k 3, d 1"] == list(range(0, -19, -1))
    assert rows["window"] == list(range(0, -21, -1))
    assert rows["head"] == [0]
    assert figure["layout"]["yaxis"]["categoryarray"][0] == "head"
    assert figure["layout"]["yaxis"]["categoryarray"][-1] == "window"
    assert "19 of 40 positions x 8 channels<br>2,736 MACs" in points["customdata"]  # 19 x 3 taps x 6 x 8


def test_every_position_of_every_convolution_is_drawn():
    for a in [*candidates(6), SeparableTCN(6, 4, (2, 8), window=90, channels=6, skip_connections=True)]:
        [points] = draw_network(a.graph)["data"]
        drawn = Counter(label.split(",")[0] for label in points["y"])
        wanted = {step.what.name: step.positions for step in plan(a).steps if isinstance(step.what, Convolution)}
        assert {name: drawn[name] for name in wanted} == wanted
