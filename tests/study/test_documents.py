from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinynas.errors import StudyError
from tinynas.study.documents import dump, load, printable

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=6
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(st.characters()), VALUES, max_size=4))
def test_round_trip(document: dict[str, Any]) -> None:
    text = dump(document, "d")
    assert text.isascii()
    assert load(text, "d") == document


def test_numpy_values_become_plain() -> None:
    document = {
        "i": np.int8(3),
        "f": np.float32(0.5),
        "b": np.bool_(True),
        "s": np.str_("x"),
        "a": np.arange(4).reshape(2, 2),
        "t": (np.float64(1.0), 2),
    }
    plain = load(dump(document, "d"), "d")
    assert plain == {"i": 3, "f": 0.5, "b": True, "s": "x", "a": [[0, 1], [2, 3]], "t": [1.0, 2]}
    assert type(plain["b"]) is bool


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float16("nan"), np.array([1.0, np.inf])])
def test_not_finite_is_refused_with_its_place(bad: object) -> None:
    with pytest.raises(StudyError, match="not a number a study can store") as caught:
        dump({"a": [{"b": 1}, {"c": bad}]}, "metrics")
    assert str(caught.value.where).startswith("metrics.a[1].c")


@pytest.mark.parametrize("bad", [b"bytes", {1, 2}, object(), 1j, {1: "int key"}, np.complex64(1)])
def test_other_values_are_refused(bad: object) -> None:
    with pytest.raises(StudyError) as caught:
        dump({"x": bad}, "config")
    assert caught.value.where == "config.x"


def test_only_mappings_are_documents() -> None:
    with pytest.raises(StudyError, match="expected a mapping, not list"):
        dump([1], "config")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000, '"x"'])
def test_damaged_text(text: str) -> None:
    with pytest.raises(StudyError, match="stored JSON"):
        load(text, "here")


@settings(deadline=None)
@given(st.text(st.characters()))
def test_printable_text_is_utf8_and_mostly_unchanged(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert shown == text


def test_output_is_strict_json() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(dump({"x": [1e308, -0.0]}, "d"), parse_constant=refuse)
