"""The folder of a search for several boards, and what such a search refuses."""

import json

import pytest

from tinynas.cli import main
from tinynas.cli.progress import Progress
from tinynas.cli.shared import check_boards, list_studies, open_studies
from tinynas.cli.shared_progress import SharedProgress
from tinynas.config import config_from_mapping
from tinynas.errors import ConfigError, StudyError
from tinynas.study import Study

NAMES = ["nucleo_f446re", "arduino_nano_33_ble"]


@pytest.fixture
def folder(tmp_path):
    """Two empty studies of one search."""
    for name in NAMES:
        made = {"config": {}, "board": {"name": name}, "provenance": {"boards": NAMES}}
        Study.create(tmp_path / "walks" / name, **made).close()
    return tmp_path / "walks"


def test_studies_come_in_the_order_of_the_boards(folder):
    assert [path.name for path in list_studies(folder)] == NAMES
    with open_studies(folder) as studies:
        assert [study.board["name"] for study in studies] == NAMES


def test_one_study_is_itself(folder):
    assert list_studies(folder / NAMES[0]) == [folder / NAMES[0]]
    with open_studies(folder / NAMES[0], readonly=True) as studies:
        assert len(studies) == 1


def test_a_study_of_several_boards_is_not_gone_on_with_alone(folder):
    with pytest.raises(StudyError, match="several boards") as caught, open_studies(folder / NAMES[1]):
        pass
    assert str(folder) in caught.value.advice


def test_a_missing_study_is_named(folder):
    (folder / NAMES[1] / "study.db").unlink()
    with pytest.raises(StudyError, match="is missing") as caught:
        list_studies(folder)
    assert caught.value.where == str(folder / NAMES[1])


def test_studies_of_different_searches_are_not_taken_for_one(tmp_path):
    for name in "ab":
        Study.create(tmp_path / name, config={}, board={"name": name}, provenance={}).close()
    with pytest.raises(StudyError, match="not of one search"):
        list_studies(tmp_path)


