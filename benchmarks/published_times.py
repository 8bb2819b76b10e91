"""Published images of others on virtual boards: the estimate of time beside what was measured on the real ones.

    python benchmarks/published_times.py FOLDER [--only TEXT] [--write] [--json] [--out FILE]

FOLDER is a checkout of github.com/mlcommons/tiny_results_v1.2: MLPerf Tiny's closed division, in which Bosch and
STMicroelectronics publish images with the throughput of each. They are not part of this project. `published_times.json`
holds what one inference of each is made of (`--write` writes it again), and the time that was published; without FOLDER
these are shown, which takes no time.

The figures of a core are fitted to the images of its kind that are not held out, and the others are compared: that is
`fit`. What the virtual boards really use is in `tinynas/hil/emulator/cores.py`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _common import add_output_options, environment, report
from _published import TARGETS, Profile, profile
from rich.table import Table

from tinynas.board import load_board

FILE = Path(__file__).with_name("published_times.json")


def published_us(folder: Path) -> float:
    """An inference's time by the throughput in the logs of a result."""
    logs = "".join(path.read_text(errors="replace") for path in sorted(folder.glob("performance/**/*.txt")))
    return 1e6 / median(float(found) for found in re.findall(r"Throughput\s*:\s*([\d.]+) inf", logs))


def core_of(row: Mapping[str, Any]) -> str:
    """Core of an image's board."""
    return load_board(TARGETS[row["target"]].board).core


def estimated_us(row: Mapping[str, Any]) -> float:
    """An inference's time by the estimate."""
    return 1e6 * Profile(**row["profile"]).cycles(core_of(row)) / TARGETS[row["target"]].clock_hz


def fit(rows: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Figures of a core by the published times of images: what its table's sum counts, and a line of constants costs.

    Least squares of the relative error, over images that are not held out.

    Returns:
        The factor of the table's sum; cycles a line, as a part of the flash's wait states.
    """
    terms, ones = [], []
    for row in rows:
        if not row["held_out"]:
            part = Profile(**row["profile"])
            cycles = row["published_us"] * TARGETS[row["target"]].clock_hz / 1e6
            rest = cycles - part.code_lines * part.waits
            terms.append([part.table / rest, part.constant_lines * part.waits / rest])
            ones.append(1.0)
    factor, line = np.linalg.lstsq(np.array(terms), np.array(ones), rcond=None)[0]
    return float(factor), float(line)


def fitted_us(row: Mapping[str, Any], factor: float, line: float) -> float:
    """An inference's time by the figures of `fit`."""
    part = Profile(**row["profile"])
    cycles = factor * part.table + part.waits * (part.code_lines + line * part.constant_lines)
    return 1e6 * cycles / TARGETS[row["target"]].clock_hz


def read_rows() -> list[dict[str, Any]]:
    """What the file holds."""
    rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["images"]
    return rows


def write_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into the file, one a line."""
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    FILE.write_text(f'{{"results": "mlcommons/tiny_results_v1.2", "images": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="checkout of github.com/mlcommons/tiny_results_v1.2")
    parser.add_argument("--only", default="", metavar="TEXT", help="images whose path holds this text")
    parser.add_argument("--write", action="store_true", help="write published_times.json again")
    add_output_options(parser)
    options = parser.parse_args()
    rows = read_rows()
    for row in rows:
        if options.folder and options.only in row["image"]:
            row["published_us"] = round(published_us(options.folder / row["result"]), 1)
            row["profile"] = asdict(profile(TARGETS[row["target"]], (options.folder / row["image"]).read_bytes()))
            if options.write:  # others may have written theirs meanwhile
                write_rows([row if one["image"] == row["image"] else one for one in read_rows()])
    result = {"benchmark": "published_times", "environment": environment("unicorn"), "rows": rows}
    report(options, result, table(rows))


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Estimates beside published times; the last column is by the figures of `fit`, where there are enough images."""
    shown = Table(title="published images on virtual boards")
    for heading in ("image", "held out", "estimate", "published", "ratio", "ratio, fitted"):
        shown.add_column(heading, justify="left" if heading == "image" else "right")
    rows = [row for row in rows if row["published_us"]]
    for row in rows:
        alike = [one for one in rows if core_of(one) == core_of(row)]
        figures = fit(alike) if sum(not one["held_out"] for one in alike) > 1 else None
        times = (estimated_us(row), row["published_us"])
        shown.add_row(
            f"{row['target']} {row['engine']} {row['model']}",
            "yes" if row["held_out"] else "",
            *(f"{us / 1000:.2f} ms" for us in times),
            f"{times[0] / times[1]:.3f}",
            f"{fitted_us(row, *figures) / times[1]:.3f}" if figures else "-",
        )
    return shown


if __name__ == "__main__":
    main()
