"""Work by operator: what the resource model says of the whole."""

import pytest

from tinynas.board import load_board
from tinynas.cost import Engine, estimate, lower, lower_predicted, work_by_operator
from tinynas.deploy.compiler import map_program
from tinynas.network import CNN, TCN, MinGRU, SeparableTCN

SHAPE = {"window": 200, "channels": 6}
NETWORKS = [
    TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), **SHAPE),
    SeparableTCN(filters=12, kernel_size=4, dilations=(1, 4), **SHAPE),
    CNN(filters=8, kernel_size=5, strides=(2, 2), **SHAPE),
    MinGRU(filters=8, kernel_size=4, strides=(5,), units=8, steps=4, **SHAPE),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
@pytest.mark.parametrize("board", ["nucleo_f446re", "nucleo_l073rz"])
def test_operators_add_up_to_the_network(network, board):
    engine = Engine.aot(load_board(board))
    whole, found = estimate(network, engine), work_by_operator(network, engine)
    assert sum(one.macs for one in found) == whole.macs
    if whole.cycles is None:
        assert all(one.cycles is None for one in found)
    else:  # what is missing: the call of the model, and waits for constants
        assert 0.8 * whole.cycles < sum(one.cycles for one in found) < whole.cycles + 1


def test_an_interpreters_operators_have_no_cycles():
    found = work_by_operator(NETWORKS[0], Engine.tflm())
    assert sum(one.macs for one in found) == estimate(NETWORKS[0], Engine.tflm()).macs
    assert {one.cycles for one in found} == {None}


def test_titles_are_those_of_the_arena():
    network = NETWORKS[0]
    labels = {slot.label for slot in map_program(lower_predicted(lower(network))).slots}
    titles = {one.title for one in work_by_operator(network, Engine.aot(load_board("nucleo_f446re")))}
    # The last operator's output is no buffer of the arena.
    assert len(titles & {part for label in labels for part in label.split(", ")}) >= len(titles) - 1
