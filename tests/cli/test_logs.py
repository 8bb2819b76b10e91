"""`--verbose` and `--log-file`."""

import ast
import logging
import re
from pathlib import Path

import pytest

import tinynas
from tinynas.cli import main
from tinynas.errors import BoardNotFound
from tinynas.hil.check import Check

LOG = logging.getLogger("tinynas.hil.somewhere")


@pytest.fixture
def check(monkeypatch):
    """Run `tinynas boards check` with options, on a board that only logs."""

    def run(*options, error=None):
        def check_board(*_args, **_how):
            LOG.debug("a detail")
            LOG.info("a step with a bell \a")
            LOG.warning("a warning")
            if error is not None:
                raise error
            return [Check("start", True, "image 1 runs")]

        monkeypatch.setattr("tinynas.hil.check.check_board", check_board)
        return main(["boards", "check", "nucleo_f446re", *options])

    return run


def test_without_options_no_step_is_printed(check, capfd):
    assert check() == 0
    out, err = capfd.readouterr()
    assert "a step" not in out + err


def test_verbose_prints_steps_with_their_time_on_the_standard_error(check, capfd):
    assert check("--verbose", "--json") == 0
    out, err = capfd.readouterr()
    assert re.search(r"^\d\d:\d\d:\d\d a step with a bell \\x07$", err, flags=re.MULTILINE)
    assert err.count("a warning") == 1
    assert "a detail" not in err
    assert out.startswith("[")  # what machines read is left alone


def test_a_log_file_has_all_of_it_and_is_appended_to(check, capfd, tmp_path):
    file = tmp_path / "check.log"
    assert check("--log-file", str(file)) == 0
    assert check("--log-file", str(file)) == 0
    text = file.read_text()
    assert text.count("DEBUG tinynas.hil.somewhere: a detail\n") == 2
    assert text.count("INFO tinynas.hil.somewhere: a step with a bell \\x07\n") == 2
    err = capfd.readouterr().err
    assert err.count("a warning") == 2  # as without a file
    assert "a step" not in err


@pytest.mark.parametrize("swapped", [False, True])
def test_both_together(check, capfd, tmp_path, swapped):
    options = ["--verbose", "--log-file", str(tmp_path / "check.log")]
    assert check(*(options[1:] + options[:1] if swapped else options)) == 0
    err = capfd.readouterr().err
    assert (err.count("a step"), err.count("a warning"), err.count("a detail")) == (1, 1, 0)
    assert "a detail" in (tmp_path / "check.log").read_text()


def test_an_error_is_in_the_file_with_its_traceback_and_on_the_terminal_without(check, capfd, tmp_path):
    file = tmp_path / "check.log"
    assert check("--verbose", "--log-file", str(file), error=BoardNotFound("no board is attached")) == 4
    assert "the command ends with exit code 4" in file.read_text()
    assert "Traceback (most recent call last)" in file.read_text()
    err = capfd.readouterr().err
    assert "Traceback" not in err
    assert err.count("no board is attached") == 1


def test_a_file_that_cannot_be_written_is_told_at_once(check, capfd, tmp_path):
    assert check("--log-file", str(tmp_path / "none" / "check.log")) == 2
    assert "check.log: the file cannot be written: No such file or directory" in capfd.readouterr().err


def test_a_full_disk_ends_the_file_and_not_the_command(check, capfd, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    assert check("--log-file", "/dev/full") == 0
    err = capfd.readouterr().err
    assert err.count("nothing more is written to /dev/full") == 1


def test_a_library_s_handler_of_the_root_logger_does_not_print_each_line_again(check, capfd):
    root, handler = logging.getLogger(), logging.StreamHandler()
    root.addHandler(handler)
    try:
        assert check("--verbose") == 0
    finally:
        root.removeHandler(handler)
    assert capfd.readouterr().err.count("a step") == 1


def test_nothing_is_left_behind(check, tmp_path):
    logger = logging.getLogger("tinynas")
    before = list(logger.handlers), logger.level, logger.propagate
    check("--verbose", "--log-file", str(tmp_path / "check.log"))
    assert (logger.handlers, logger.level, logger.propagate) == before


@pytest.mark.parametrize("command", ["search", "resume", "measure", "boards check"])
def test_commands_that_take_long_have_both_options(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "--verbose" in text
    assert "--log-file" in text


def test_the_library_prints_nothing():
    """But what is meant for programs that print: bars, and the processes that play boards."""
    root = Path(tinynas.__file__).parent
    allowed = {"cli", "tuner/mango/bar.py", "hil/emulator/serving.py", "hil/emulator/__main__.py", "doctor/programs.py"}
    guilty = []
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        if name not in allowed and not name.startswith("cli/"):
            guilty += [name for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    assert guilty == []
