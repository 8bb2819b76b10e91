"""The exception tree: what a user reads, what survives a process border, what the search loop decides on."""

import inspect
import pickle

import pytest

from tinynas import errors
from tinynas.errors import BoardError, BoardNotFound, ConfigError, TinynasError

ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, TinynasError)]


def test_the_text_holds_place_message_and_advice():
    error = ConfigError("unknown key 'filtres'", where="my.yaml:space.filtres", advice="did you mean 'filters'?")
    assert str(error) == "my.yaml:space.filtres: unknown key 'filtres' (did you mean 'filters'?)"


@pytest.mark.parametrize(
    ("where", "advice", "text"), [(None, None, "bad"), ("f", None, "f: bad"), (None, "do", "bad (do)")]
)
def test_place_and_advice_are_optional(where, advice, text):
    assert str(TinynasError("bad", where=where, advice=advice)) == text


@pytest.mark.parametrize("cls", ALL)
def test_every_error_survives_pickling_with_all_its_fields(cls):
    copy = pickle.loads(pickle.dumps(cls("what", where="here", advice="do")))
    assert type(copy) is cls
    assert (copy.message, copy.where, copy.advice) == ("what", "here", "do")


@pytest.mark.parametrize("cls", ALL)
def test_every_error_is_public_and_has_a_disposition(cls):
    assert cls.__name__ in errors.__all__
    assert cls.disposition in ("infeasible", "retry", "stop")


def test_only_properties_of_the_network_are_infeasible():
    infeasible = {cls.__name__ for cls in ALL if cls.disposition == "infeasible"}
    assert infeasible == {"ConversionError", "UnsupportedOp", "FlashOverflow", "RamOverflow"}


def test_a_misbehaving_board_is_tried_again_but_an_absent_one_is_not():
    assert BoardError.disposition == "retry"
    assert BoardNotFound.disposition == "stop"
