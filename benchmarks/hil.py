"""A network on all boards, virtual ones or an attached one: what `tinynas measure` reports, and what it costs to ask.

    python benchmarks/hil.py [MODEL.tflite] [--boards NAME ...] [--link LINK] [--repeat N] [--seed N]
        [--json] [--out FILE]

Without a model an untrained TCN of the default space is built, with every weight and bias moved off its initial value.
With --repeat each board is asked so often, in one process; the figures must not differ, and what is left behind is
reported: child processes, file descriptors, and the growth of memory from the second measurement to the last. The first
measurement on a board compiles the firmware unless a cache has it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

from tinynas import TCN
from tinynas.board import list_boards, load_board
from tinynas.hil.measure import measure

NETWORK = TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6, skip_connections=True)
CALIBRATION_WINDOWS = 32


def main() -> int:
    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL.tflite", help="an int8 model")
    parser.add_argument("--boards", nargs="+", default=list_boards(), metavar="NAME", help="boards (default: all)")
    parser.add_argument("--link", default="virtual", help="virtual, auto or a serial port (default virtual)")
    parser.add_argument("--repeat", type=int, default=1, help="measurements a board (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and inputs (default 0)")
    add_output_options(parser)
    options = parser.parse_args()
    model = options.model.read_bytes() if options.model else untrained(options.seed)
    rows = [row(name, model, options) for name in options.boards]
    result = {
        "benchmark": "hil",
        "environment": environment("numpy", "unicorn"),
        "model": str(options.model) if options.model else NETWORK.to_dict(),
        "tflite_bytes": len(model),
        "seed": options.seed,
        "rows": rows,
    }
    report(options, result, table(rows, len(model)))
    return int(any(r["differing"] or r["children_left"] for r in rows))


def untrained(seed: int) -> bytes:
    """An int8 model of NETWORK with perturbed weights."""
    from tinynas.cost import lower
    from tinynas.deploy import convert
    from tinynas.deploy.native import captured_stderr
    from tinynas.network import inference_function, initial_weights, perturbed

    with captured_stderr():  # TensorFlow tells about its build
        import tensorflow  # noqa: F401
    rng = np.random.default_rng(seed)
    weights = perturbed(initial_weights(NETWORK, rng), rng)
    windows = rng.normal(size=(CALIBRATION_WINDOWS, NETWORK.window, NETWORK.channels)).astype(np.float32)
    return convert(inference_function(NETWORK, weights), lower(NETWORK), windows)


def row(name: str, model: bytes, options: argparse.Namespace) -> dict[str, Any]:
    """Measure on one board, and watch this process."""
    board, me, seconds, found, before = load_board(name), psutil.Process(), [], [], None
    for _ in range(options.repeat):
        start = perf_counter()
        found.append(measure(board, model, link=options.link, rng=np.random.default_rng(options.seed)))
        seconds.append(perf_counter() - start)
        before = before or (me.memory_info().rss, me.num_fds())
    assert before is not None
    return {
        **found[0].to_dict(),
        "seconds_first": seconds[0],
        "seconds": median(seconds),
        "repeat": options.repeat,
        "differing": sum(one != found[0] for one in found) if options.link == "virtual" else 0,
        "children_left": len(me.children()),
        "descriptors_left": me.num_fds() - before[1],
        "growth_bytes": me.memory_info().rss - before[0],
    }


def table(rows: list[dict[str, Any]], size: int) -> Table:
    """The same for people."""
    shown = Table(title=f"a .tflite of {size:,} bytes, on {rows[0]['source']} boards ({rows[0]['toolchain']})")
    shown.add_column("board")
    headings = ("flash", "static RAM", "stack", "instructions", "cycles", "ms", "outputs", "s to measure")
    for heading in headings:
        shown.add_column(heading, justify="right")
    for r in rows:
        counted = "" if r["instructions"] is None else f"{r['instructions']:,}"
        memory = (f"{r[key]:,}" for key in ("flash_bytes", "static_ram_bytes", "stack_bytes"))
        time = (f"{r['cycles']:,}", f"{r['latency_us'] / 1000:.2f}")
        shown.add_row(r["board"], *memory, counted, *time, "equal", f"{r['seconds']:.2f}")
    if rows[0]["repeat"] > 1:
        shown.caption = "; ".join(
            f"{r['board']}: {r['repeat']} times, {r['differing']} differing, left behind {r['children_left']} "
            f"processes, {r['descriptors_left']} descriptors, {r['growth_bytes'] / 1024:,.0f} KiB"
            for r in rows
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
