"""The resource model of compiled models against what boards report: SRAM and flash of random networks.

    python benchmarks/proxy.py [--boards NAME ...] [--count N] [--seed N] [--json] [--out FILE]

Networks are drawn from the default space over windows of 200 x 6 or x 9, filled with random numbers, compiled, linked
with the firmware and run on a virtual board; those that its memory does not hold are left out. The error
is that of the model's figure in per cent of the measured one. The figures of its code and stack were fitted to networks
of seed 0 on the NUCLEO-F446RE (`benchmarks/aot_code.py`): the default seed is another one. The compiler is the one that
is installed, GCC before Clang.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from _candidates import drawn, int8_model
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

from tinynas.board import load_board
from tinynas.cost import Engine, costs, estimate
from tinynas.errors import FlashOverflow, RamOverflow
from tinynas.hil.image import Toolchain
from tinynas.hil.measure import measure


def main() -> None:
    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", nargs="+", default=["nucleo_f446re"], metavar="NAME", help="virtual boards")
    parser.add_argument("--count", type=int, default=50, help="networks a board (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the networks and their weights (default 1)")
    add_output_options(parser)
    options = parser.parse_args()
    rows = [_row(name, options.count, options.seed) for name in options.boards]
    result = {
        "benchmark": "proxy",
        "environment": environment("numpy", "unicorn"),
        "count": options.count,
        "seed": options.seed,
        "rows": rows,
    }
    report(options, result, _table(rows))


def _row(name: str, count: int, seed: int) -> dict[str, Any]:
    board, rng = load_board(name), np.random.default_rng(seed)
    compiler = Toolchain.detect()
    engine, networks, cpu = Engine.aot(board, compiler.kind), [], []
    for index in range(count):
        network = drawn(rng)
        start = process_time()
        costs(network, engine)
        middle = process_time()
        predicted = estimate(network, engine)
        cpu.append((middle - start, process_time() - middle))
        try:
            found = measure(board, int8_model(network, np.random.default_rng([seed, index])), toolchain=compiler)
        except (FlashOverflow, RamOverflow) as error:
            networks.append({"architecture": network.to_dict(), "left_out": error.message})
            continue
        networks.append(
            {
                "architecture": network.to_dict(),
                "sram_bytes": found.sram_bytes,
                "flash_bytes": found.flash_bytes,
                "stack_bytes": found.stack_bytes,
                "stack_predicted_bytes": predicted.stack_bytes,
                "sram_error_percent": 100 * (predicted.sram_bytes / found.sram_bytes - 1),
                "flash_error_percent": 100 * (predicted.flash_bytes / found.flash_bytes - 1),
                "arena_equal": predicted.arena_bytes == found.arena_bytes,
            }
        )
    short, whole = zip(*cpu, strict=True)
    return {
        "board": name,
        "toolchain": compiler.version,
        "costs_cpu_ms_median": 1000 * median(short),
        "costs_cpu_ms_worst": 1000 * max(short),
        "estimate_cpu_ms_median": 1000 * median(whole),
        "estimate_cpu_ms_worst": 1000 * max(whole),
        "networks": networks,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    shown = Table(title="resource model against virtual boards, error in % of what was measured")
    for heading in ("board", "networks", "arena equal"):
        shown.add_column(heading)
    sizes = ("SRAM median", "worst", "within 2 %", "flash median", "worst", "within 2 %")
    for heading in (*sizes, "CPU ms", "sizes only"):
        shown.add_column(heading, justify="right")
    for row in rows:
        measured = [n for n in row["networks"] if "left_out" not in n]
        cells = []
        for key in ("sram", "flash"):
            errors = [abs(n[f"{key}_error_percent"]) for n in measured]
            cells += [f"{median(errors):.2f}", f"{max(errors):.2f}", str(sum(e <= 2 for e in errors))]
        equal = sum(n["arena_equal"] for n in measured)
        cpu = [f"{row[f'{what}_cpu_ms_median']:.1f}" for what in ("estimate", "costs")]
        shown.add_row(row["board"], str(len(measured)), str(equal), *cells, *cpu)
    return shown


if __name__ == "__main__":
    main()
