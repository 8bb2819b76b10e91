"""How a session ends: what is told, and what becomes of an interrupt on its way."""

import os
import signal
import time
from pathlib import Path

import pytest

from tinynas import search
from tinynas.board import load_board
from tinynas.cli.session import as_argument, run_session, termination_interrupts
from tinynas.config import load_config
from tinynas.errors import BoardError
from tinynas.study import Study, read_live

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

BOARD = load_board("nucleo_f446re")


@pytest.fixture
def session(tmp_path, config_file, monkeypatch):
    """Run a session whose search is a function of the test's."""

    def run(instead):
        config = load_config(config_file)
        monkeypatch.setattr(search, "run_shared_search", lambda *arguments, **options: instead())
        monkeypatch.setattr("tinynas.deploy.load_tensorflow", lambda threads: None)
        with Study.create(tmp_path / "study", config=config.to_dict(), board=BOARD.to_dict(), provenance={}) as study:
            run_session(study, config, BOARD, None, as_json=True)

    return run


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_a_library_makes_an_error_of_is_one(session, capfd, tmp_path, sign):
    def library():
        try:
            os.kill(os.getpid(), sign)
            time.sleep(5)
        except KeyboardInterrupt:
            raise RuntimeError("an exception was set") from None

    with pytest.raises(KeyboardInterrupt):
        session(library)
    assert f"interrupted: every finished step is kept; go on with: tinynas resume {tmp_path}" in capfd.readouterr().err


def test_a_board_that_fails_leaves_a_study_to_go_on_with(session, capfd, tmp_path):
    def board():
        raise BoardError("failed 3 times: no answer")

    with pytest.raises(BoardError):
        session(board)
    assert f"stopped: every finished step is kept; go on with: tinynas resume {tmp_path}" in capfd.readouterr().err


def test_news_stand_beside_the_study_while_it_runs_and_then_no_more(session, tmp_path):
    seen = []

    def search_that_fails():
        seen.append(read_live(tmp_path / "study"))
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        session(search_that_fails)
    assert seen[0].running
    assert seen[0].planned > 0
    assert not (tmp_path / "study" / "live.json").exists()


def test_other_errors_say_nothing_of_it(session, capfd):
    with pytest.raises(RuntimeError):
        session(lambda: (_ for _ in ()).throw(RuntimeError("a defect")))
    assert "go on with" not in capfd.readouterr().err


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with termination_interrupts() as signals:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        assert not signals.interrupted
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("walks", "walks"),
        ("-x", "./-x"),
        ("my walks", "'my walks'"),
        ("a\x1b[31m\nb", r"'a\x1b[31m\x0ab'"),
        ("/a/-b", "/a/-b"),
    ],
)
def test_a_folder_s_name_is_printed_so_that_it_can_be_typed(name, typed):
    assert as_argument(Path(name)) == typed
