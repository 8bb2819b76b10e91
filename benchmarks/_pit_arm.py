"""PIT of PLiNIO on the task of a search: networks that it prunes, as int8 models with costs and errors like ours.

PIT runs in an environment of its own (`_pit`), which has no TensorFlow. To make one, out of a clone of the repository
eml-eda/plinio:

    python -m venv pit
    pit/bin/pip install torch numpy networkx torchinfo tdigest onnx setuptools ./plinio

What PIT is given: our windows, our variation of them (turns about the vertical, noise), our targets' scale, our batch
size, and a seed that has our blocks with batch normalisation, as wide as our search space lets a network be. What it
returns goes our way: only the positions that count, our conversion, our costs.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import costs, lower, measure_graph, repeat
from tinynas.deploy import Model, convert, load_tensorflow
from tinynas.network import LayerGraph, Weights, forward, inference_function, plan
from tinynas.network.builder import GraphBuilder
from tinynas.objective import score
from tinynas.odometry import Augmenter
from tinynas.search import Task, limits_on, predict_deployed

__all__ = ["LEARNING_RATE", "STRENGTHS", "rebuild", "run_pit", "seed_graph", "seed_shape"]

PROGRAM = Path(__file__).with_name("_pit.py")
# Times the loss after the warm-up that the seed's cost weighs in the search: PLiNIO's example says about one.
STRENGTHS = (0.1, 0.5, 2.5)
LEARNING_RATE = 3e-3
# Dilations grow by this from block to block; within, PIT finds multiples of them.
GROWTH = 4
# By which outputs of a rebuilt network may miss those in torch, in standard deviations of the target.
EXACT = 1e-4
Array = npt.NDArray[np.float32]


def run_pit(
    config: Config,
    board: Board,
    task: Task,
    *,
    python: Path,
    seed: int,
    cpu_s: float,
    folder: Path,
    strengths: Sequence[float] = STRENGTHS,
    cost: str = "params",
) -> list[dict[str, Any]]:
    """Search with PIT, or take the result from the folder.

    Args:
        config: Of the search that it is compared with.
        board: Where the networks shall run.
        task: The data.
        python: Interpreter of an environment with torch and PLiNIO.
        seed: Of all randomness.
        cpu_s: CPU seconds that PIT may take for all strengths together.
        folder: Where the result is kept, in a file of the seed's and the limit's name.
        strengths: Of the cost's regulariser, one network each.
        cost: What is regularised: "params" or "ops".

    Returns:
        For each strength, in the order given: `strength`, `regularisation` (PLiNIO's strength), `cpu_s` since the
        beginning (with conversion and validation), `objective`, `feasible`, `error_int8`, `test_error_int8`,
        `flash_bytes`, `sram_bytes`, `macs`, `parameters` and `layers` (of each convolution name, taps, filters and
        dilation).

    Raises:
        RuntimeError: PIT failed, or its network computes something else here than there.
    """
    kept = folder / f"pit-{seed}-{cpu_s:g}s.json"
    if kept.exists():
        rows: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
        return rows
    scratch = folder / f"pit-{seed}-{cpu_s:g}s"
    job = {
        **seed_shape(config, board, task),
        **_variation(config, task),
        "batch_size": config.training.batch_size,
        "learning_rate": LEARNING_RATE,
        "strengths": list(strengths),
        "cost": cost,
        "cpu_s": cpu_s,
        "seed": seed,
    }
    _prune(job, config, task, python, scratch)
    load_tensorflow(config.training.threads)
    rows, ours_s = [], 0.0
    for number, strength in enumerate(strengths):
        with np.load(scratch / f"network-{number}.npz") as file:
            found = dict(file)
        row, spent_s = _measure(found, config, board, task, seed)
        ours_s += spent_s
        rows.append({"strength": strength, "cpu_s": float(found["cpu_s"]) + ours_s, **row})
    kept.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return rows


def _prune(job: Mapping[str, Any], config: Config, task: Task, python: Path, scratch: Path) -> None:
    """Run PIT's process, unless all of its networks are there."""
    note, networks = scratch / "job.json", [scratch / f"network-{n}.npz" for n in range(len(job["strengths"]))]
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) == job and all(n.exists() for n in networks):
        return
    scratch.mkdir(parents=True, exist_ok=True)
    for stale in networks:
        stale.unlink(missing_ok=True)
    data = task.training_data(config.training.augment)
    valid = {"valid_inputs": data.valid_inputs, "valid_targets": (data.valid_targets - data.offset) / data.scale}
    windows = scratch / "windows.npz"
    np.savez(windows, inputs=data.inputs, targets=data.targets, **valid)
    note.write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run([str(python), str(PROGRAM), str(scratch)], capture_output=True, text=True, check=False)
    windows.unlink()
    if done.returncode:
        raise RuntimeError(f"PIT failed with {python}: {done.stderr[-2000:]}")