def test_compare_puts_the_boards_of_a_search_side_by_side(folder, capsys):
    assert main(["compare", str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["studies"]
    assert [row["name"] for row in rows] == NAMES


@pytest.mark.parametrize(
    ("options", "names", "where"),
    [
        ({}, ["a", "b", "a"], "--board a"),
        ({"mode": "hil", "hil": {"link": "virtual"}, "dask": "tcp://x:1"}, ["a", "b"], "dask"),
        ({"mode": "hil", "hil": {"link": "/dev/ttyACM0"}}, ["a", "b"], "hil.link"),
        ({"mode": "hil", "hil": {"probe": "0777"}}, ["a", "b"], "hil.probe"),
    ],
)
def test_what_one_board_alone_has_is_refused_for_several(options, names, where):
    config = config_from_mapping(options, "x.yaml")
    with pytest.raises(ConfigError) as caught:
        check_boards(config, names)
    assert caught.value.where == where
    check_boards(config, names[:1])


def test_in_a_pipe_each_line_names_its_board(tmp_path, console):
    with Study.create(tmp_path / "s", config={}, board={}, provenance={}) as study:
        trial = study.propose(params={}, architecture={"family": "tcn"}, key="k", seed=1)
        failed = study.advance(trial.id, "failed", reason="diverged")
    shown, stream = console
    parts = [Progress(name, 4, 1, (1024, 1024), [], shown, part=True) for name in NAMES]
    with parts[0], parts[1], SharedProgress("two boards on walks", parts):
        for part in parts:
            part.state(failed)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "two boards on walks: 4 trials"
    assert [line.split(", trial 0")[0] for line in lines[1:]] == [f"[1/4] {name}" for name in NAMES]


def advance_to(study, state, measurement=None):
    """A trial of the study in a state on its way."""
    trial = study.propose(params={}, architecture={"family": "tcn"}, key="k", seed=1)
    for one in ("costed", "trained", "converted", "measured", "done"):
        if trial.state.value == state:
            break
        done = {"objective": 0.5, "feasible": True} if one == "done" else {}
        cost = {"sram_bytes": 100, "flash_bytes": 100} if one == "costed" else None
        trial = study.advance(trial.id, one, measurement=cost, **done)
    return trial


@pytest.fixture
def shared(tmp_path):
    """Studies of two boards, and what their shared display shows: its lines at 80 columns."""
    import io

    from rich.console import Console

    studies = [Study.create(tmp_path / name, config={}, board={}, provenance={}) for name in NAMES]
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    parts = [Progress(name, 4, 3, (1024, 1024), [], console, part=True, measured=True) for name in NAMES]
    display = SharedProgress("two boards on walks", parts)

    def show():
        still = Console(file=io.StringIO(), width=80, color_system=None)
        still.print(display._render())
        return still.file.getvalue().splitlines()

    yield studies, parts, show
    for study in studies:
        study.close()


def at_work(lines):
    return [line.rstrip() for line in lines if line.startswith("trial ")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_trial_that_ends_board_by_board_is_shown_as_long_as_a_board_needs_it(shared, order):
    studies, parts, show = shared
    converted = [advance_to(study, "converted") for study in studies]
    for part, trial in zip(parts, converted, strict=True):
        part.state(trial)
    assert at_work(show()) == ["trial 0: measuring for nucleo_f446re and arduino_nano_33_ble"]
    first, second = order
    for board, left in ((first, [f"trial 0: measuring for {NAMES[second]}"]), (second, [])):
        studies[board].advance(0, "measured", metrics={"error_int8": 0.5})
        parts[board].state(studies[board].advance(0, "done", objective=0.5, feasible=True))
        assert at_work(show()) == left
    assert any("choosing the next network" in line for line in show())


def test_a_training_is_shown_whichever_board_it_is_made_for(shared):
    studies, parts, show = shared
    for part, study in zip(parts, studies, strict=True):
        part.state(advance_to(study, "costed"))
    assert at_work(show()) == ["trial 0: training"]
    parts[1].epoch(0, 1, 0.4)
    assert at_work(show()) == ["trial 0: training, epoch 2/3, validation 0.400 m/s"]


def test_what_one_board_still_needs_comes_before_what_the_other_waits_to_do(shared):
    studies, parts, show = shared
    parts[0].state(advance_to(studies[0], "costed"))
    parts[1].state(advance_to(studies[1], "proposed"))
    assert at_work(show()) == ["trial 0: measuring for arduino_nano_33_ble"]
    assert max(map(len, show())) <= 80


@pytest.fixture
def console():
    """A console that is no terminal, and what it has printed."""
    import io

    from rich.console import Console

    stream = io.StringIO()
    return Console(file=stream), stream


@pytest.mark.slow
def test_one_search_for_two_boards_and_its_resume(config_file, tmp_path, capfd):
    out = tmp_path / "walks"
    boards = [argument for name in NAMES for argument in ("--board", name)]
    assert main(["search", *boards, "--config", str(config_file), "--out", str(out), "--json"]) == 0
    outcome = json.loads(capfd.readouterr().out)
    assert outcome["study"] == str(out)
    assert [one["board"] for one in outcome["boards"]] == NAMES
    assert [one["trials"] for one in outcome["boards"]] == [4, 4]
    assert all(one["best"]["error_int8"] > 0 for one in outcome["boards"])
    assert (out / "report.html").stat().st_size > 0
    for name in NAMES:
        assert {path.name for path in (out / name).iterdir()} >= {"report.html", "best.tflite", "model_card.md"}
    assert main(["resume", str(out), "--trials", "5", "--json"]) == 0
    again = json.loads(capfd.readouterr().out)
    assert [one["trials"] for one in again["boards"]] == [5, 5]
    assert main(["report", str(out), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == again
