"""`tinynas boards show`: everything about one board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tinynas.cli.options import BoardArgument, JsonOption
from tinynas.cli.sizes import size_text

if TYPE_CHECKING:
    from rich.table import Table

    from tinynas.board import Board

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "show",
        short_help="Show a board.",
        help="Show a board: memory, limits, serial port, trigger pin, probe and the sources of these facts.",
    )(show)


def show(
    board: BoardArgument,
    as_json: JsonOption = False,
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
        table.add_row(
            kind, region.name, _address(region.origin), _address(region.end - 1), size_text(region.size_bytes)
        )
    return table


def _facts(board: Board) -> Table:
    from rich.table import Table

    reserves, uart, probe = board.reserves, board.uart, board.probe
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("for a model", f"SRAM {size_text(board.sram_limit_bytes)} in {_plain(board.model_span.name)}")
    table.add_row("", f"flash {size_text(board.flash_limit_bytes)}")
    table.add_row(
        "set aside",
        f"SRAM: stack {size_text(reserves.stack_bytes)}, firmware {size_text(reserves.firmware_sram_bytes)}",
    )
    flash_reserved = f"flash: firmware {size_text(reserves.firmware_flash_bytes)}"
    if reserves.bootloader_flash_bytes:
        flash_reserved += f", boot loader {size_text(reserves.bootloader_flash_bytes)}"
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


def _address(address: int) -> str:
    return f"0x{address:08X}"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
