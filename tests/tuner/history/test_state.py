import json

import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as hs

from tinynas.errors import StudyError
from tinynas.tuner import ConfigValueError, Tuner
from tinynas.tuner.checks import StateError

SPACE = {"n": range(20), "x": st.uniform(0, 1), "c": ["a", "b"]}
CONF = {"seed": 4, "sense": "minimize"}


def searched(evaluations=7):
    tuner = Tuner(SPACE, conf_dict=CONF)
    for i in range(evaluations):
        [p] = tuner.ask()
        tuner.tell(
            p, None if i == 2 else p["n"] + p["x"], constraints={"r": p["x"] - 0.5}, fidelity=0.5 + 0.5 * (i > 3)
        )
    tuner.ask(2)
    return tuner


def test_a_file_holds_everything(tmp_path):
    tuner = searched()
    path = tmp_path / "search.json"
    tuner.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["search.json"]
    assert json.loads(path.read_text())["format"] == 2
    other = Tuner(SPACE, conf_dict=CONF | {"seed": 99})
    other.load(str(path))
    assert other.state_dict() == tuner.state_dict()
    assert other.seed == 4
    assert other.ask(2) == tuner.ask(2)
    other.save(path)
    tuner.load(path)
    assert len(tuner.pending) == 4


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    tuner = searched(3)
    path = tmp_path / "search.json"
    tuner.save(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    tuner.ask()
    with pytest.raises(OSError, match="disk full"):
        tuner.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["search.json"]


@pytest.mark.parametrize("text", ["", "[1", "null", "[]", '{"format": 9}'])
def test_a_file_that_is_no_state(tmp_path, text):
    path = tmp_path / "search.json"
    path.write_text(text)
    with pytest.raises(ConfigValueError):
        searched(1).load(path)
    with pytest.raises(FileNotFoundError):
        searched(1).load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "change",
    [
        {"values": ["nan"]},
        {"values": [10**400]},
        {"point": [0, 5, 10**400]},
        {"values": [1.0, 2.0]},
        {"values": 3.0},
        {"constraints": [float("inf")]},
        {"fidelity": 0.0},
        {"fidelity": 1.5},
        {"point": [0, None, 0.5]},
    ],
)
def test_damage_is_noticed(change):
    tuner = searched(3)
    state = json.loads(json.dumps(tuner.state_dict()))
    state["observations"][0] |= change
    with pytest.raises(StudyError, match="damaged"):
        tuner.load_state_dict(state)


def test_a_state_whose_point_is_pending_again():
    tuner = Tuner({"n": range(2)}, conf_dict={"seed": 0})
    tuner.tell({"n": 0}, 1.0, fidelity=0.5)
    tuner.ask(2)
    other = Tuner({"n": range(2)})
    other.load_state_dict(tuner.state_dict())
    assert sorted(p["n"] for p in other.pending) == [0, 1]


def test_records_restore_constraints_and_fidelity():
    tuner = Tuner(SPACE, conf_dict=CONF)
    p, q = {"n": 5, "x": 0.25, "c": "a"}, {"n": 6, "x": 0.5, "c": "b"}
    tuner.restore([(p, 3.0, {"r": -1}, 1.0), (q, 1.0, {"r": 1}), (q, 0.5, {"r": -1}, 0.5)], pending=[q], asked=9)
    assert tuner.best == (p, 3.0)
    assert tuner.pending == [q]
    assert tuner.asked == 9
    with pytest.raises(ConfigValueError, match="names"):
        tuner.tell(q, 1.0, constraints=[-1.0])


def test_categories_in_another_order_are_another_space():
    def first(x): ...

    def second(x): ...

    state = Tuner({"c": ["a", "b"], "f": [first, second, (1, 2), None]}).state_dict()
    Tuner({"c": ["a", "b"], "f": [first, second, (1, 2), None]}).load_state_dict(json.loads(json.dumps(state)))
    for space in (
        {"c": ["b", "a"], "f": [first, second, (1, 2), None]},
        {"c": ["a", "b"], "f": [second, first, (1, 2), None]},
    ):
        with pytest.raises(ConfigValueError, match="another search space"):
            Tuner(space).load_state_dict(state)
    assert "0x" not in json.dumps(state)


def test_a_file_of_endless_brackets_is_refused(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("[" * 100_000)
    with pytest.raises(StudyError, match=r"not a saved state.*"):
        Tuner(SPACE, conf_dict=CONF).load(path)


def test_a_state_of_another_format_is_refused():
    with pytest.raises(StudyError, match="format"):
        Tuner(SPACE, conf_dict=CONF).load_state_dict(searched(3).state_dict() | {"format": 1})


ABSURD = hs.sampled_from(
    [None, True, -1, 0, 3, 2**31, 2**63, 2**64, 10**400, -(10**400), 0.5, 1e308, -1e308, 5e-324, "", "1", "nan", [], {}]
)


def leaves(node, path=()):
    """Paths of all parts of a JSON document that hold no others."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found = [leaf for key, part in parts for leaf in leaves(part, (*path, key))]
    return found or [path]


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(hs.data())
def test_a_state_with_absurd_parts_is_refused_or_can_be_gone_on_with(data):
    tuner = searched()
    state = json.loads(json.dumps(tuner.state_dict()))
    path = data.draw(hs.sampled_from(leaves(state)))
    node = state
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = data.draw(ABSURD)
    later = Tuner(SPACE, conf_dict=CONF | {"exploration": 0.5})
    try:
        later.load_state_dict(state)
    except StateError:
        return
    [point] = later.ask()
    assert set(point) == set(SPACE)


@pytest.mark.parametrize(("key", "count"), [("asked", -1), ("asked", 10_000_001), ("seed", -1), ("seed", 10**400)])
def test_counts_that_cannot_be(key, count):
    with pytest.raises(StateError, match="damaged"):
        searched().load_state_dict(searched().state_dict() | {key: count})
