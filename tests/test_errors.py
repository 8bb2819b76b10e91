"""The exception tree: what a user reads, what survives a process border, what the search loop decides on."""

import ast
import inspect
import pickle
from pathlib import Path

import pytest

import tinynas
from tinynas import errors
from tinynas.errors import ConfigError, Refusal, TargetFault, TinynasError

ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, TinynasError)]


def test_the_text_holds_place_message_and_advice():
    error = ConfigError("unknown key 'filtres'", where="my.yaml:space.filtres", advice="did you mean 'filters'?")
    assert str(error) == "my.yaml:space.filtres: unknown key 'filtres' (did you mean 'filters'?)"


@pytest.mark.parametrize(
    ("where", "advice", "text"), [(None, None, "bad"), ("f", None, "f: bad"), (None, "do", "bad (do)")]
)
def test_place_and_advice_are_optional(where, advice, text):
    assert str(TinynasError("bad", where=where, advice=advice)) == text


def test_the_headline_is_the_text_without_the_advice():
    assert TinynasError("bad", where="f", advice="do").headline == "f: bad"
    assert TinynasError("bad", advice="do").headline == "bad"
    assert "\x1b" not in TinynasError("b\x1b[2Jad", where="a\x1b[Hb").headline


@pytest.mark.parametrize("cls", ALL)
def test_every_error_survives_pickling_with_all_its_fields(cls):
    copy = pickle.loads(pickle.dumps(cls("what", where="here", advice="do")))
    assert type(copy) is cls
    assert (copy.message, copy.where, copy.advice) == ("what", "here", "do")


def test_fields_beyond_the_text_survive_pickling_too():
    refusal = pickle.loads(pickle.dumps(Refusal("the board refuses `db load 9`: size", reason="size")))
    assert refusal.reason == "size"
    fault = pickle.loads(pickle.dumps(TargetFault("a fault", kind="HardFault", registers={"pc": 0x0800_0124})))
    assert (fault.kind, fault.registers) == ("HardFault", {"pc": 0x0800_0124})


def test_no_exception_of_the_tree_stands_in_another_file():
    """Found in the sources. The tuner's errors that are also Python's own, as in Mango, have a second base."""
    names = {cls.__name__ for cls in ALL}
    strays = [
        f"{path.name}: {node.name}"
        for path in Path(tinynas.__file__).parent.rglob("*.py")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and len(node.bases) == 1
        and names & {base.id for base in node.bases if isinstance(base, ast.Name)}
    ]
    assert strays == []


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("ConfigError", "stop"),
        ("DatasetError", "stop"),
        ("HostError", "stop"),
        ("NoFeasibleCandidate", "stop"),
        ("UnsupportedOp", "infeasible"),
        ("TrainingDiverged", "infeasible"),
        ("FlashOverflow", "infeasible"),
        ("RamOverflow", "infeasible"),
        ("ToolchainMissing", "stop"),
        ("FlashError", "retry"),
        ("LinkTimeout", "retry"),
        ("Refusal", "retry"),
        ("TargetFault", "retry"),
        ("BoardNotFound", "stop"),
        ("ParityError", "stop"),
        ("StudyError", "stop"),
    ],
)
def test_who_is_at_fault_the_network_the_rig_or_the_request(name, disposition):
    assert getattr(errors, name)("what").disposition == disposition