def seed_shape(config: Config, board: Board, task: Task) -> dict[str, Any]:
    """The seed: `filters`, `taps` and `dilations`.

    It has the largest kernels of the space that are one more than a power of two, since in these every dilation that
    PIT chooses keeps the newest sample; blocks until the window is covered; and the fewest filters, in fours, with
    which it is too large for the board, or the most that the space has: PIT makes networks smaller only.
    """
    taps = 1 + 2 ** int(np.log2(max(1, config.space.kernel_size[1] - 1)))
    dilations = [1]
    while 1 + 2 * (taps - 1) * sum(dilations) < task.shape["window"]:
        dilations.append(dilations[-1] * GROWTH)
    low, high = config.space.filters
    limits, engine = limits_on(board, config), config.runtime(board)
    for filters in range(-(-low // 4) * 4, high, 4):
        if not limits.admits(costs(seed_graph(task, filters, taps, dilations), engine, config.conversion.precision)):
            break
    else:
        filters = high
    return {"filters": filters, "taps": taps, "dilations": dilations}


def seed_graph(task: Task, filters: int, taps: int, dilations: Sequence[int]) -> LayerGraph:
    """The seed's layers, for its cost."""
    shapes = {
        f"block{block}/{part}": (taps, filters, dilation)
        for block, dilation in enumerate(dilations)
        for part in ("conv1", "conv2")
    }
    return _graph(shapes | ({} if filters == task.channels else {"block0/projection": (1, filters, 1)}), task)


def rebuild(found: Mapping[str, npt.NDArray[Any]], task: Task) -> tuple[LayerGraph, dict[str, Array]]:
    """A network out of PIT's arrays, as our layers and weights; the output is still in standard deviations.

    Raises:
        RuntimeError: Its outputs are not those that torch computed.
    """
    names = [name.removesuffix("/dilation") for name in found if name.endswith("/dilation")]
    shapes = {}
    for name in names:
        taps, _, filters = found[f"{name}/kernel"].shape
        shapes[name] = (taps, filters, int(found[f"{name}/dilation"]) if taps > 1 else 1)
    graph = _graph(shapes, task)
    weights = {name: value for name, value in found.items() if name.endswith(("/kernel", "/bias"))}
    missed = float(np.abs(forward(plan(graph), weights, found["samples"]).numpy() - found["predicted"]).max())
    if not missed < EXACT:
        raise RuntimeError(f"the rebuilt network misses torch's outputs by {missed:.3g}")
    return graph, weights


def _graph(shapes: Mapping[str, tuple[int, int, int]], task: Task) -> LayerGraph:
    """Layers out of each convolution's taps, filters and dilation."""
    net = GraphBuilder(task.shape["window"], task.channels)
    x = net.window
    for block in range(sum(name.endswith("/conv1") for name in shapes)):
        name = f"block{block}"
        residual = x
        if f"{name}/projection" in shapes:
            residual = net.convolution(x, f"{name}/projection", shapes[f"{name}/projection"][1])
        for part in (f"{name}/conv1", f"{name}/conv2"):
            taps, filters, dilation = shapes[part]
            x = net.relu(net.convolution(x, part, filters, taps, dilation))
        x = net.relu(net.sum(residual, x))
    return net.finish(net.dense(net.newest(x), "head", task.outputs))


def _variation(config: Config, task: Task) -> dict[str, Any]:
    """What of our variation of windows PIT's side knows."""
    options, train = config.training.augment, task.train
    yaw = Augmenter(options, task.normalization, train.turns, train.target_turns).yaw
    return {"yaw": yaw and train.target_turns, "noise": options.noise}


def _measure(
    found: Mapping[str, npt.NDArray[Any]], config: Config, board: Board, task: Task, seed: int
) -> tuple[dict[str, Any], float]:
    """A network's figures, and the CPU seconds that conversion, cost and validation took."""
    started = process_time()
    graph, weights = rebuild(found, task)
    model = Model(_convert(graph, weights, config, task, seed))
    engine, turns = config.runtime(board), config.deploy.turns
    program = model.program if engine.name == "aot" else None
    cost = repeat(measure_graph(model.graph, len(model.content), graph, engine, program), turns)
    valid = task.evaluation(predict_deployed(model, task.inputs(task.valid), turns), "valid")
    error = {"velocity_rmse": valid.velocity.joint, "ate": valid.errors.ate_m, "rte": valid.errors.rte_m}
    scored = score(error[config.objective.error], cost, limits_on(board, config), config.objective)
    spent_s = process_time() - started
    test = task.error(predict_deployed(model, task.inputs(task.test), turns), task.test)
    layers = [
        [name.removesuffix("/dilation"), *np.shape(found[name.replace("dilation", "kernel")])[::2], int(found[name])]
        for name in found
        if name.endswith("/dilation")
    ]
    row = {
        "regularisation": float(found["strength"]),
        "objective": scored.value,
        "feasible": scored.feasible,
        "error_int8": valid.velocity.joint,
        "test_error_int8": test.joint,
        "flash_bytes": cost.flash_bytes,
        "sram_bytes": cost.sram_bytes,
        "macs": cost.macs,
        "parameters": graph.parameters,
        "layers": layers,
    }
    return row, spent_s


def _convert(graph: LayerGraph, weights: Weights, config: Config, task: Task, seed: int) -> bytes:
    data = task.training_data(config.training.augment)
    head = {"head/kernel": weights["head/kernel"] * data.scale, "head/bias": weights["head/bias"] * data.scale}
    head["head/bias"] = head["head/bias"] + data.offset
    windows = task.representative(config.conversion.calibration_windows, np.random.default_rng([seed, 1]))
    precision = config.conversion.precision
    function = inference_function(graph, {**weights, **head})
    return convert(function, lower(graph, precision), windows, precision=precision)
