"""`tinynas study`: what of a study is whole, and how to save it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinynas.cli.options import JsonOption, StudyArgument

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    group = typer.Typer(help="Say what of a study is whole, and save it.", no_args_is_help=True)
    group.command("check", help="Hold every row and file of a study against its hash. Exit code 1: some are damaged.")(
        check
    )
    group.command("export", help="Write all that is whole of a study to a JSON file.")(export)
    app.add_typer(group, name="study")


def check(study: StudyArgument, as_json: JsonOption = False) -> None:
    """Print what is damaged; exit with 1 if anything is."""
    from tinynas.cli.console import print_json, stdout
    from tinynas.study import check_study

    found = check_study(study)
    if as_json:
        print_json({"study": str(study), "whole_trials": [t.id for t in found.trials], "damaged": list(found.damaged)})
    else:
        for line in found.damaged:
            stdout().print(f"damaged: {line}", markup=False, soft_wrap=True)
        trials = f"{len(found.trials)} trial{'s' * (len(found.trials) != 1)}"
        stdout().print(f"{trials} whole" + (", nothing is damaged" if not found.damaged else ""), markup=False)
    if found.damaged:
        raise typer.Exit(1)


def export(
    study: StudyArgument,
    out: Annotated[Path, typer.Option(help="The JSON file to be written.")],
) -> None:
    """Write the documents and trials that are whole."""
    import json

    from tinynas.cli.console import stdout
    from tinynas.errors import ConfigError
    from tinynas.study import check_study, write_file

    if out.exists():
        raise ConfigError("is there already", where=f"--out {out}", advice="name a new file")
    found = check_study(study)
    write_file(out, json.dumps(found.to_dict(), indent=1).encode())
    stdout().print(f"{len(found.trials)} trials written to {out}", markup=False, soft_wrap=True)
