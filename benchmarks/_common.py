"""What the benchmarks share: threads before TensorFlow, and results as JSON and as a table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.console import Console, RenderableType

__all__ = ["add_output_options", "environment", "limit_threads", "report", "spread"]

# A table in a file or a pipe must not be cut to the width of a terminal nobody looks at.
_PIPE_WIDTH = 160


def limit_threads(count: int) -> None:
    """Let every numerical library use `count` threads. Call it before TensorFlow or NumPy's BLAS is loaded."""
    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow is loaded already: its number of threads cannot be changed any more")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(count)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def environment(*packages: str) -> dict[str, str]:
    """What the figures were taken on: machine, Python, and the versions of packages."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--out FILE`."""
    parser.add_argument("--json", action="store_true", help="print the JSON result instead of the table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON result to FILE as well")


def spread(values: Sequence[float], digits: int, nothing: str = "-") -> str:
    """Mean and standard deviation as text; the mean alone of one value."""
    if not values:
        return nothing
    text = f"{mean(values):.{digits}f}"
    return f"{text} +- {stdev(values):.{digits}f}" if len(values) > 1 else text


def report(options: argparse.Namespace, result: dict[str, Any], table: RenderableType) -> None:
    """Print the result as the options of `add_output_options` ask for."""
    text = json.dumps(result, indent=2)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)
