"""The crew of a search is told in its studies' folders while it works, and whatever goes wrong there stops nothing."""

import time

import pytest

from tinynas.errors import BoardError
from tinynas.search import crew_watch
from tinynas.search.crew_watch import watch_crew
from tinynas.study import BoardNote, CrewNotes, WorkerNote, read_crew


class Crew:
    """Workers that say what the test has them say."""

    def __init__(self):
        self.notes = (WorkerNote("process 1", (4,), 10.0),)

    def members(self):
        return self.notes


class Folder:
    def __init__(self, folder):
        self.folder = folder


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(crew_watch, "_LOOK_S", 0.01)
    monkeypatch.setattr(crew_watch, "_BOARDS_S", 0.01)


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_study_hears_of_all_workers_and_of_its_own_boards(tmp_path, board, configure, monkeypatch):
    boards, crew = {"one": [BoardNote("A", "free")], "two": []}, Crew()
    monkeypatch.setattr(crew_watch, "look_at_boards", lambda board, config: boards[board])
    studies = [Folder(tmp_path / name) for name in boards]
    for study in studies:
        study.folder.mkdir()
    with watch_crew(studies, list(boards), configure(), crew):
        until(lambda: read_crew(studies[0].folder) == CrewNotes(crew.notes, (BoardNote("A", "free"),)))
        until(lambda: read_crew(studies[1].folder) == CrewNotes(crew.notes))
        crew.notes = ()
        boards["one"] = [BoardNote("A", "set aside", "its self-test fails", 3.0)]
        until(lambda: read_crew(studies[0].folder) == CrewNotes((), tuple(boards["one"])))
    assert [list(study.folder.iterdir()) for study in studies] == [[], []]


def test_boards_that_cannot_be_looked_at_are_none(tmp_path, board, configure, monkeypatch):
    def fail(board, config):
        raise BoardError("no such port")

    monkeypatch.setattr(crew_watch, "look_at_boards", fail)
    crew = Crew()
    with watch_crew([Folder(tmp_path)], [board], configure(), crew):
        until(lambda: read_crew(tmp_path) == CrewNotes(crew.notes))


def test_a_crew_that_cannot_be_asked_stops_no_search(tmp_path, board, configure):
    class Broken:
        def members(self):
            raise RuntimeError

    with watch_crew([Folder(tmp_path)], [board], configure(), Broken()):
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
