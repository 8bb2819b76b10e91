"""Studies as a search leaves them, made up: in every state a report can meet."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinynas.study import Study

BOARD = {
    "name": "nucleo_f446re",
    "title": "NUCLEO-F446RE",
    "mcu": "STM32F446RE",
    "core": "cortex-m4f",
    "clock_hz": 180_000_000,
    "sram_bytes": 131_072,
    "flash_bytes": 524_288,
    "sram_limit_bytes": 114_688,
    "flash_limit_bytes": 491_520,
}
CONFIG = {
    "board": "nucleo_f446re",
    "seed": 7,
    "trials": 50,
    "dataset": {"source": "synthetic", "window": 200, "stride": 10, "target": "velocity", "rate_hz": 100.0},
    "space": {"filters": [2, 63], "kernel_size": [2, 15], "dropout": [0.0, 0.4]},
    "objective": {"l1": 1.0, "l2": 0.01, "l3": 0.01, "penalty": 100.0},
    "cost": {"engine": "tflm", "kernels": "cmsis_nn"},
}
PROVENANCE = {"tinynas": "0.1.0", "python": "3.11.7", "tensorflow": "2.21.0", "git": None, "argv": ["search", "--json"]}
CHANNELS = [f"{sensor}_{axis} ({unit})" for sensor, unit in (("accel", "m/s2"), ("gyro", "rad/s")) for axis in "xyz"]


def architecture(random: np.random.Generator) -> dict[str, Any]:
    count = int(random.integers(3, 9))
    return {
        "filters": int(random.integers(2, 64)),
        "kernel_size": int(random.integers(2, 16)),
        "dilations": sorted(int(2**power) for power in random.choice(9, count, replace=False)),
        "dropout": round(float(random.uniform(0, 0.4)), 3),
        "skip_connections": bool(random.random() < 0.5),
        "norm": "batch" if random.random() < 0.4 else "none",
        "window": 200,
        "channels": 6,
        "outputs": 2,
    }


def measurement(network: Mapping[str, Any]) -> dict[str, Any]:
    filters, kernel, layers = network["filters"], network["kernel_size"], len(network["dilations"])
    parameters = filters * filters * kernel * layers + 6 * filters * kernel
    return {
        "sram_bytes": 6_000 + 220 * filters * layers * (1 + network["skip_connections"]),
        "flash_bytes": 89_000 + parameters,
        "latency_us": None,
        "energy_uj": None,
        "macs": 9 * parameters,
        "source": "proxy",
        "engine": "tflm",
        "parity": None,
        "arena_bytes": 4_000 + 200 * filters * layers,
        "tflite_bytes": 4_000 + parameters,
        "parameters": parameters,
    }


def on_a_board(cost: Mapping[str, Any], off: tuple[int, int]) -> dict[str, Any]:
    """The costs as a virtual board reports them, where so many bytes of SRAM and flash too many were predicted."""
    predicted = {
        f"predicted_{name}_bytes": cost[f"{name}_bytes"] + more
        for name, more in zip(("sram", "flash"), off, strict=True)
    }
    return {**cost, **predicted, "source": "virtual", "engine": "aot", "latency_us": 12_340.0}


def run_trial(study: Study, random: np.random.Generator, off: tuple[int, int] | None = None, **forced: Any) -> int:
    """One trial as a search takes it: infeasible when too large, now and then failed, else done."""
    network = architecture(random) | forced
    trial = study.propose(params={"filters": network["filters"]}, architecture=network, key=str(network), seed=3).id
    cost = measurement(network) if off is None else on_a_board(measurement(network), off)
    study.advance(trial, "costed", measurement=cost)
    if cost["sram_bytes"] > BOARD["sram_limit_bytes"] or cost["flash_bytes"] > BOARD["flash_limit_bytes"]:
        study.advance(trial, "infeasible", objective=100.5, reason="larger than the board")
        return trial
    if random.random() < 0.04:
        study.advance(trial, "failed", reason="training diverged at epoch 3")
        return trial
    size = np.log(cost["parameters"])
    error = float(0.16 + 0.9 / size + random.gamma(2.0, 0.03))
    metrics = {
        "error_float": error * 0.99,
        "rmse_x": error / 2,
        "rmse_y": error / 2,
        "epochs": 12,
        "train_seconds": 5.0,
    }
    study.advance(trial, "trained", metrics=metrics, artefacts={"weights": b"weights"})
    study.advance(trial, "converted", metrics={"error_int8": error}, artefacts={"tflite": f"model {trial}".encode()})
    study.advance(trial, "measured", feasible=True)
    fill = cost["flash_bytes"] / BOARD["flash_limit_bytes"] + cost["sram_bytes"] / BOARD["sram_limit_bytes"]
    study.advance(trial, "done", objective=error - 0.01 * fill)
    return trial


def walk(random: np.random.Generator, points: int) -> tuple[list[float], np.ndarray, np.ndarray]:
    heading = np.cumsum(random.normal(0, 0.05, points))
    velocity = 1.3 * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    true = np.cumsum(velocity * 0.1, axis=0)
    drift = np.cumsum(random.normal(0, 0.25, (points, 2)) * 0.1, axis=0)
    return [round(0.1 * index, 1) for index in range(points)], true, true + drift


def evaluate(study: Study, random: np.random.Generator, names: list[str], points: int = 900) -> None:
    """What the end of a search stores: the summary, and the trajectories beside the best trial."""
    rows, paths = [], []
    for name in names:
        time_s, true, predicted = walk(random, points)
        error = float(random.uniform(0.25, 0.4))
        rows.append(
            {"name": name, "rmse_x": error * 0.7, "rmse_y": error * 0.72, "joint": error}
            | {"ate_m": error * 11, "rte_m": error * 5, "length_m": 0.13 * points}
        )
        paths.append({"name": name, "time_s": time_s, "true": true.tolist(), "predicted": predicted.tolist()})
    best = study.best()
    assert best is not None
    study.set_summary(
        {
            "seconds": 312.4,
            "best_trial": best.id,
            "space_infeasible_share": 0.061,
            "baselines": {"zero": {"validation": 1.02, "test": 1.05}, "mean": {"validation": 0.71, "test": 0.74}},
            "test": {"error_float": 0.318, "error_int8": 0.321, "rmse_x": 0.22, "rmse_y": 0.23, "recordings": rows},
            "normalization": {"channels": CHANNELS, "mean": [0.1] * 6, "std": [1.5] * 6},
            "rate_hz": 100.0,
        }
    )
    study.attach(best.id, {"evaluation": json.dumps({"recordings": paths}).encode()})


@pytest.fixture
def make_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Study]]:
    """A function that makes a study with some trials, evaluated or not."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made: list[Study] = []

    def make(
        trials: int = 0,
        *,
        recordings: list[str] | None = None,
        board: Mapping[str, Any] = BOARD,
        config: Mapping[str, Any] = CONFIG,
        provenance: Mapping[str, Any] = PROVENANCE,
        off: Sequence[tuple[int, int]] = (),
        **forced: Any,
    ) -> Study:
        folder = tmp_path / f"study{len(made)}"
        study = Study.create(folder, config=config, board=board, provenance=provenance)
        study._database.execute("PRAGMA synchronous = OFF")
        made.append(study)
        random = np.random.default_rng(5)
        for index in range(trials):
            run_trial(study, random, off[index] if off else None, **forced)
        if recordings is not None:
            evaluate(study, random, recordings)
        return study

    yield make
    for study in made:
        study.close()
