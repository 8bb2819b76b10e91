"""`tinynas doctor`: what this computer has, and what to do where something is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tinynas.cli.options import JsonOption

if TYPE_CHECKING:
    from tinynas.doctor import Finding

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "doctor",
        short_help="Say what this computer lacks.",
        help="Look at Python, TensorFlow, compilers, virtual boards, flashers, probes, ports, drives, boards, disks and"
        " caches, and say what to do where something is missing. The exit code is 1 where something fails; what only"
        " some of the work needs may be missing.",
    )(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Examine, print, end."""
    from dataclasses import asdict

    from tinynas.cli import exit_code
    from tinynas.cli.console import print_json
    from tinynas.cli.progress import working
    from tinynas.doctor import examine
    from tinynas.errors import TinynasError

    with working("examining this computer"):
        findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(exit_code(TinynasError("something fails")))


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    from tinynas.cli.console import stdout

    styles = {"ok": "green", "missing": "yellow", "failed": "bold red"}
    wide = max(len(finding.name) for finding in findings)
    out, area = stdout(), ""
    for finding in findings:
        first = "" if finding.area == area else finding.area
        area = finding.area
        # Lines are not cut to a width: what is to be typed has to be copied as a whole.
        state = (f"{finding.state:<9}", styles[finding.state])
        out.print(
            Text.assemble((f"{first:<8}", "bold"), f"{finding.name:<{wide}}  ", state, finding.detail), soft_wrap=True
        )
        if finding.remedy is not None:
            out.print(Text.assemble(" " * (wide + 19), ("do: ", "cyan"), finding.remedy), soft_wrap=True)
