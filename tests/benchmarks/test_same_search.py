"""What two searches differ in."""

import copy

import pytest

TRIAL = {
    "params": {"filters": 8, "dropout": 0.1},
    "seed": 7,
    "state": "done",
    "measurement": {"sram_bytes": 100, "image_hash": "ab"},
    "metrics": {"error": 0.5, "train_seconds": 3.0},
    "objective": 0.4,
    "artefacts": {"tflite": "12"},
    "times": {"proposed": 1.0},
}


@pytest.fixture
def differences():
    from same_search import differences

    return differences


def changed(field, value, key=None):
    trial = copy.deepcopy(TRIAL)
    if key is None:
        trial[field] = value
    else:
        trial[field][key] = value
    return trial


def test_equal_searches_differ_in_nothing_whatever_the_clock_says(differences):
    other = changed("metrics", 9.0, "train_seconds") | {"times": {"proposed": 2.0}}
    assert differences([TRIAL, TRIAL], [TRIAL, other]) == []


@pytest.mark.parametrize(
    ("field", "key", "value"),
    [
        ("params", "dropout", 0.10000000000000002),
        ("measurement", "image_hash", "ac"),
        ("measurement", "latency_us", 1.5),
        ("metrics", "error", None),
        ("artefacts", "tflite", "13"),
        ("state", None, "failed"),
        ("objective", None, 0.5),
    ],
)
def test_one_difference_is_named(differences, field, key, value):
    (found,) = differences([TRIAL, TRIAL], [TRIAL, changed(field, value, key)])
    assert (found["trial"], found["field"], found["key"], found["new"]) == (1, field, key or "", value)


def test_of_each_trial_the_first_difference_is_told(differences):
    other = changed("params", 9, "filters") | {"objective": 3.0}
    assert [row["field"] for row in differences([TRIAL], [other])] == ["params"]


def test_a_trial_that_is_missing(differences):
    (found,) = differences([TRIAL, TRIAL], [TRIAL])
    assert found == {"trial": 1, "field": "trial", "key": "", "old": True, "new": False}
