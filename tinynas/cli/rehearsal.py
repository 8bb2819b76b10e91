"""What `tinynas search --dry-run` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinynas.search import Problem, Rehearsal

__all__ = ["show_rehearsals"]


def show_rehearsals(problems: Sequence[Problem], workers: int, *, as_json: bool) -> None:
    """Time a few networks, and print what a search would do.

    Args:
        problems: What the search would be about, board by board.
        workers: Processes that it would have.
        as_json: Print JSON.

    Raises:
        TinynasError: A network of the space cannot be trained or converted.
    """
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import working
    from tinynas.search import rehearse

    with working("timing a few networks"):
        found = [rehearse(problem, workers=workers) for problem in problems]
    if not as_json:
        for problem, one in zip(problems, found, strict=True):
            _print(problem, one)
        return
    rows = [
        {"board": p.board.name, "dataset": p.config.dataset.source, "mode": p.config.mode, **one.to_dict()}
        for p, one in zip(problems, found, strict=True)
    ]
    print_json(rows[0] if len(rows) == 1 else {"boards": rows})


def _print(problem: Problem, found: Rehearsal) -> None:
    from tinynas.cli.console import stdout
    from tinynas.report import percent

    window, channels = found.inputs
    whole = "not known: the board's part is not in it" if found.seconds is None else _duration(found.seconds)
    lines = (
        f"board: {problem.board.title or problem.board.name}, {found.sram_bytes:,} bytes of SRAM and "
        f"{found.flash_bytes:,} of flash for a network",
        f"data: {problem.config.dataset.source}, {' / '.join(f'{n:,}' for n in found.windows)} windows for training / "
        f"validation / test, {window} x {channels} in the {found.frame} frame",
        f"networks: {found.trials} trials and {found.finals} final trainings; {percent(found.infeasible_share)} of the "
        "space does not fit",
        f"a trial: {_duration(found.train_s)} of training, {_duration(found.rest_s)} for the rest, by the first "
        f"{found.networks} networks; the slowest takes {found.spread:.1f} times the mean",
        f"time: {whole}"
        + ("" if found.seconds is None else f", with {found.workers} worker{'s' * (found.workers != 1)}"),
        "nothing was written",
    )
    for line in lines:
        stdout().print(line, markup=False, soft_wrap=True)


def _duration(seconds: float) -> str:
    """A length of time with two figures that count.

    Example:
        >>> _duration(4.21), _duration(75), _duration(7000)
        ('4.2 s', '75 s', '1.9 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
