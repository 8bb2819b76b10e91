"""The compiled engine on a virtual Cortex-M: what a .tflite needs once it is C, against TFLM's interpreter.

    python benchmarks/engine.py [MODEL.tflite ...] [--anchors DIR] [--optimise speed size] [--cpu CPU] [--level LEVEL]
        [--inputs N] [--seed N] [--json] [--out FILE]

Each model is compiled to C, built with the cross compiler that is installed (Arm's GCC before Clang) and run in a CPU
emulator; instructions, stack and sizes are exact (`_cortex` says what counts). Outputs are compared byte for byte with
the official interpreter's on random inputs.

An anchor is a model whose cost under TFLM was measured: DIR holds NAME.tflite, an input NAME.in with TFLM's output
NAME.out, and tflm.json with, per name and kernel library (`reference`, `cmsis_nn`), `flash`, `static_ram`, `stack` and
`instructions`. The ratios to these figures are printed with the targets against CMSIS-NN. TFLM's static RAM includes
its input and output tensors: the ratio of static RAM is therefore that of `strict_ram_bytes`, which includes the
caller's buffers, and `static_ram_alone` is that without them. A model with the head "last" has outputs that hang on the
last time steps only, and a target of its own: most of its time steps are dead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from _common import add_output_options, environment, report
from _cortex import Report, run
from _image import CPUS, require
from rich.console import Group
from rich.table import Table

from tinynas.deploy import TflmInterpreter, compile_model, read_graph
from tinynas.errors import TinynasError, ToolchainMissing

KERNELS = ("cmsis_nn", "reference")
# Ratios to TFLM with CMSIS-NN that the engine aims at.
TARGETS = {"static_ram": 0.2, "flash": 0.25, "instructions": 0.45}
DEAD_TIME_STEPS = {**TARGETS, "instructions": 0.06}
# Functions named in the JSON result, the most expensive ones.
PROFILED = 8


@dataclass(frozen=True)
class Subject:
    """A model, and for an anchor what is known of it.

    Attributes:
        recorded: Figures by name; empty for a model that is no anchor.
        pairs: Inputs with TFLM's outputs.
    """

    name: str
    model: bytes
    recorded: Mapping[str, Any] = field(default_factory=dict)
    pairs: Sequence[tuple[bytes, bytes]] = ()


def anchors(folder: Path) -> list[Subject]:
    """The anchors of a folder.

    Raises:
        OSError: A file is missing.
        ValueError: tflm.json is no JSON.
    """
    recorded = json.loads((folder / "tflm.json").read_text(encoding="utf-8"))
    found = []
    for name, figures in recorded.items():
        model, given, expected = ((folder / f"{name}.{kind}").read_bytes() for kind in ("tflite", "in", "out"))
        found.append(Subject(name, model, figures, [(given, expected)]))
    return found


def examples(subject: Subject, count: int, seed: int) -> tuple[list[bytes], list[bytes | None]]:
    """Inputs, and the outputs to be met: recorded ones, then the official interpreter's on random inputs.

    Where there is no interpreter on this machine, the outputs are None.
    """
    graph = read_graph(subject.model, where=subject.name)
    shape = graph.tensors[graph.inputs[0]].shape[1:]
    drawn = np.random.default_rng(seed).integers(-128, 128, (count, *shape)).astype(np.int8)
    try:
        expected: list[bytes | None] = [row.tobytes() for row in TflmInterpreter(subject.model).run(drawn)]
    except ToolchainMissing:
        expected = [None] * count
    inputs = [given for given, _ in subject.pairs] + [row.tobytes() for row in drawn]
    return inputs, [output for _, output in subject.pairs] + expected


def ratios(recorded: Mapping[str, Any], found: Report) -> dict[str, dict[str, float]]:
    """Ours over TFLM's by kernel library, for the figures that are recorded."""
    ours = {
        "static_ram": found.strict_ram_bytes,
        "static_ram_alone": found.static_ram_bytes,
        "flash": found.flash_bytes,
        "stack": found.stack_bytes,
        "instructions": found.instructions,
    }
    result = {}
    for kernels in KERNELS:
        theirs = dict(recorded.get(kernels, {}))
        if kernels in recorded.get("instructions", {}):
            theirs["instructions"] = recorded["instructions"][kernels]
        if "static_ram" in theirs:
            theirs["static_ram_alone"] = theirs["static_ram"]
        result[kernels] = {name: round(ours[name] / theirs[name], 4) for name in ours if name in theirs}
    return result


