"""The figures of `tinynas.cost.cycle_figures` from virtual boards, and how far predicted cycles are off.

    python benchmarks/cycles.py --data FILE [--boards NAME ...] [--compiler gcc|zig] [--graphs N] [--networks N]
                                [--shard K/N] [--write] [--json] [--out FILE]

Stacks of random layers (convolutions, depthwise ones, sums), and random networks of every family, are compiled and run
on virtual boards, at the board's clock and at others. Each run's cycles by operator are one line of the file FILE; what
is there is not measured again, so several processes may share the work (`--shard`). Non-negative least squares over the
operators give cycles by loop; every fourth network of a family is held out, and its total compared. `--write` replaces
the figures in the package.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from _candidates import int8_model
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table
from scipy.optimize import nnls

from tinynas.board import family_of, load_board
from tinynas.board.families import CORES, McuFamily
from tinynas.cost import cycle_figures
from tinynas.cost.aot import read_bytes
from tinynas.cost.aot_program import predict_program
from tinynas.cost.cycle_figures import FIGURES_FILE, LINE
from tinynas.cost.rounds import count_rounds, lines_read
from tinynas.deploy.compiler import Schedule, keep_live, make_schedule
from tinynas.errors import FlashOverflow, RamOverflow
from tinynas.hil.image import Toolchain
from tinynas.hil.measure import measure
from tinynas.hil.operators import measure_operators
from tinynas.network import (
    Architecture,
    ConvolutionalSearchSpace,
    LayerGraph,
    Network,
    RecurrentSearchSpace,
    SearchSpace,
    SeparableSearchSpace,
    plan,
)
from tinynas.network.builder import GraphBuilder

SPACES = {
    **{"tcn": SearchSpace, "ds_tcn": SeparableSearchSpace},
    **{"cnn": ConvolutionalSearchSpace, "gru": RecurrentSearchSpace},
}
BOARDS = (
    *("nucleo_f446re", "nucleo_g071rb", "nucleo_u575zi_q", "nucleo_f746zg", "nucleo_l476rg", "nucleo_l073rz"),
    *("nucleo_f303re", "nucleo_g474re", "nucleo_l4r5zi", "arduino_nano_33_ble", "nucleo_h743zi2"),
)
MOST_MACS = 400_000  # a virtual board does a few millions a second
SHARED = "any"  # flash, whatever family it is of
RIDGE = 1.0  # a family's flash differs from others' where its runs say so, not for the sake of one of them
HELD_OUT = 4  # one of so many networks


def main() -> None:
    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="measurements, one a line")
    parser.add_argument("--boards", nargs="*", default=BOARDS, metavar="NAME", help="boards to measure on")
    parser.add_argument("--compiler", choices=("gcc", "zig"), default="gcc", help="whose code (default gcc)")
    parser.add_argument("--graphs", type=int, default=10, help="stacks of random layers (default 10)")
    parser.add_argument("--networks", type=int, default=12, help="random networks of each family (default 12)")
    parser.add_argument("--shard", default="0/1", metavar="K/N", help="take every N-th measurement from the K-th on")
    parser.add_argument("--write", action="store_true", help="replace the figures in the package")
    add_output_options(parser)
    options = parser.parse_args()
    measure_all(options)
    runs = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    fits = [fit(key, group) for key, group in by_core(runs).items()]
    if options.write:
        write(fits)
    rows = [{name: value for name, value in one.items() if name not in ("core", "flash")} for one in fits]
    result = {"benchmark": "cycles", "environment": environment("numpy", "unicorn"), "cores": rows}
    report(options, result, table(rows))


def measure_all(options: argparse.Namespace) -> None:
    """Measure what the file lacks."""
    options.data.touch()
    runs = [json.loads(line) for line in options.data.read_text(encoding="utf-8").splitlines()]
    known = {(run["board"], run["compiler"], json.dumps(run["network"])) for run in runs}
    toolchain = Toolchain.detect(options.compiler)
    first, apart = map(int, options.shard.split("/"))
    names = [{"family": "stack", "index": index} for index in range(options.graphs)]
    names += [{"family": family, "index": index} for family in SPACES for index in range(options.networks)]
    for name, board in ((name, board) for name in names[first::apart] for board in options.boards):
        if (board, options.compiler, json.dumps(name)) in known:
            continue
        found = load_board(board)
        rng = np.random.default_rng([7, int(name["index"])])
        if name["index"] % 2:  # every second one at another clock: with other wait states
            family = family_of(found)
            part = family.part(found.mcu)
            found = found.at(int(rng.choice(list(family.clocks_hz(part) if part else [found.clock_hz]))))
        try:
            operators = measure_operators(found, model_of(json.dumps(name)), toolchain=toolchain)
        except (FlashOverflow, RamOverflow):
            continue  # too large for this board
        run = {"board": board, "clock_hz": found.clock_hz, "compiler": options.compiler, "network": name}
        run["cycles"] = [one.cycles for one in operators]
        if name["family"] != "stack":  # without the calls that count
            run["total"] = measure(found, model_of(json.dumps(name)), toolchain=toolchain).cycles
        with options.data.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")


def network_of(name: Mapping[str, Any]) -> Network:
    """The network of a line of the file: by family and index, or an architecture spelled out."""
    if "index" not in name:
        return Architecture.from_dict(name)
    return stack(name["index"]) if name["family"] == "stack" else network(name["family"], name["index"])


@cache
def model_of(name: str) -> bytes:
    """The network of a line of the file, with random weights."""
    return int8_model(network_of(json.loads(name)), np.random.default_rng([8, json.loads(name)["index"]]))


def stack(index: int) -> LayerGraph:
    """Random layers on top of each other; the later ones are asked for few rows, the first ones for many."""
    rng = np.random.default_rng([5, index])
    while True:
        width = int(rng.choice([3, 6, 9]))
        net = GraphBuilder(int(rng.integers(60, 200)), width)
        x = net.window
        for number in range(int(rng.integers(8, 15))):
            taps, dilation = int(rng.integers(1, 10)), int(rng.choice([1, 1, 2, 4]))
            kind = rng.choice(["convolution", "depthwise", "residual"], p=[0.5, 0.25, 0.25])
            if kind == "depthwise":
                x = net.convolution(x, f"l{number}", width, taps, dilation, groups=width)
            elif kind == "residual":
                x = net.sum(x, net.relu(net.convolution(x, f"l{number}", width, taps, dilation)))
            else:
                width = int(np.exp(rng.uniform(0, np.log(48))))
                x = net.relu(net.convolution(x, f"l{number}", width, taps, dilation))
        graph = net.finish(net.dense(net.newest(x), "output", 2))
        if plan(graph).macs <= MOST_MACS:
            return graph


def network(family: str, index: int) -> Architecture:
    """A random network of a family's default space, small enough to be run in a second or two."""
    rng = np.random.default_rng([6, index])
    while True:
        window, channels = int(rng.choice([50, 100, 200])), int(rng.choice([6, 9]))
        one = SPACES[family]().sample(rng, window=window, channels=channels)
        if plan(one).macs <= 4 * MOST_MACS:
            return one


