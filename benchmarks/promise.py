"""How well a score without training ranks networks, beside the first epochs of their trainings.

    python benchmarks/promise.py STUDY [STUDY ...] [--json] [--out FILE]

Studies are those of random networks that were trained to the end, such as the folders `random-*` that
`benchmarks/search.py --folder` keeps. Figures are Spearman's rank correlations with the errors of the int8 models on
the validation recordings: 1 is a perfect order. The scores are the promise that a search knows (parameters times
samples seen), its two parts, and the multiplications; of trainings, the error after a share of their epochs.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

SHARES = (0.05, 0.1, 0.2, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", type=Path, nargs="+", metavar="STUDY", help="folder of a study")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    each = [list(rows_of(path)) for path in options.studies]
    together = [row for rows in each for row in rows]
    result = {
        "benchmark": "promise",
        "environment": environment("scipy", "numpy"),
        "studies": [{"name": path.name, **correlate(rows)} for path, rows in zip(options.studies, each, strict=True)],
        "together": correlate(together),
    }
    report(options, result, table_of(result))


def rows_of(path: Path) -> list[dict[str, float]]:
    """The scores and errors of a study's trials that were trained to the end."""
    from tinynas.network import Architecture, plan, seen_samples
    from tinynas.study import Study, TrialState

    rows = []
    with Study.open(path, readonly=True) as study:
        for trial in study.trials():
            if trial.state is not TrialState.DONE or trial.duplicate_of is not None:
                continue
            network, metrics = Architecture.from_dict(trial.architecture), trial.metrics or {}
            seen, history = int(seen_samples(network).sum()), metrics["history"]
            row = {
                "error": metrics["error_int8"],
                "parameters x samples seen": -math.log(network.parameters * seen),
                "parameters": -math.log(network.parameters),
                "samples seen": -math.log(seen),
                "multiplications": -math.log(plan(network).macs),
            }
            for share in SHARES:
                row[f"error after {share:.0%}"] = history[max(1, round(share * len(history))) - 1]
            rows.append(row)
    return rows


def correlate(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Rank correlations of every score with the errors."""
    from scipy.stats import spearmanr

    errors = [row["error"] for row in rows]
    scores = {
        name: float(spearmanr([row[name] for row in rows], errors).statistic) for name in rows[0] if name != "error"
    }
    return {"networks": len(rows), "rank_correlation": scores}


def table_of(result: Mapping[str, Any]) -> Table:
    """The result for people."""
    table = Table(title="rank correlation with the error after the whole training")
    columns = [*result["studies"], {"name": "together", **result["together"]}]
    table.add_column("score")
    for one in columns:
        table.add_column(f"{one['name']} ({one['networks']})", justify="right")
    for name in result["together"]["rank_correlation"]:
        table.add_row(name, *(f"{one['rank_correlation'][name]:.2f}" for one in columns))
    return table


if __name__ == "__main__":
    main()
