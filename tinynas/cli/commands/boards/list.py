"""`tinynas boards list`: the boards that come with tinynas; or those that are attached, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass
from time import localtime, strftime
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import JsonOption
from tinynas.cli.sizes import size_text

if TYPE_CHECKING:
    from tinynas.board import Board

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "list",
        short_help="List the boards that come with tinynas.",
        help="List the boards that come with tinynas, or those that are attached.",
    )(list_)


def list_(
    attached: Annotated[
        bool, typer.Option("--attached", help="Boards that are attached: free, in use, or set aside, and why.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print one line a board."""
    from tinynas.board import list_boards, load_board
    from tinynas.cli.console import print_json

    if attached:
        _print_attached(as_json=as_json)
        return
    boards = [load_board(name) for name in list_boards()]
    if as_json:
        print_json([board.to_dict() for board in boards])
        return
    _print(boards)


def _print(boards: list[Board]) -> None:
    from rich.table import Table

    from tinynas.cli.console import print_table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("board", "mcu"):
        table.add_column(heading, no_wrap=True)
    for heading in ("MHz", "SRAM", "model's", "flash", "model's"):
        table.add_column(heading, justify="right")
    for board in boards:
        sizes = (board.sram_bytes, board.sram_limit_bytes, board.flash_bytes, board.flash_limit_bytes)
        table.add_row(board.name, board.mcu, f"{board.clock_hz / 1e6:g}", *map(size_text, sizes))
    print_table(table)


@dataclass(frozen=True)
class _Seen:
    """An attached board.

    Attributes:
        board: Name of its description; None: unknown.
        probe_id: The probe's serial number.
        serial_port: Its port; None: none.
        state: "free", "in use" or "set aside".
        detail: Who uses it, or why it was set aside; None: neither.
    """

    board: str | None
    probe_id: str
    serial_port: str | None
    state: str
    detail: str | None


def _seen() -> list[_Seen]:
    from tinynas.hil.boards import attached_boards, look_at

    found = []
    for one in attached_boards():
        now = look_at(one.probe_id)
        began = "" if now.since is None or now.state != "in use" else strftime(", since %H:%M:%S", localtime(now.since))
        detail = None if now.detail is None else now.detail + began
        found.append(_Seen(one.name, one.probe_id, one.serial_port, now.state, detail))
    return found


def _print_attached(*, as_json: bool) -> None:
    from dataclasses import asdict

    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_json, print_table, stderr

    found = _seen()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        stderr().print("no board is attached; `--link virtual` needs none")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("board", "probe", "port", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("", overflow="fold")
    for one in found:
        names = (one.board or "unknown", one.probe_id, one.serial_port or "none", one.state, one.detail or "")
        table.add_row(*map(escape, names))
    print_table(table)
