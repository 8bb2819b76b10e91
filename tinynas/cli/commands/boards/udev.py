"""`tinynas boards udev`: the rules that let a user of Linux reach boards."""

from __future__ import annotations

import typer

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command("udev", help="Print the udev rules that let users reach boards.")(udev)


def udev() -> None:
    """Print the rules."""
    from tinynas.hil.boards import udev_rules

    typer.echo(udev_rules(), nl=False)
