"""The command line: parsing, printing and exit codes, and nothing else.

Every command is one module with a function `register(app)`; to add a command, write the module and name it in
`_COMMANDS`. Command modules import what they run inside the command, so that `tinynas --help` stays fast.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from tinynas import errors
from tinynas.cli.logs import stop_logging

__all__ = ["exit_code", "main"]

_LOG = logging.getLogger(__name__)
_COMMANDS = (
    *("init", "search", "resume", "report", "compare", "dashboard", "evaluate", "explain", "export", "replay", "study"),
    *("compile", "measure", "boards", "data", "doctor"),
)

# The class closest to the error's own decides, so a subclass may have a code of its own.
_EXIT_CODES: dict[type[BaseException], int] = {
    errors.TinynasError: 1,
    errors.ConfigError: 2,
    errors.SpaceError: 2,
    errors.DatasetError: 2,
    errors.NoFeasibleCandidate: 3,
    errors.BoardError: 4,
    KeyboardInterrupt: 130,
}


@dataclass
class _Options:
    debug: bool = False


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        args: Arguments after the program's name. None: those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 usage or configuration, 3 no feasible candidate, 4 board or probe,
        130 interrupted.

    Example:
        >>> main(["boards", "show", "nucleo_f446r"])
        2
    """
    options = _Options()
    try:
        code = _run(args, options)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        _LOG.debug("the command ends with exit code %d", exit_code(error), exc_info=error)
        if options.debug:
            traceback.print_exc()
        elif not isinstance(error, BrokenPipeError):  # `tinynas boards list | head -1` is no reason to complain
            _print_error(error)
        _abandon_stdout()
        return exit_code(error)
    finally:
        stop_logging()
    return code


def _run(args: Sequence[str] | None, options: _Options) -> int:
    try:
        typer.main.get_command(_app())(args=args, prog_name="tinynas", obj=options)
    except SystemExit as stop:  # how the parser ends: help, usage errors, `typer.Exit`
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _abandon_stdout() -> None:
    """Drop unwritten output that standard output does not take, lest the interpreter complain at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_code(error: BaseException) -> int:
    """Return the exit code for an error.

    Example:
        >>> exit_code(errors.LinkTimeout("no answer within 2 s")), exit_code(ZeroDivisionError())
        (4, 1)
    """
    return next((_EXIT_CODES[cls] for cls in type(error).__mro__ if cls in _EXIT_CODES), 1)


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Find the inertial-odometry network that makes the most of one microcontroller board.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        # Frames and colours on a terminal; plain lines in a pipe or a log.
        rich_markup_mode="rich" if sys.stdout.isatty() and sys.stderr.isatty() else None,
    )
    app.callback()(_global_options)
    for name in _COMMANDS:
        importlib.import_module(f"tinynas.cli.commands.{name}").register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"tinynas {version('tinynas')}")
        except PackageNotFoundError:
            typer.echo("tinynas (not installed, running from its sources)")
        raise typer.Exit


def _global_options(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    ctx.obj.debug = debug


def _print_error(error: BaseException) -> None:
    from rich.text import Text

    from tinynas.cli.console import stderr

    hint: str | None = None
    if isinstance(error, errors.TinynasError):
        text = error.headline
        hint = error.advice
    elif isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    elif isinstance(error, OSError) and error.strerror:
        # The operating system's refusals (full disk, no permission) are the user's to mend, not a defect.
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = f"unexpected {type(error).__name__}: {error}".rstrip(": ")
        hint = "a defect of tinynas: run again with `tinynas --debug ...` for the traceback, and report it"
    stderr().print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True)
    if hint:
        stderr().print(Text.assemble(("hint: ", "bold cyan"), hint), soft_wrap=True)
