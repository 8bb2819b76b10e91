"""`tinynas boards`: what boards there are and what each offers; which are attached, and whether they work."""

from __future__ import annotations

from importlib import import_module

import typer

__all__ = ["register"]

_COMMANDS = ("list", "show", "detect", "check", "flash", "reset", "console", "emulate", "udev")


def register(app: typer.Typer) -> None:
    """Add the command group to the command line."""
    group = typer.Typer(help="List, show, find, test, flash, reset and emulate boards.", no_args_is_help=True)
    for name in _COMMANDS:
        import_module(f"{__name__}.{name}").register(group)
    app.add_typer(group, name="boards")
