"""`tinynas boards`: what boards there are and what each offers; which are attached, and whether they work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tinynas.board import Board

__all__ = ["register"]

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command group to the command line."""
    from tinynas.cli.commands import rigs

    group = typer.Typer(help="List, show, find, test and emulate boards.", no_args_is_help=True)
    group.command("list", help="List the boards that come with tinynas.")(list_)
    group.command(
        "show",
        short_help="Show a board.",
        help="Show a board: memory, limits, serial port, trigger pin, probe and the sources of these facts.",
    )(show)
    rigs.register(group)
    app.add_typer(group, name="boards")


def list_(as_json: _AsJson = False) -> None:
    """Print one line a board."""
    from rich.table import Table

    from tinynas.board import list_boards, load_board
    from tinynas.cli.console import print_json, print_table

    boards = [load_board(name) for name in list_boards()]
    if as_json:
        print_json([board.to_dict() for board in boards])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("board", "mcu"):
        table.add_column(heading, no_wrap=True)
    for heading in ("MHz", "SRAM", "model's", "flash", "model's"):
        table.add_column(heading, justify="right")
    for board in boards:
        sizes = (board.sram_bytes, board.sram_limit_bytes, board.flash_bytes, board.flash_limit_bytes)
        table.add_row(board.name, board.mcu, f"{board.clock_hz / 1e6:g}", *map(_size, sizes))
    print_table(table)


def show(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="Name of a board, or path of a board file.")],
    as_json: _AsJson = False,
) -> None:
    """Print everything about one board."""
    from tinynas.board import load_board
    from tinynas.cli.console import print_json, print_table, stdout

    found = load_board(board)
    if as_json:
        print_json(found.to_dict())
        return
    out = stdout()
    out.print(f"[bold]{_plain(found.title or found.name)}[/bold]  ({_plain(found.name)})")
    out.print(f"{_plain(found.mcu)}, {found.core}, {found.clock_hz / 1e6:g} MHz\n")
    print_table(_memory(found))
    out.print()
    print_table(_facts(found))


def _memory(board: Board) -> Table:
    from rich.table import Table

    table = Table("memory", "region", "from", "to", box=None, header_style="bold", pad_edge=False)
    table.add_column("size", justify="right")
    rows = [("flash", board.flash), *(("SRAM", region) for region in board.sram)]
    rows += [("code only", region) for region in board.instruction_ram]
    for kind, region in rows:
        table.add_row(kind, region.name, _address(region.origin), _address(region.end - 1), _size(region.size_bytes))
    return table


def _facts(board: Board) -> Table:
    from rich.table import Table

    reserves, uart, probe = board.reserves, board.uart, board.probe
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("for a model", f"SRAM {_size(board.sram_limit_bytes)} in {_plain(board.model_span.name)}")
    table.add_row("", f"flash {_size(board.flash_limit_bytes)}")
    table.add_row(
        "set aside", f"SRAM: stack {_size(reserves.stack_bytes)}, firmware {_size(reserves.firmware_sram_bytes)}"
    )
    flash_reserved = f"flash: firmware {_size(reserves.firmware_flash_bytes)}"
    if reserves.bootloader_flash_bytes:
        flash_reserved += f", boot loader {_size(reserves.bootloader_flash_bytes)}"
    table.add_row("", flash_reserved)
    if uart is None:
        table.add_row("serial port", "unknown")
    else:
        function = "" if uart.alternate_function is None else f" (AF{uart.alternate_function})"
        carried = "the probe's virtual COM port" if uart.virtual_com_port else "header pins only"
        table.add_row(
            "serial port", f"{uart.instance} at {_address(uart.base_address)}, {uart.layout}, {uart.baud} baud"
        )
        table.add_row("", f"TX {uart.tx_pin}, RX {uart.rx_pin}{function}, interrupt {uart.interrupt}; {carried}")
    if board.trigger_pin:
        table.add_row("trigger pin", f"{_plain(board.trigger_pin)}, falls where timed inferences begin and end")
    if probe is None:
        table.add_row("probe", "unknown")
    else:
        names = {"Mbed": probe.mbed_type, "code": probe.mbed_product_code, "pyOCD": probe.pyocd_target}
        known = "".join(f", {label} {name}" for label, name in names.items() if name)
        table.add_row("probe", f"{probe.kind}{known}")
    for index, (fact, source) in enumerate(board.sources.items()):
        table.add_row("" if index else "sources", f"{_plain(fact)}: {_plain(source)}")
    return table


def _size(size_bytes: int) -> str:
    return f"{size_bytes // 1024} KiB" if size_bytes % 1024 == 0 else f"{size_bytes} B"


def _address(address: int) -> str:
    return f"0x{address:08X}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
