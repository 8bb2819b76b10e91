"""What each idea brings to odometry: one network trained and tested in int8, one idea changed at a time.

    python benchmarks/odometry.py [--source oxiod:FOLDER] [--lines NAME ...] [--seeds 0 1 2] [--epochs N]
                                  [--json] [--out FILE]

The network is a TCN of 24 filters, kernel 7, dilations 1, 4, 16, 64. Errors are those of the int8 model on test
recordings: joint velocity RMSE in m/s, and the mean ATE as a share of standing still's. With `--out` the benchmark is
resumable: every training is written there at once, and what the file holds is not trained again. `--list` names the
lines. Lines that begin with `from` train on one way of carrying, or on the built-in data, and test on another. Those
that begin with `pair` train two networks apart and average the outputs of their int8 models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from _common import add_output_options, environment, limit_threads, report, spread
from rich.table import Table

from tinynas.config import Config, Deploy, Training
from tinynas.odometry import AttitudeOptions, Dataset, DatasetOptions, Recording, express, load_dataset
from tinynas.odometry.frames import compare_accelerations, turn_truth
from tinynas.search import Task, load_task, make_task, predict_deployed

NETWORK = {"filters": 24, "kernel_size": 7, "dilations": (1, 4, 16, 64), "dropout": 0.0, "skip_connections": False}
SLOW_HEADING = AttitudeOptions(heading_time_s=20.0, gyro_bias_heading_deg_s=0.2)
MOTION = {"force_scale": 0.15, "tilt_deg": 2.0}


@dataclass(frozen=True)
class Line:
    """One line of the table: what differs from the network that is trained by default in the north frame."""

    what: str
    dataset: Mapping[str, Any] = field(default_factory=dict)
    augment: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    symmetry: str = "c4"
    turns: int = 1
    epochs: int | None = None
    rate: float | None = None
    carrying: tuple[str, str] | None = None
    refit: bool = False
    members: int = 1


LINES = {
    "body": Line("body frame", dataset={"frame": "body"}, symmetry="none"),
    "north": Line("north frame, no yaw augmentation, untied", augment={"yaw": False}, symmetry="none"),
    "yaw": Line("north frame, yaw augmentation, untied", symmetry="none"),
    "turns2": Line("the same, two turns averaged", symmetry="none", turns=2),
    "turns4": Line("the same, four turns averaged", symmetry="none", turns=4),
    "tied": Line("tied over quarter turns"),
    "tied-no-yaw": Line("tied, no yaw augmentation", augment={"yaw": False}),
    "tied-no-noise": Line("tied, no noise in training", augment={"noise": 0.0}),
    "tied-noise": Line("tied, twice the noise", augment={"noise": 0.4}),
    "tied-dropout": Line("tied, dropout of 0.05", network={"dropout": 0.05}),
    "tied-norm": Line("tied, batch normalisation", network={"norm": "batch"}),
    "tied-skip": Line("tied, skip connections", network={"skip_connections": True}),
    "tied-bias": Line("tied, biases of both sensors", augment={"accel_bias_m_s2": 0.1, "gyro_bias_rad_s": 0.02}),
    "tied-motion": Line("tied, force scaled by 15 %, tilt of 2 degrees", augment=MOTION),
    "tied-speed": Line("tied, the same and time scaled by 25 %", augment={**MOTION, "time_scale": 0.25}),
    "tied-5": Line("tied, 5 epochs", epochs=5),
    "untied-5": Line("untied, 5 epochs", symmetry="none", epochs=5),
    "tied-60": Line("tied, 60 epochs", epochs=60),
    "slow": Line("tied, half the learning rate", rate=6e-3),
    "gain": Line("tied, heading filter of 2 s", dataset={"attitude": AttitudeOptions(heading_time_s=2.0)}),
    "gain-20": Line("tied, heading filter of 20 s that learns the gyroscope's bias fast", {"attitude": SLOW_HEADING}),
    "level": Line("level frame, tied", dataset={"frame": "level"}),
    "refit": Line("tied, validation recordings learned as well", refit=True),
    "level-refit": Line("level frame, the same", dataset={"frame": "level"}, refit=True),
    "window": Line("tied, window of 400, target of 200", dataset={"window": 400}),
    "simulated": Line("tied, 24 simulated walkers in training", dataset={"simulated": 24}),
    "filters-16": Line("tied, 16 filters", network={"filters": 16}),
    "pair-16": Line("two of them, trained apart and averaged", network={"filters": 16}, members=2),
    "pair": Line("two networks of 24 filters, trained apart and averaged", members=2),
    "small": Line("tied, 12 filters", network={"filters": 12}),
    "large": Line("tied, 48 filters", network={"filters": 48}),
    # About equal flash as compiled models, 38 to 44 KiB whole images on a NUCLEO-F446RE.
    "grown": Line("tied, filters that grow: 16 20 24 32", network={"filters": (16, 20, 24, 32)}),
    "grown-more": Line("tied, filters that grow more: 12 20 24 36", network={"filters": (12, 20, 24, 36)}),
    "shrunk": Line("tied, filters that shrink: 28 24 20 20", network={"filters": (28, 24, 20, 20)}),
    "squeezed": Line("tied, 32 filters, convolutions in half of them", network={"filters": 32, "squeeze": 2}),
    "separable": Line("tied, depthwise separable, 44 filters", network={"family": "ds_tcn", "filters": 44}),
    "expanded-2": Line("tied, inverted residuals of twice 36 filters", {}, {},
                       {"family": "ds_tcn", "filters": 36, "expansion": 2}),
    "expanded-4": Line("tied, inverted residuals of four times 24 filters", {}, {},
                       {"family": "ds_tcn", "filters": 24, "expansion": 4}),
    "strided": Line("tied, cnn of 36 filters, four strides of 2, mean", {}, {},
                    {"family": "cnn", "filters": 36, "strides": (2, 2, 2, 2), "pool": "mean"}),
    "gated": Line("tied, gru of 40 filters, three strides of 2, 16 steps of 40 units", {}, {},
                  {"family": "gru", "filters": 40, "strides": (2, 2, 2), "units": 40, "steps": 16}),
    "from-trolley-body": Line("trolley to hand, body frame", {"frame": "body"}, symmetry="none",
                              carrying=("trolley", "handheld")),
    "from-trolley": Line("trolley to hand, north, tied", carrying=("trolley", "handheld")),
    "from-hand-body": Line("hand to trolley, body frame", {"frame": "body"}, symmetry="none",
                           carrying=("handheld", "trolley")),
    "from-hand": Line("hand to trolley, north, tied", carrying=("handheld", "trolley")),
    "from-trolley-simulated": Line("the same, 24 simulated walkers in training", {"simulated": 24},
                                   carrying=("trolley", "handheld")),
    "from-hand-simulated": Line("hand to trolley, 24 simulated walkers in training", {"simulated": 24},
                                carrying=("handheld", "trolley")),
    "from-synthetic": Line("built-in data to hand, north, tied", carrying=("synthetic", "handheld")),
    "from-synthetic-trolley": Line("built-in data to trolley, north, tied", carrying=("synthetic", "trolley")),
}  # fmt: skip


def main() -> None:
    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="synthetic", help="dataset (default synthetic)")
    parser.add_argument("--lines", nargs="+", default=list(LINES), choices=list(LINES), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--epochs", type=int, default=20, help="of lines that do not say (default 20)")
    parser.add_argument("--stride", type=int, default=10, help="of training windows, in samples (default 10)")
    parser.add_argument("--list", action="store_true", help="name the lines and end")
    add_output_options(parser)
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name:18} {line.what}" for name, line in LINES.items()))
        return
    runs = _known(options.out)
    for name in options.lines:
        line = LINES[name]
        epochs = line.epochs or options.epochs
        task: Task | None = None
        for seed in options.seeds:
            key = {"source": options.source, "line": name, "seed": seed, "epochs": epochs, "stride": options.stride}
            if any(all(run[k] == v for k, v in key.items()) for run in runs):
                continue
            task = task or _task(line, options.source, options.stride)
            runs.append({**key, **_run(line, task, epochs, seed)})
            if options.out is not None:
                options.out.write_text(json.dumps(_result(runs), indent=2) + "\n", encoding="utf-8")
    shown = [run for run in runs if run["source"] == options.source and run["line"] in options.lines]
    report(options, _result(runs), _table(shown))


def _known(out: Path | None) -> list[dict[str, Any]]:
    return list(json.loads(out.read_text("utf-8"))["runs"]) if out is not None and out.exists() else []


def _result(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"benchmark": "odometry", "environment": environment("numpy", "tensorflow"), "runs": runs}


def _config(line: Line, source: str, stride: int) -> Config:
    dataset = DatasetOptions(**{"source": source, "stride": stride, "frame": "north", **line.dataset})
    return Config(dataset=dataset, deploy=Deploy(turns=line.turns))


def _task(line: Line, source: str, stride: int) -> Task:
    config = _config(line, source, stride)
    return load_task(config) if line.carrying is None else make_task(_carried(source, *line.carrying), config)


def _carried(source: str, before: str, after: str) -> Dataset:
    """Training and validation on one way of carrying, all recordings of another as test."""
    found = load_dataset(source, seed=0)
    test = tuple(recording for recording in found.recordings if recording.mode == after)
    if before != "synthetic":
        parts = [tuple(r for r in part if r.mode == before) for part in (found.train + found.test, found.valid)]
        return Dataset(f"{before} to {after}", *parts, test)
    simulated = load_dataset("synthetic", seed=0)
    # The axes of two places differ by a constant angle to north; what is asked is whether the walk is understood.
    angle = _north(simulated.train) - _north(test)
    return Dataset(f"{before} to {after}", simulated.train, simulated.valid, tuple(turn_truth(r, angle) for r in test))


def _north(recordings: tuple[Recording, ...]) -> float:
    """Angle from magnetic north to the truth's axes, in rad."""
    framed = [express(recording, "north", AttitudeOptions()).recording for recording in recordings]
    return float(np.angle(compare_accelerations(framed)))


