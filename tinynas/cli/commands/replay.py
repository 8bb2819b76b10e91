"""`tinynas replay`: a study's networks, measured on another board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinynas.cli.options import BoardOption, FlasherOption, JsonOption, LinkOption, ProbeOption

if TYPE_CHECKING:
    from tinynas.search import Replayed

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "replay",
        short_help="Measure a study's Pareto front on another board.",
        help="Measure the networks of a study's Pareto front, or its best one, on another board. The error of a network"
        " does not depend on the board: nothing is trained again.",
    )(replay)


def replay(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of a study.")],
    board: BoardOption,
    link: LinkOption = "virtual",
    flasher: FlasherOption = "auto",
    probe: ProbeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the study, measure each network, print."""
    from tinynas.board import load_board
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import working
    from tinynas.report import describe_trial, read_front, read_view
    from tinynas.search import replay_models
    from tinynas.study import Study

    target = load_board(board)
    with Study.open(study, readonly=True) as opened:
        view = read_view(opened)
        points = read_front(view)
        if points is None:
            points = [] if view.best is None else [describe_trial(view, view.best)]
        models = {point["trial"]: opened.artefact(opened.trial(point["trial"]).artefacts["tflite"]) for point in points}
        turns = {point["trial"]: _turns(opened.trial(point["trial"]).params, view.config) for point in points}
    with working(f"measuring {len(models)} networks on {target.name}"):
        found = replay_models(
            target,
            models,
            errors={point["trial"]: float(point["error_int8"]) for point in points},
            turns=turns,
            link=link,
            flasher=flasher,
            probe_id=probe,
        )
    if as_json:
        print_json({"study": view.folder, "board": target.name, "front": [one.to_dict() for one in found]})
    else:
        _print(found)


def _turns(params: Any, config: Any) -> int:
    return int((params or {}).get("turns", (config.get("deploy") or {}).get("turns", 1)))


def _print(found: list[Replayed]) -> None:
    from rich.table import Table

    from tinynas.cli.console import print_table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("trial", "error m/s", "flash B", "SRAM B", "latency us", "energy uJ"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in found:
        cost = one.measurement
        figures = ("", "", "", "")
        if cost is not None:
            energy = "" if cost.energy_uj is None else f"{cost.energy_uj:,.1f}"
            figures = (f"{cost.flash_bytes:,}", f"{cost.sram_bytes:,}", f"{cost.latency_us or 0:,.0f}", energy)
        table.add_row(str(one.trial), f"{one.error:.3f}", *figures, one.remark)
    print_table(table)
