"""The contract of the command line: exit codes, error text, speed of start."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tinynas import cli, errors
from tinynas.cli import exit_code, main


@pytest.fixture
def failing(monkeypatch):
    """Make `tinynas boards show` raise."""

    def arrange(error):
        def load_board(_):
            raise error

        monkeypatch.setattr("tinynas.board.load_board", load_board)
        return ["boards", "show", "nucleo_f446re"]

    return arrange


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TinynasError("x"), 1),
        (errors.ConfigError("x"), 2),
        (errors.SpaceError("x"), 2),
        (errors.DatasetError("x"), 2),
        (errors.ConversionError("x"), 1),
        (errors.UnsupportedOp("x"), 1),
        (errors.ToolchainMissing("x"), 1),
        (errors.StudyError("x"), 1),
        (errors.ParityError("x"), 1),
        (errors.BoardError("x"), 4),
        (errors.BoardNotFound("x"), 4),
        (errors.LinkTimeout("x"), 4),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (RuntimeError("x"), 1),
    ],
)
def test_exit_code_of_every_kind_of_error(failing, error, code):
    assert exit_code(error) == code
    assert main(failing(error)) == code


def test_a_subclass_may_have_a_code_of_its_own(monkeypatch):
    class Special(errors.SpaceError):
        pass

    monkeypatch.setitem(cli._EXIT_CODES, Special, 3)
    assert (exit_code(Special("x")), exit_code(errors.SpaceError("x"))) == (3, 2)


def test_an_error_prints_place_message_and_hint_and_no_traceback(failing, capsys):
    assert main(failing(errors.StudyError("disk full", where="study.db", advice="make room [here]"))) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: study.db: disk full\nhint: make room [here]\n"


def test_a_long_error_is_one_line_in_a_pipe(failing, capsys):
    main(failing(errors.StudyError("word " * 100)))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_defect_is_called_one_and_the_way_to_the_traceback_is_told(failing, capsys):
    assert main(failing(KeyError("pool"))) == 1
    err = capsys.readouterr().err
    assert "unexpected KeyError: 'pool'" in err
    assert "--debug" in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback_and_keeps_the_code(failing, capsys):
    assert main(["--debug", *failing(errors.BoardError("dead"))]) == 4
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "BoardError: dead" in err


def test_a_refusal_of_the_operating_system_is_not_called_a_defect(failing, capsys):
    assert main(failing(PermissionError(13, "Permission denied", "study.db"))) == 1
    assert capsys.readouterr().err == "error: study.db: Permission denied\n"


@pytest.mark.parametrize("args", [["nonsense"], ["boards", "nonsense"], ["boards", "show"], ["boards", "list", "--no"]])
def test_wrong_usage_is_2(args, capsys):
    assert main(args) == 2
    assert "Usage: tinynas" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--help"], ["boards", "--help"], ["boards", "show", "--help"]])
def test_help_is_0(args, capsys):
    assert main(args) == 0
    assert "Usage: tinynas" in capsys.readouterr().out


@pytest.mark.parametrize("args", [["--help"], ["boards", "--help"]])
def test_the_list_of_commands_is_not_cut_short_in_a_pipe(args, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(args) == 0
    commands = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(commands) >= 2
    assert all(line.endswith(".") and not line.endswith("...") for line in commands), commands


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tinynas ")


def test_a_command_may_end_with_a_code_of_its_own(monkeypatch):
    def show(_):
        raise typer.Exit(7)

    monkeypatch.setattr("tinynas.board.load_board", show)
    assert main(["boards", "show", "x"]) == 7


def run(*args, **kwargs):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=60, check=False, **kwargs)


def test_start_loads_neither_tensorflow_nor_any_other_heavy_library():
    program = (
        "import sys; from tinynas.cli import main; main(['--help']); "
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'numpy', 'plotly', 'serial', 'mbed_tools', 'h5py'}; "
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    assert run("-c", program).stdout.endswith("loaded []\n")


def test_help_takes_less_than_half_a_second():
    times = []
    for _ in range(3):
        # Processor time, which other programs of a busy machine hardly lengthen; on an idle one it is the time that
        # passes.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("-c", "import sys; from tinynas.cli import main; sys.exit(main(['--help']))").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.5


def test_the_package_is_the_command():
    done = run("-m", "tinynas", "boards", "show", "nucleo_f446re", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["name"] == "nucleo_f446re"


PROGRAM = "import sys; from tinynas.cli import main; sys.exit(main(sys.argv[1:]))"


def test_a_closed_pipe_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "boards", "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(60) == 1
    assert err == b""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is a Linux device")
def test_output_that_cannot_be_written_is_an_error():
    for command in (["boards", "list"], ["boards", "list", "--json"]):
        with Path("/dev/full").open("w") as full:
            result = subprocess.run(
                [sys.executable, "-c", PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert (result.returncode, result.stderr) == (1, "error: No space left on device\n")