def _run(line: Line, task: Task, epochs: int, seed: int) -> dict[str, Any]:
    """Train, convert and test one network, or the average of several."""
    members = [_member(line, task, epochs, seed, number) for number in range(line.members)]
    inputs = task.inputs(task.test)
    found = task.evaluation(np.mean([predict_deployed(one.model, inputs, line.turns) for one in members], axis=0))
    errors = [one.valid_rmse for one in members]
    zero = found.baselines["zero"].ate_m
    return {
        "rmse_int8": found.velocity.joint,
        "ate_ratio": found.errors.ate_m / zero if found.errors.ate_m is not None and zero else None,
        "ate_m": found.errors.ate_m,
        "rte_m": found.errors.rte_m,
        "valid_float": None if line.refit else mean(errors),
        "direction_deg": found.parts.direction_mean_deg if found.parts else None,
        "baselines": {name: error.velocity_rmse for name, error in found.baselines.items()},
        "recordings": [
            {"name": one.name, "rmse": one.velocity.joint, "ate_m": one.ate_m, "rte_m": one.rte_m}
            for one in found.recordings
        ],
        "cpu_s": round(sum(one.cpu_s for one in members), 1),
        "tflite_bytes": sum(len(one.model) for one in members),
    }


class _Member(NamedTuple):
    """A trained network: its int8 model, its error on validation recordings, and the CPU seconds of its training."""

    model: bytes
    valid_rmse: float
    cpu_s: float


