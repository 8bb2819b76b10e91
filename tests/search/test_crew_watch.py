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


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_what_fails_is_said_once_and_the_rest_goes_on(tmp_path, board, configure, monkeypatch, caplog):
    """Asking the workers fails for a while: the boards are told meanwhile, and the workers afterwards."""

    class Moody(Crew):
        asked, broken = 0, True

        def members(self):
            Moody.asked += 1
            if self.broken:
                raise RuntimeError("a pipe is closed")
            return self.notes

    crew, boards = Moody(), (BoardNote("A", "free"),)
    monkeypatch.setattr(crew_watch, "look_at_boards", lambda board, config: boards)
    with watch_crew([Folder(tmp_path)], [board], configure(), crew):
        until(lambda: read_crew(tmp_path) == CrewNotes((), boards))
        until(lambda: crew.asked > 5)
        crew.broken = False
        until(lambda: read_crew(tmp_path) == CrewNotes(crew.notes, boards))
    assert warnings(caplog) == [
        "the workers cannot be looked at (news only; tried again): RuntimeError: a pipe is closed"
    ]
    assert list(tmp_path.iterdir()) == []


def test_boards_that_fail_once_are_told_again_and_each_study_has_its_own(tmp_path, configure, monkeypatch, caplog):
    looks = {"one": 0, "two": 0}

    def look(board, config):
        looks[board] += 1
        if board == "one" and looks[board] < 4:
            raise OSError("the port has gone")
        return [BoardNote(f"{board} {looks[board]}", "free")]

    monkeypatch.setattr(crew_watch, "look_at_boards", look)
    studies = [Folder(tmp_path / name) for name in looks]
    for study in studies:
        study.folder.mkdir()
    with watch_crew(studies, list(looks), configure(), Crew()):
        until(lambda: looks["one"] > 5)
        until(lambda: read_crew(studies[0].folder).boards and read_crew(studies[1].folder).boards)
    assert warnings(caplog) == ["the boards cannot be looked at (news only; tried again): OSError: the port has gone"]


def test_news_that_cannot_be_written_are_tried_again(tmp_path, board, configure, monkeypatch, caplog):
    tries, write = [], crew_watch.write_crew

    def fail_first(folder, notes):
        tries.append(notes)
        if len(tries) < 3:
            raise ValueError("not JSON")
        write(folder, notes)

    monkeypatch.setattr(crew_watch, "write_crew", fail_first)
    crew = Crew()
    with watch_crew([Folder(tmp_path)], [board], configure(), crew):
        until(lambda: read_crew(tmp_path) == CrewNotes(crew.notes))
    assert warnings(caplog) == [
        "who works for the search cannot be told (news only; tried again): ValueError: not JSON"
    ]