def by_core(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Runs by core and compiler."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        groups[f"{load_board(run['board']).core} {run['compiler']}"].append(run)
    return groups


@dataclass(frozen=True)
class Run:
    """One network on one board.

    Attributes:
        family: The microcontrollers' family.
        held: Whether it is held out.
        network: Family of the network.
        rows: Of each operator how often its loops ran, by name, with wait states on top; and its cycles.
    """

    family: McuFamily
    held: bool
    network: str
    rows: Sequence[tuple[Mapping[str, float], float]]


@cache
def schedule_of(name: str) -> Schedule:
    """The schedule that the resource model predicts."""
    program = predict_program(plan(network_of(json.loads(name))))
    assert program is not None
    return make_schedule(keep_live(program))


def read(run: Mapping[str, Any], place: int) -> Run:
    """A line of the file as rows of the least squares."""
    board = load_board(run["board"])
    family, schedule = family_of(board), schedule_of(json.dumps(run["network"]))
    waits, dsp = family.wait_states(run["clock_hz"]), CORES[family.core].dsp
    cache_bytes, line_bytes = family.constants_cache
    constants = read_bytes(schedule)
    whole = lines_read(schedule, constants, cache_bytes, line_bytes) if cache_bytes else 0.0
    rows = []
    for number, cycles in enumerate(run["cycles"]):
        rounds = dict(count_rounds(schedule, number, dsp=dsp) or {})
        if whole:  # a share by what it reads: the total counts
            turns = schedule.order.count(number)
            rounds[LINE] = whole * constants[number] * turns / max(weighted(schedule, constants), 1)
        owners = (SHARED, family.name) if waits else ()
        waiting = {f"{owner}|{name}": waits * count for owner in owners for name, count in rounds.items()}
        rows.append((rounds | waiting, cycles))
    name = run["network"].get("family", "tcn")
    index = run["network"].get("index", place)
    return Run(family, name != "stack" and index % HELD_OUT == 1, name, rows)


def weighted(schedule: Schedule, constants: Sequence[int]) -> float:
    """Bytes that all operators read in all their turns."""
    turns = np.bincount(schedule.order, minlength=len(constants))
    return float(turns @ np.asarray(constants))


def fit(key: str, group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of one core and compiler, and of the flash of its families."""
    runs = [read(run, place) for place, run in enumerate(group)]
    rows = [(number, rounds, cycles) for number, run in enumerate(runs) for rounds, cycles in run.rows]
    names = list(dict.fromkeys(name for _, rounds, _ in rows for name in rounds))
    counts = np.array([[rounds.get(name, 0.0) for name in names] for _, rounds, _ in rows])
    cycles = np.array([cycles for _, _, cycles in rows], float)
    owner = np.array([number for number, _, _ in rows])
    totals = np.bincount(owner, cycles)
    # Small operators count by what they are of their network: the total is what is asked for.
    weights = 1 / np.sqrt(cycles * totals[owner])
    used = np.array([not runs[number].held for number in owner])
    scale = np.abs(counts * weights[:, None])[used].max(0)
    scale[scale == 0] = 1
    own = np.diag([RIDGE if "|" in name and not name.startswith(SHARED) else 0.0 for name in names])
    matrix = np.vstack([(counts / scale * weights[:, None])[used], own])
    target = np.concatenate([(cycles * weights)[used], np.zeros(len(names))])
    figures = nnls(matrix, target, maxiter=50_000)[0] / scale
    off = np.bincount(owner, counts @ figures) / totals - 1
    known = dict(zip(names, figures, strict=True))
    core = {name: _short(value) for name, value in known.items() if value and "|" not in name}
    core |= dispatch(group)
    flash = {
        family: {
            loop: _short(value)
            for loop in dict.fromkeys(name.rpartition("|")[2] for name in names)
            if (value := known.get(f"{SHARED}|{loop}", 0.0) + known.get(f"{family}|{loop}", 0.0))
        }
        for family in sorted({run.family.name for run in runs})
    }
    found: dict[str, Any] = {"key": key, "core": core, "flash": flash, "runs": len(runs)}
    held = np.array([run.held for run in runs])
    for title, chosen in (("fitted", ~held), ("held out", held)):
        errors = 100 * np.abs(off[chosen])
        found[title] = {"runs": int(chosen.sum())}
        if chosen.any():
            found[title] |= {"median_percent": float(np.median(errors)), "most_percent": float(errors.max())}
    return found


def dispatch(group: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Cycles of what lets an operator take its turn, less those of the calls that count: the same for each turn."""
    apart = [
        (len(schedule_of(json.dumps(run["network"])).order), run["total"] - sum(run["cycles"]))
        for run in group
        if "total" in run
    ]
    if not apart:
        return {}
    turns, cycles = np.array(apart, float).T
    return {"dispatch": _short(float(turns @ cycles / (turns @ turns)))}


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def write(fits: Sequence[Mapping[str, Any]]) -> None:
    """Replace the figures of these cores in the package."""
    path = Path(cycle_figures.__file__).with_name(FIGURES_FILE)
    figures = json.loads(path.read_text(encoding="utf-8"))
    for one in fits:
        compiler = one["key"].split()[1]
        figures["cores"][one["key"]] = one["core"]
        figures["flash"] |= {f"{family} {compiler}": values for family, values in one["flash"].items()}
    path.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def table(fits: Sequence[Mapping[str, Any]]) -> Table:
    shown = Table(title="predicted cycles, off by")
    for heading in ("core", "fitted", "median", "most", "held out", "median", "most"):
        shown.add_column(heading, justify="left" if heading == "core" else "right")
    for one in fits:
        cells = []
        for title in ("fitted", "held out"):
            part = one[title]
            figures = [f"{part[name]:.1f} %" if name in part else "" for name in ("median_percent", "most_percent")]
            cells += [str(part["runs"]), *figures]
        shown.add_row(one["key"], *cells)
    return shown


if __name__ == "__main__":
    main()
