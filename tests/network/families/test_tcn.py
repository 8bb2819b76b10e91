"""One network as numbers."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings

from tests.network.builders import architectures
from tinynas.errors import SpaceError
from tinynas.network import TCN

#: The machine may be busy.
ANY_TIME = settings(deadline=None)
VALID = {"filters": 4, "kernel_size": 3, "dilations": (1, 2), "window": 32, "channels": 6}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"filters": 0}, "filters"),
        ({"filters": 4.0}, "filters"),
        ({"filters": "4"}, "filters"),
        ({"kernel_size": -1}, "kernel_size"),
        ({"window": 0}, "window"),
        ({"channels": None}, "channels"),
        ({"outputs": 0}, "outputs"),
        ({"dilations": ()}, "dilations"),
        ({"dilations": (1, 0)}, "dilations"),
        ({"dilations": (1, 2.0)}, "dilations"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.01}, "dropout"),
        ({"dropout": float("nan")}, "dropout"),
        ({"norm": "layer"}, "norm"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(fields, name):
    with pytest.raises(SpaceError, match=f"^architecture: {name} ") as caught:
        TCN(**{**VALID, **fields})
    assert repr(fields[name]) in str(caught.value)


def test_an_architecture_cannot_be_changed_and_is_a_key():
    a = TCN(**VALID)
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.filters = 5
    assert {a: 1}[TCN(**{**VALID, "dilations": [1, 2]})] == 1


@ANY_TIME
@given(architectures())
def test_json_carries_everything(a):
    assert TCN.from_dict(json.loads(json.dumps(a.to_dict()))) == a


@ANY_TIME
@given(architectures(), architectures())
def test_keys_are_equal_exactly_if_the_networks_are(a, b):
    assert a.key == TCN.from_dict(a.to_dict()).key
    assert (a.key == b.key) == (a == b)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(TCN)])
def test_every_field_is_in_the_key(field):
    other = {
        "filters": 5, "kernel_size": 4, "dilations": (12,), "window": 33, "channels": 7, "dropout": 0.01,
        "skip_connections": True, "norm": "batch", "outputs": 3, "symmetry": "c4", "squeeze": 2,
    }  # fmt: skip
    valid = {**VALID, "filters": 4, "channels": 6} if field == "symmetry" else VALID
    assert TCN(**{**valid, field: other[field]}).key != TCN(**valid).key


@ANY_TIME
@given(architectures(max_blocks=3))
def test_receptive_field_is_the_span_of_samples_that_reach_the_output(a):
    reached = {0}
    for dilation in a.dilations:
        for _ in range(2):
            reached = {t + tap * dilation for t in reached for tap in range(a.kernel_size)}
    assert a.receptive_field == max(reached) + 1


def test_parameters_by_hand():
    a = TCN(filters=2, kernel_size=3, dilations=(1, 4), window=32, channels=5, outputs=2)
    first, others, projection, head = 3 * 5 * 2 + 2, 3 * (3 * 2 * 2 + 2), 5 * 2 + 2, 2 * 2 + 2
    assert a.parameters == first + others + projection + head
    alone = dataclasses.replace(a, dilations=(1,), skip_connections=True)
    assert alone.parameters == first + (3 * 2 * 2 + 2) + head
    assert dataclasses.replace(a, channels=2).parameters == others + (3 * 2 * 2 + 2) + head


def test_an_integer_of_numpy_is_told_apart():
    # It would not survive JSON; the space converts what a tuner suggests.
    with pytest.raises(SpaceError, match="filters"):
        TCN(**{**VALID, "filters": np.int64(4)})
