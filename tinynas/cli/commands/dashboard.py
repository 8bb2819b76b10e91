"""`tinynas dashboard`: watch studies in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "dashboard",
        short_help="Watch studies, also searches at work, in a browser.",
        help="Serve a page that shows studies and follows searches at work. It only reads, and only this computer can "
        "reach it, unless --host and --expose say otherwise.",
    )(dashboard)


def dashboard(
    folders: Annotated[
        list[Path], typer.Argument(metavar="STUDY|FOLDER...", help="Studies, or folders that hold studies.")
    ],
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0: a free one. By default 8765, or a free one where that is taken."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    expose: Annotated[
        bool,
        typer.Option("--expose", help="Let other computers read the studies, with the token of the printed address."),
    ] = False,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="TINYNAS_DASHBOARD_TOKEN",
            show_envvar=True,
            help="The token, of 16 characters or more; by default a new one each time.",
        ),
    ] = None,
) -> None:
    """Serve until interrupted; the first line printed is the address."""
    from tinynas.report.dashboard import serve_dashboard

    serve_dashboard(folders, host=host, port=port, exposed=expose, token=token, on_address=_print_address)


def _print_address(address: str) -> None:
    print(address, flush=True)