def measure(subject: Subject, optimise: str, options: argparse.Namespace) -> dict[str, Any]:
    """Compile, build, run and compare one model."""
    inputs, expected = examples(subject, options.inputs, options.seed)
    start = perf_counter()
    compiled = compile_model(subject.model, optimise=optimise, where=subject.name)
    compile_s = perf_counter() - start
    with tempfile.TemporaryDirectory() as name:
        sources = compiled.write(Path(name))
        level = options.level.removeprefix("O")
        found = run(sources, [Path(name)], inputs, compiled.output_bytes, cpu=options.cpu, level=level)
    compared = [ours == theirs for ours, theirs in zip(found.outputs, expected, strict=True) if theirs is not None]
    result: dict[str, Any] = {
        "model": subject.name,
        "optimise": optimise,
        "tflite_bytes": len(subject.model),
        "static_ram_bytes": found.static_ram_bytes,
        "strict_ram_bytes": found.strict_ram_bytes,
        "arena_bytes": compiled.arena_bytes,
        "arena_lower_bound_bytes": compiled.arena_lower_bound,
        "stack_bytes": found.stack_bytes,
        "flash_bytes": found.flash_bytes,
        "flash_beside_weights_bytes": found.flash_bytes - compiled.weights_bytes,
        "instructions": found.instructions,
        "macs_needed": compiled.macs,
        "macs_of_model": compiled.model_macs,
        "instructions_per_mac": round(found.instructions / compiled.macs, 3) if compiled.macs else None,
        "parity": {"inputs": len(compared), "equal": sum(compared)},
        "compile_s": round(compile_s, 3),
        "build_s": round(found.build_s, 3),
        "profile": dict(list(found.profile.items())[:PROFILED]),
    }
    if subject.recorded:
        targets = DEAD_TIME_STEPS if subject.recorded.get("head") == "last" else TARGETS
        result["ratios"] = ratios(subject.recorded, found)
        result["targets"] = {name: targets[name] for name in targets if name in result["ratios"]["cmsis_nn"]}
        result["met"] = all(result["ratios"]["cmsis_nn"][name] <= most for name, most in result["targets"].items())
    return result


def attempt(subject: Subject, optimise: str, options: argparse.Namespace) -> dict[str, Any]:
    """`measure`; a model that is refused, or faults, is a line of the result and not the end of the others."""
    try:
        return measure(subject, optimise, options)
    except ToolchainMissing:
        raise
    except TinynasError as e:
        return {"model": subject.name, "optimise": optimise, "error": str(e)}


def table(result: Mapping[str, Any]) -> Group:
    costs = Table(title=f"Compiled engine on a {result['cpu']}, -{result['level']}", title_justify="left")
    heads = ("RAM", "with in/out", "stack", "flash", "beside weights", "instructions", "a needed MAC", "as TFLM")
    for name in ("model", "for"):
        costs.add_column(name)
    for name in heads:
        costs.add_column(name, justify="right")
    against = Table(title="Ratio to TFLM: CMSIS-NN (reference kernels)", title_justify="left")
    for name in ("model", "for", "RAM with in/out", "RAM", "flash", "stack", "instructions", "targets"):
        against.add_column(name, justify="left" if name in ("model", "for") else "right")
    for row in result["models"]:
        if "error" in row:
            costs.add_row(row["model"], row["optimise"], row["error"])
            continue
        names = ("static_ram", "strict_ram", "stack", "flash", "flash_beside_weights")
        figures = [f"{row[f'{name}_bytes']:,}" for name in names]
        parity = f"{row['parity']['equal']} of {row['parity']['inputs']}"
        counts = [f"{row['instructions']:,}", str(row["instructions_per_mac"]), parity]
        costs.add_row(row["model"], row["optimise"], *figures, *counts)
        if "ratios" in row:
            cells = [_cell(row, name) for name in ("static_ram", "static_ram_alone", "flash", "stack", "instructions")]
            against.add_row(row["model"], row["optimise"], *cells, "met" if row["met"] else "missed")
    return Group(costs, against) if against.row_count else Group(costs)


def _cell(row: Mapping[str, Any], name: str) -> str:
    cmsis, reference = (row["ratios"][kernels].get(name) for kernels in KERNELS)
    return "" if cmsis is None else f"{cmsis:.3f}" + ("" if reference is None else f" ({reference:.3f})")


def subjects(options: argparse.Namespace) -> list[Subject]:
    """The anchors, then the models."""
    found = anchors(options.anchors) if options.anchors else []
    return found + [Subject(path.stem, path.read_bytes()) for path in options.models]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--anchors", type=Path, metavar="DIR", help="models whose cost under TFLM is recorded")
    parser.add_argument("--optimise", nargs="+", choices=("speed", "size"), default=["speed", "size"])
    parser.add_argument("--cpu", choices=sorted(CPUS), default="cortex-m4")
    parser.add_argument("--level", choices=("O1", "O2", "O3", "Os"), default="O2", help="the C compiler's optimisation")
    parser.add_argument("--inputs", type=int, default=5, help="random inputs that are run and compared")
    parser.add_argument("--seed", type=int, default=0)
    add_output_options(parser)
    options = parser.parse_args(arguments)
    try:
        chosen = subjects(options)
    except (OSError, ValueError) as e:
        parser.error(str(e))
    if not chosen:
        parser.error("name a model or a folder of anchors")
    if options.inputs < 1:
        parser.error("--inputs: at least one")
    try:
        compiler = require().version
        result = {
            "benchmark": "engine",
            "cpu": options.cpu,
            "level": options.level,
            "seed": options.seed,
            "environment": {**environment("unicorn", "numpy"), "compiler": compiler},
            "models": [attempt(subject, optimise, options) for subject in chosen for optimise in options.optimise],
        }
    except ToolchainMissing as e:
        parser.exit(1, f"{e}\n")
    report(options, result, table(result))


if __name__ == "__main__":
    main()
