"""One search by two revisions of this repository: do they suggest, compute and build the same?

    python benchmarks/same_search.py OLD [NEW] [--trials N] [--engine proxy|virtual] [--keep] [--json] [--out FILE]

Both search with one seed, on a virtual NUCLEO-F446RE and little data. What is compared of each trial is all that does
not depend on the clock: parameters, state, costs, errors, score, and hashes of weights, .tflite and, with the engine
`virtual`, of the image. OLD and NEW are revisions as Git knows them; without NEW it is the working tree, as it lies
there. The environment is the one this runs in: dependencies of both have to be in it. The exit code is 1 where
something differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _common import add_output_options, environment, report
from rich.table import Table

ROOT = Path(__file__).parents[1]
CONFIG = """
dataset: {window: 100, stride: 50, synthetic: {n_train: 3, n_valid: 1, n_test: 1, duration_s: 30}}
training: {epochs: 1}
cost: {engine: aot, compiler: gcc}
"""
#: Of a trial, in the order in which they come about: what is equal up to one may differ in the next.
COMPARED = ("params", "architecture", "seed", "state", "measurement", "metrics", "objective", "reason", "artefacts")
_CLOCKED = ("seconds", "time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD", help="a revision")
    parser.add_argument("new", metavar="NEW", nargs="?", help="another one (default: the working tree)")
    parser.add_argument("--trials", type=int, default=6, help="candidates of the search (default 6)")
    parser.add_argument("--engine", choices=("proxy", "virtual"), default="virtual", help="where costs come from")
    parser.add_argument("--keep", action="store_true", help="keep the studies, and say where")
    add_output_options(parser)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="same-search-"))
    try:
        old = _searched(options.old, folder / "old", options)
        new = _searched(options.new, folder / "new", options)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    found = differences(old, new)
    result = {
        "benchmark": "same_search",
        "environment": environment("tensorflow", "numpy"),
        "old": options.old,
        "new": options.new or "working tree",
        "trials": [len(old), len(new)],
        "studies": str(folder) if options.keep else None,
        "differences": found,
    }
    report(options, result, _table(result))
    return int(bool(found))


def differences(old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the trials of two searches differ in, of each trial the first thing only: the rest follows from that.

    Args:
        old: Trials as `tinynas study export` writes them.
        new: The other search's.

    Returns:
        Each with its trial, field, key, and both values; a trial that only one search has has the field "trial".
    """
    found = []
    for number in range(max(len(old), len(new))):
        there = {"old": number < len(old), "new": number < len(new)}
        if not all(there.values()):
            found.append({"trial": number, "field": "trial", "key": "", **there})
            continue
        first = next(_of_trial(old[number], new[number]), None)
        if first is not None:
            found.append({"trial": number, **first})
    return found


def _of_trial(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for field in COMPARED:
        before, after = old.get(field), new.get(field)
        if not (isinstance(before, dict) and isinstance(after, dict)):
            before, after = {"": before}, {"": after}
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key) and not key.endswith(_CLOCKED):
                yield {"field": field, "key": key, "old": before.get(key), "new": after.get(key)}


def _searched(revision: str | None, folder: Path, options: argparse.Namespace) -> list[Mapping[str, Any]]:
    """Search with a revision's code; returns its trials."""
    folder.mkdir()
    (folder / "search.yaml").write_text(CONFIG, encoding="utf-8")
    mode = ["--mode", "hil", "--link", "virtual"] if options.engine == "virtual" else ["--mode", "proxy"]
    with _code(revision, folder / "code") as code:
        environment = {**os.environ, "PYTHONPATH": str(code)}
        board = ["--board", "nucleo_f446re", "--config", "search.yaml", "--out", "study"]
        for arguments in (
            ["search", *board, *mode, "--trials", str(options.trials), "--seed", "0", "--workers", "1"],
            ["study", "export", "study", "--out", "study.json"],
        ):
            command = [sys.executable, "-m", "tinynas", *arguments]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{revision or 'the working tree'}: {done.stderr[-2000:]}")
    trials: list[Mapping[str, Any]] = json.loads((folder / "study.json").read_text(encoding="utf-8"))["trials"]
    return trials


@contextmanager
def _code(revision: str | None, folder: Path) -> Iterator[Path]:
    """A folder with a revision's files."""
    if revision is None:
        yield ROOT
        return
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _table(result: Mapping[str, Any]) -> Table:
    same = "all the same" if not result["differences"] else "the first difference of each trial"
    shown = Table(title=f"{result['old']} and {result['new']}, {result['trials'][1]} trials: {same}")
    for heading in ("trial", "field", "key", "old", "new"):
        shown.add_column(heading)
    for row in result["differences"]:
        shown.add_row(*(str(row[column]) for column in ("trial", "field", "key", "old", "new")))
    return shown


if __name__ == "__main__":
    sys.exit(main())
