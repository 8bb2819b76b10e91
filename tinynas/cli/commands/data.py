"""`tinynas data`: what recordings are worth before anything is learned from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import SOURCE_HELP

if TYPE_CHECKING:
    from rich.table import Table

    from tinynas.odometry.check import DataCheck, Finding

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command group to the command line."""
    group = typer.Typer(help="Look at recordings before networks are trained on them.", no_args_is_help=True)
    # With a callback the group stays a group, although it has one command only.
    group.callback()(lambda: None)
    group.command(
        "check",
        short_help="Say what is wrong with recordings, and what to do.",
        help="Say what is wrong with recordings, and what to do: clocks, units, signs, the offset and the mounting of "
        "the ground truth, magnetometer, masks, and walks that are in two splits.",
    )(check)
    app.add_typer(group, name="data")


def check(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE_HELP)],
    config: Annotated[
        str | None, typer.Option(help="Configuration file: its dataset section says how the recordings are used.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load the recordings as they are, check and print."""
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import working
    from tinynas.config import load_config
    from tinynas.odometry import load_splits
    from tinynas.odometry.check import check_dataset

    settings = load_config(config).with_options(dataset=source)
    options = settings.dataset
    with working("reading the data"):
        splits = load_splits(source, seed=settings.seed, modes=options.modes, synthetic=options.synthetic)
    with working("checking the data"):
        found = check_dataset(splits, source=source, window=options.window, target=options.target)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)


def _print(found: DataCheck) -> None:
    from tinynas.cli.console import print_table, stdout

    print_table(_figures(found))
    out = stdout()
    unseen = [check.name for check in found.recordings if check.unobservable_axis is not None]
    if unseen:
        out.print(
            f"\nThe rotation of the ground truth's body about the vertical is not observable in {len(unseen)} "
            "recording(s): the device turned about that axis alone. Only its tilt is told.",
            soft_wrap=True,
        )
    kinds: dict[str, list[Finding]] = {}
    for finding in found.problems:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, findings in kinds.items():
        out.print(f"\n[bold]{kind}[/bold]: {findings[0].advice}", soft_wrap=True)
        for finding in findings:
            out.print(f"  {finding.where}: {finding.message}", soft_wrap=True, markup=False)
    out.print(f"\n{found.summary()}", soft_wrap=True, markup=False)


def _figures(found: DataCheck) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("recording", no_wrap=True)
    table.add_column("split")
    for heading in ("Hz", "s", "m", "m/s", "lag ms", "tilt deg", "hard iron uT", "heading", "lost", "problems"):
        table.add_column(heading, justify="right")
    for check in found.recordings:
        table.add_row(
            escape(check.name),
            check.split,
            f"{check.rate_hz:.5g}",
            f"{check.duration_s:.0f}",
            f"{check.length_m:.0f}",
            _figure(check.speed_m_s, ".2f"),
            _figure(check.lag_ms, "+.0f"),
            _figure(check.misalignment_deg, ".0f"),
            _figure(check.mag_bias_ut, ".1f"),
            _figure(check.heading_consistency, ".2f"),
            f"{check.lost_windows:.0%}",
            str(len(check.problems)),
        )
    return table


def _figure(value: float | None, form: str) -> str:
    text = "-" if value is None else format(value, form)
    return text if set(text) & set("123456789") else text.lstrip("+-") or text  # zero has no sign
