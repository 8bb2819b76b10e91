"""What a search is doing, in words and tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tinynas.report.dashboard.at_work import at_work
from tinynas.report.figures import history
from tinynas.report.html.sections import Section
from tinynas.report.view import read_view
from tinynas.study import BoardNote, CrewNotes, LiveNotes, Study, WorkerNote

Make = Callable[..., Study]


def rows(section: Section, table: int) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in section.tables[table].rows]


def shown(view: Any, now: float) -> Section:
    return at_work(view, lambda number: f"/t/{number}", now)


def test_time_left_at_the_pace_of_this_session(make_study: Make) -> None:
    study = make_study(4)
    view = read_view(study)
    last = max(max(trial.times.values()) for trial in view.trials)
    live = LiveNotes(running=True, planned=10, workers=2, started=last - 40, written=last)
    section = shown(replace(view, live=live), last + 5)
    assert "A search is at work with 2 workers, for 45.0\N{NO-BREAK SPACE}s in this session" in section.note
    assert "needs about 1\N{NO-BREAK SPACE}min 0\N{NO-BREAK SPACE}s more" in section.note
    assert rows(section, 0)[0][:2] == ["ended", "4 of 10"]


def test_silence_is_told(make_study: Make) -> None:
    study = make_study(0)
    study.propose(params=None, architecture={}, key="k", seed=0)
    study.advance(0, "costed")
    view = replace(read_view(study), live=LiveNotes(running=True, epochs=9, written=1000.0, curves={0: (0.5, 0.25)}))
    begun = max(view.trials[0].times.values())
    view = replace(view, live=replace(view.live, written=begun))
    assert "It has said nothing for 5\N{NO-BREAK SPACE}min 0\N{NO-BREAK SPACE}s" in shown(view, begun + 300).note
    assert "nothing" not in shown(view, begun + 3).note
    assert rows(shown(view, begun + 7), 1) == [["0", "training", "7.0 s", "2 of 9", "0.250", "\N{EN DASH}"]]
    assert shown(view, begun).tables[1].rows[0].cells[0].href == "/t/0"


def test_workers_and_boards_are_told_while_a_search_works(make_study: Make) -> None:
    crew = CrewNotes(
        (
            WorkerNote("process 7", (3,), 90.0),
            WorkerNote("tcp://a:1", (1, 2)),
            WorkerNote("tcp://b:1", (), 40.0, "the disk is full"),
            WorkerNote("process 8"),
        ),
        (BoardNote("066A", "in use", "process 7 (tinynas search)", 95.0), BoardNote("066B", "free")),
    )
    view = replace(read_view(make_study(2)), crew=crew)
    working = shown(replace(view, live=LiveNotes(running=True)), 100.0)
    dash = "\N{EN DASH}"
    assert rows(working, 1) == [
        ["process 7", "trial 3", "10.0 s"],
        ["tcp://a:1", "trial 1, trial 2", dash],
        ["tcp://b:1", "gets no work: the disk is full", "1 min 0 s"],
        ["process 8", "waits", dash],
    ]
    assert [row.cells[1].href for row in working.tables[1].rows] == ["/t/3", "", "", ""]
    assert rows(working, 2) == [["066A", "in use", "process 7 (tinynas search)", "5.0 s"], ["066B", "free", "", dash]]
    assert len(shown(view, 100.0).tables) == 1, "nobody works for a search that has ended"


def test_boards_of_a_cluster_are_counted_at_its_workers_and_virtual_ones_are_a_line(make_study: Make) -> None:
    crew = CrewNotes(
        (WorkerNote("tcp://a:1", (1,), 90.0, boards=2), WorkerNote("tcp://b:1", (), 40.0)),
        (BoardNote("nucleo_f446re", "virtual", "one for each measurement"),),
    )
    working = shown(replace(read_view(make_study(2)), crew=crew, live=LiveNotes(running=True)), 100.0)
    assert [head.text for head in working.tables[1].heads] == ["worker", "doing", "boards", "since"]
    assert rows(working, 1) == [["tcp://a:1", "trial 1", "2", "10.0 s"], ["tcp://b:1", "waits", "0", "1 min 0 s"]]
    assert rows(working, 2)[0][:3] == ["nucleo_f446re", "virtual", "one for each measurement"]


def test_a_killed_search_and_one_that_has_ended(make_study: Make) -> None:
    study = make_study(3)
    study.propose(params=None, architecture={}, key="k", seed=0)
    killed = shown(read_view(study), 0.0)
    assert "`tinynas resume` goes on with it" in killed.note
    assert rows(killed, 0)[0][1] == "3 of 50"
    assert rows(killed, 1)[0][1] == "left proposed"
    ended = shown(read_view(make_study(3, recordings=["w"])), 0.0)
    assert ended.note == "The search has ended."
    assert rows(ended, 0)[0][1] == "3"


def test_why_trials_failed(make_study: Make) -> None:
    study = make_study(0)
    for number, reason in enumerate(("no answer", "no answer", "x" * 500)):
        study.propose(params=None, architecture={}, key=str(number), seed=0)
        study.advance(number, "failed", reason=reason)
    assert rows(shown(read_view(study), 0.0), 1) == [["no answer", "2"], ["x" * 200, "1"]]


def test_paused_trials_are_counted_and_listed_only_while_they_train_on(make_study: Make) -> None:
    study = make_study(0)
    for number in range(2):
        study.propose(params=None, architecture={}, key=str(number), seed=0)
        study.advance(number, "costed")
        metrics = {"rungs": [{"epochs": 3}], "history": [0.5]}
        study.advance(number, "paused", metrics=metrics, artefacts={"checkpoint": b"x"})
    view = read_view(study)
    assert view.under_way == []
    resting = shown(view, 0.0)
    assert rows(resting, 0)[-1][:2] == ["paused, not among the best", "2"]
    assert len(resting.tables) == 1
    on = shown(replace(view, live=LiveNotes(running=True, curves={1: (0.5, 0.4)})), 0.0)
    assert [row[:2] for row in rows(on, 1)] == [["1", "training on"]]
    drawn = history(view).to_plotly_json()["data"]
    assert [(trace["name"], list(trace["x"])) for trace in drawn] == [("paused", [0, 1])]


def test_minutes_that_are_left(make_study: Make) -> None:
    study = make_study(2, config={"minutes": 10})
    study.set_summary({"seconds": 240.0})
    view = read_view(study)
    last = max(max(trial.times.values()) for trial in view.trials)
    live = LiveNotes(running=True, started=last - 100, written=last)
    assert "about 5\N{NO-BREAK SPACE}min 0\N{NO-BREAK SPACE}s more" in shown(replace(view, live=live), last + 60).note