def _member(line: Line, task: Task, epochs: int, seed: int, number: int) -> _Member:
    from tinynas.cost import lower
    from tinynas.deploy import convert
    from tinynas.network import Architecture, fold, inference_function
    from tinynas.network.training import train

    strided = {"kernel_size": NETWORK["kernel_size"]}
    given = {**(strided if "strides" in line.network else NETWORK), "norm": "none", **line.network}
    network = Architecture.from_dict({**given, "symmetry": line.symmetry, **task.shape})
    rate = {} if line.rate is None else {"learning_rate": line.rate}
    options = Training(**{"epochs": epochs, "augment": line.augment, **rate})
    started = process_time()
    data = task.training_data(options.augment, refit=line.refit)
    fit = train(network, data, options, rng=np.random.default_rng([seed, number] if number else seed))
    cpu_s = process_time() - started
    windows = task.representative(100, np.random.default_rng([seed, 1]))
    model = convert(inference_function(network, fold(network, fit.weights)), lower(network), windows)
    return _Member(model, fit.valid_rmse, cpu_s)


def _table(runs: list[dict[str, Any]]) -> Table:
    table = Table(title="Test recordings, int8")
    for column in (
        "line",
        "what",
        "epochs",
        "seeds",
        "RMSE (m/s)",
        "ATE / standing still's",
        "standing still",
        "CPU s",
    ):
        table.add_column(column)
    for name, epochs in dict.fromkeys((run["line"], run["epochs"]) for run in runs):
        mine = [run for run in runs if (run["line"], run["epochs"]) == (name, epochs)]
        ratios = [run["ate_ratio"] for run in mine if run["ate_ratio"] is not None]
        table.add_row(
            name,
            LINES[name].what,
            str(epochs),
            str(len(mine)),
            spread([run["rmse_int8"] for run in mine], 3, ""),
            spread(ratios, 2, ""),
            f"{mine[0]['baselines']['zero']:.3f}",
            f"{mean(run['cpu_s'] for run in mine):.0f}",
        )
    return table


if __name__ == "__main__":
    main()
