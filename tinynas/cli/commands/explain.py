"""`tinynas explain`: why a study is as it is, and what to try next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tinynas.cli.options import JsonOption, StudyArgument

if TYPE_CHECKING:
    from tinynas.explain import Remedy, StudyExplained, TrialExplained
    from tinynas.report import Cost

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "explain",
        short_help="Say why a study is as it is.",
        help="Say what limits the networks of a study, what each parameter moved, which of the best cannot be told "
        "apart, and what to try next; with --trial, why that network does not fit and what would make it fit.",
    )(explain)


def explain(
    study: StudyArgument,
    trial: Annotated[int | None, typer.Option(min=0, help="Explain this trial's network.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the study without locking it, explain, print."""
    from tinynas.board import Board
    from tinynas.cli.console import print_json
    from tinynas.config import config_of_study
    from tinynas.explain import explain_study, explain_trial
    from tinynas.report import read_view
    from tinynas.study import Study

    with Study.open(study, readonly=True) as opened:
        view = read_view(opened)
        config = config_of_study(opened.config, study)
        if trial is None:
            found = explain_study(view, config)
            document = {"study": str(study), "trial": None, **found.to_dict()}
        else:
            board = Board.from_dict(opened.board, f"{study}:board")
            one = explain_trial(view, opened.trial(trial), config, board)
            document = {"study": str(study), **one.to_dict()}
    if as_json:
        print_json(document)
    elif trial is None:
        _print_study(found)
    else:
        _print_trial(one)


def _say(text: str = "") -> None:
    from tinynas.cli.console import stdout

    stdout().print(text, markup=False, soft_wrap=True)


def _tabulate(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from tinynas.cli.console import print_table, stdout

    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    if table.row_count:
        if title:
            stdout().print(Text(f"\n{title}", style="bold"))
        print_table(table)


def _print_study(found: StudyExplained) -> None:
    from tinynas.report import FEWEST_TRIALS, percent

    _say(", ".join(f"{count} {state}" for state, count in found.trials.items()) or "no trials yet")
    _tabulate(
        "What limits the networks",
        ("", "of the limit, the best", "too much", ""),
        ((b.label, percent(b.share), str(b.exceeded), "limits" if b.binds else "has room") for b in found.bounds),
    )
    names = sorted({name for one in found.importances for name in one.shares})
    _tabulate(
        "What each parameter moved",
        ("", *(one.figure for one in found.importances)),
        [
            *((name, *(percent(one.shares.get(name)) for one in found.importances)) for name in names if names),
            *(
                [("predicted, of the variance", *(percent(max(0.0, i.explained)) for i in found.importances))]
                if names
                else []
            ),
        ],
    )
    if not names:
        _say(f"\nWhat each parameter moved is not known: that takes {FEWEST_TRIALS} different trials.")
    if found.tie.spread_m_s is not None:
        spread = f"Trainings of one network differ by {found.tie.spread_m_s:.3f} m/s (standard deviation)"
        trials = ", ".join(map(str, found.tie.trials))
        alike = f"not to be told apart by one training each: trials {trials}"
        _say(f"\n{spread}; {alike if len(found.tie.trials) > 1 else f'trial {trials} is better by more than that'}.")
    else:
        _say("\nWhich of the best cannot be told apart is not known: no network was trained with several seeds.")
    _tabulate("Why trials failed", ("reason", "trials"), ((reason, str(n)) for reason, n in found.reasons.items()))
    if found.steps:
        _say("\nWhat to try next")
        for step in found.steps:
            _say(f"- {step.why}: {step.what}")


def _print_trial(one: TrialExplained) -> None:
    from tinynas.report import COSTS, percent

    state = {True: "fits", False: "does not fit", None: "is not costed yet"}[one.feasible]
    _say(f"trial {one.trial} is {one.state} and {state}" + (f": {one.reason}" if one.reason else ""))
    _tabulate(
        "What it takes",
        ("", "used", "limit", "too much"),
        (
            (
                cost.label,
                f"{cost.used:,.1f} {cost.unit}",
                "" if cost.limit is None else f"{cost.limit:,.1f} {cost.unit}",
                f"{cost.over:,.1f} {cost.unit}" if cost.over else "",
            )
            for cost in one.costs
        ),
    )
    if one.peak_bytes is not None:
        _say(
            f"\nThe arena is fullest, {one.peak_bytes:,} bytes, with the writing of {one.peak_operator}. It then holds"
        )
        _tabulate("", ("", "bytes"), ((label, f"{size:,}") for label, size in one.peak_holds))
    _tabulate("Most weights", ("operator", "bytes"), ((name, f"{size:,}") for name, size in one.heaviest))
    if one.slowest:
        what = (
            "the cycles, as predicted"
            if one.slowest_by == "cycles"
            else "the multiply-accumulates; cycles are not known"
        )
        _tabulate(f"Most of {what}", ("operator", "share"), ((title, percent(share)) for title, share in one.slowest))
    known = [cost for cost in COSTS if any(getattr(remedy, cost.field) is not None for remedy in one.remedies)]
    _tabulate(
        "What would make it fit (one of these)",
        ("change", *(f"{cost.label}, {cost.unit}" for cost in known)),
        ((_change(remedy), *(_amount(remedy, cost) for cost in known)) for remedy in one.remedies),
    )
    if not one.remedies and any(cost.over for cost in one.costs):
        _say("\nNo change of its parameters makes it fit, as far as the resource model knows.")
    for line in one.learned:
        _say(f"- {line}")


def _change(remedy: Remedy) -> str:
    return ", ".join(f"{name} {before} -> {after}" for name, (before, after) in remedy.change.items())


def _amount(remedy: Remedy, cost: Cost) -> str:
    value = getattr(remedy, cost.field)
    return "" if value is None else f"{value / cost.scale:,.{1 if cost.scale == 1024 else 3}f}"
