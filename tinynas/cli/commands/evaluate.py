"""`tinynas evaluate`: a finished network on recordings that it has never seen."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tinynas.odometry import Evaluation, PathError, RecordingEvaluation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "evaluate",
        short_help="Judge a finished network on recordings it has never seen.",
        help="Judge the best network of a study, or a .tflite file in a study's folder, on any recordings: the model "
        "as deployed, with standing still and a compass beside it.",
    )(evaluate)


def evaluate(
    study: Annotated[Path, typer.Argument(metavar="STUDY|MODEL", help="Folder of a study, or a .tflite file in it.")],
    dataset: Annotated[
        str,
        typer.Option(metavar="SOURCE", help="oxiod:, ronin:, ridi:, idol: or csv:FOLDER, csv:FILE, or synthetic."),
    ],
    tum: Annotated[
        Path | None, typer.Option(help="Folder for true and predicted trajectories in the TUM format.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Open the network, read the recordings, predict, print."""
    from tinynas.cli.console import print_json, stderr
    from tinynas.cli.progress import working
    from tinynas.odometry import load_recordings, load_splits, write_tum
    from tinynas.search import open_trained

    network = open_trained(study)
    options, own = network.config.dataset, network.is_own(dataset)
    with working("reading the data"):
        if own:
            seed, size = network.config.seed, options.synthetic
            recordings = load_splits(dataset, seed=seed, modes=options.modes, synthetic=size).test
        else:
            recordings = load_recordings(dataset)
    if own:
        stderr().print("these are the network's own data: only the test recordings are judged", markup=False)
    with working("predicting"):
        found = network.judge(recordings)
    if tum is not None:
        write_tum(found, tum)
    if as_json:
        print_json({"study": str(study), "trial": network.trial, "dataset": dataset, **_document(found)})
    else:
        _print(found)


def _document(found: Evaluation) -> dict[str, Any]:
    rulers = ("zero", "mean", "compass")
    return {
        "velocity_rmse": found.velocity.joint,
        **_path(found.errors),
        "baselines": {name: _rmse(found.baselines.get(name)) for name in rulers},
        "recordings": [
            {
                "name": recording.name,
                "velocity_rmse": recording.velocity.joint,
                **_path(recording.errors),
                "length_m": recording.length_m,
                "standing_still": _path(recording.baselines["zero"]),
                "baselines": {name: _rmse(recording.baselines.get(name)) for name in rulers},
                "parts": None if recording.parts is None else asdict(recording.parts),
            }
            for recording in found.recordings
        ],
    }


def _path(error: PathError) -> dict[str, float | None]:
    return {"ate_m": error.ate_m, "rte_m": error.rte_m, "drift_percent": error.drift_percent}


def _rmse(error: PathError | None) -> float | None:
    return None if error is None else error.velocity_rmse


def _print(found: Evaluation) -> None:
    from tinynas.cli.console import print_table, stdout

    print_table(_table(found))
    others = {"zero": "standing still", "mean": "the training mean", "compass": "a compass"}
    beside = [f"{others[name]} {error.velocity_rmse:.3f}" for name, error in found.baselines.items() if name in others]
    stdout().print(f"\nvelocity RMSE {found.velocity.joint:.3f} m/s ({', '.join(beside)})", markup=False)


def _table(found: Evaluation) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("recording", no_wrap=True)
    headings = ("m/s", "still", "compass", "ATE m", "still", "RTE m", "still", "drift", "way m", "speed", "direction")
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("")
    for recording in found.recordings:
        table.add_row(escape(recording.name), *_cells(recording), _verdict(recording))
    return table


def _cells(recording: RecordingEvaluation) -> tuple[str, ...]:
    still, compass, parts = recording.baselines["zero"], recording.baselines.get("compass"), recording.parts
    errors = recording.errors
    return (
        f"{recording.velocity.joint:.3f}",
        f"{still.velocity_rmse:.3f}",
        _figure(_rmse(compass), ".3f"),
        _figure(errors.ate_m, ".1f"),
        _figure(still.ate_m, ".1f"),
        _figure(errors.rte_m, ".1f"),
        _figure(still.rte_m, ".1f"),
        "-" if errors.drift_percent is None else f"{errors.drift_percent:.1f} %",
        f"{recording.length_m:.0f}",
        "-" if parts is None else f"{parts.speed_mean_m_s:+.2f} ±{parts.speed_spread_m_s:.2f}",
        "-" if parts is None else f"{parts.direction_mean_deg:+.0f} ±{parts.direction_spread_deg:.0f}",
    )


def _verdict(recording: RecordingEvaluation) -> str:
    from tinynas.report import judge

    row: dict[str, Any] = {} if recording.parts is None else asdict(recording.parts)
    still = recording.baselines["zero"].velocity_rmse
    return judge({**row, "rulers": {"zero": {"velocity_rmse": still}}}) or ""


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
