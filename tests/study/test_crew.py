"""News of workers and boards: whatever is in the file, it harms nobody."""

import json
import os
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.study import BoardNote, CrewNotes, WorkerNote, clear_crew, process_lives, read_crew, write_crew

NOTES = CrewNotes(
    (WorkerNote("process 7", (3, 5), 1000.5), WorkerNote("tcp://a:1", problem="the disk is full", boards=2)),
    (BoardNote("066AFF", "in use", "process 7 (tinynas search)", 1000.0), BoardNote("B", "free")),
)
SIGNED = {"pid": os.getpid(), "host": socket.gethostname(), "written": time.time()}


def test_what_is_written_is_read_until_it_is_taken_away(tmp_path):
    write_crew(tmp_path, NOTES)
    assert read_crew(tmp_path) == NOTES
    assert [path.name for path in tmp_path.iterdir()] == ["crew.json"]
    clear_crew(tmp_path)
    assert read_crew(tmp_path) == CrewNotes()


def test_a_killed_search_has_no_workers(tmp_path):
    write_crew(tmp_path, NOTES)
    path = tmp_path / "crew.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": 2**22 + 1}))  # above every process's number
    assert read_crew(tmp_path) == CrewNotes()
    assert process_lives(os.getpid())
    assert not process_lives(2**22 + 1)


KEYS = ["name", "trials", "state", "boards"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=8,
)


@given(workers=ANYTHING, boards=ANYTHING)
def test_whatever_stands_there_is_read_as_notes(tmp_path_factory, workers, boards):
    folder = tmp_path_factory.mktemp("study")
    (folder / "crew.json").write_text(json.dumps({**SIGNED, "workers": workers, "boards": boards}))
    found = read_crew(folder)
    assert all(isinstance(one.name, str) for one in (*found.workers, *found.boards))
    assert all(isinstance(one.boards, int) and one.boards >= 0 for one in found.workers)
    assert all(isinstance(trial, int) and trial >= 0 for one in found.workers for trial in one.trials)


@pytest.mark.parametrize("rows", [{"name": "x"}, [{"name": 3}], [["name", "x"]], "x"])
def test_rows_that_are_none_are_left_out(tmp_path, rows):
    (tmp_path / "crew.json").write_text(json.dumps({**SIGNED, "workers": rows, "boards": rows}))
    assert read_crew(tmp_path) == CrewNotes()
