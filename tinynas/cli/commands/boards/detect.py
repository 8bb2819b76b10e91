"""`tinynas boards detect`: the boards that are attached."""

from __future__ import annotations

import typer

from tinynas.cli.options import JsonOption

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command("detect", help="List the boards that are attached.")(detect)


def detect(as_json: JsonOption = False) -> None:
    """Print what to call each board by."""
    from rich.markup import escape
    from rich.table import Table

    from tinynas.cli.console import print_json, print_table, stderr, stdout
    from tinynas.hil.boards import attached_boards

    found = attached_boards()
    if as_json:
        print_json(
            [
                {
                    "board": one.name,
                    "title": one.title,
                    "probe_id": one.probe_id,
                    "product_code": one.product_code,
                    "serial_port": one.serial_port,
                    "mount_point": None if one.mount_point is None else str(one.mount_point),
                }
                for one in found
            ]
        )
        return
    if not found:
        stderr().print("no board is attached; `--link virtual` needs none")
        return
    for index, one in enumerate(found):
        if index:
            stdout().print()
        stdout().print(f"[bold]{escape(one.title)}[/bold]  ({escape(one.name or 'unknown')})")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")  # whole, to be copied
        table.add_row("serial port", escape(one.serial_port or "none"))
        table.add_row("drive", "not mounted" if one.mount_point is None else escape(str(one.mount_point)))
        table.add_row("probe", escape(one.probe_id))
        print_table(table)
