"""The resource model against the real thing: how fast, how exact, and how the literature's proxy fares.

    python benchmarks/resource_model.py [--candidates N] [--converted N] [--seed N] [--json] [--out FILE]

Random candidates of the default search space are costed, in CPU time. Some of them are converted to int8, and the
predicted head, tail and whole of the official interpreter's arena and the length of the .tflite are compared with the
real ones. SpArSe's working memory is compared with the arena of a 32-bit device, by rank and by bias.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from time import process_time
from typing import Any

import numpy as np
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table
from scipy.stats import spearmanr

from tinynas.cost import (
    Engine,
    arena_bytes,
    estimate,
    lower,
    persistent_bytes,
    sparse_working_memory_bytes,
    tflite_bytes,
)
from tinynas.deploy import TflmInterpreter, arena_head_bytes, convert
from tinynas.deploy.native import captured_stderr
from tinynas.network import TCN, SearchSpace

WINDOW, CHANNELS, CALIBRATION_WINDOWS = 200, 6, 20


def speed(candidates: Sequence[TCN]) -> dict[str, float]:
    """CPU milliseconds of an estimate; each candidate is seen for the first time, as in a search."""
    engine = Engine.tflm()
    for architecture in candidates[:20]:
        estimate(architecture, engine)
    gc.collect()
    times = []
    for architecture in candidates[20:]:
        start = process_time()
        estimate(architecture, engine)
        times.append(1e3 * (process_time() - start))
    median, p95 = np.percentile(times, [50, 95])
    return {"candidates": len(times), "median_ms": round(float(median), 3), "p95_ms": round(float(p95), 3)}


def accuracy(candidates: Sequence[TCN], rng: np.random.Generator) -> dict[str, Any]:
    """Predicted minus real bytes over converted candidates."""
    with captured_stderr():  # what it finds out about the machine
        import tensorflow  # noqa: F401

    from tinynas.network import inference_function, initial_weights, perturbed

    rows, seconds = [], []
    for architecture in candidates:
        weights = perturbed(initial_weights(architecture, rng), rng)
        windows = rng.normal(size=(CALIBRATION_WINDOWS, WINDOW, CHANNELS)).astype(np.float32)
        predicted = lower(architecture)
        start = process_time()
        model = convert(inference_function(architecture, weights), predicted, windows)
        seconds.append(process_time() - start)
        host = TflmInterpreter(model).arena()
        rows.append(
            (
                (arena_head_bytes(predicted), host.head_bytes),
                (persistent_bytes(predicted, pointer_bytes=8), host.tail_bytes),
                (arena_bytes(predicted, pointer_bytes=8), host.total_bytes),
                (tflite_bytes(predicted), len(model)),
            )
        )
    found: dict[str, Any] = {"candidates": len(rows), "conversion_median_s": round(float(np.median(seconds[1:])), 3)}
    for name, pairs in zip(
        ("head", "host_tail", "host_arena", "tflite"), np.array(rows).transpose(1, 0, 2), strict=True
    ):
        excess = pairs[:, 0] - pairs[:, 1]
        found[name] = {
            "exact_share": round(float((excess == 0).mean()), 3),
            "min_bytes": int(excess.min()),
            "max_bytes": int(excess.max()),
            "max_percent": round(float(100 * np.abs(excess / pairs[:, 1]).max()), 3),
        }
    return found


def sparse(candidates: Sequence[TCN]) -> dict[str, float]:
    """SpArSe's working memory against the arena of a 32-bit device with CMSIS-NN."""
    graphs = [lower(architecture) for architecture in candidates]
    proxy = np.array([sparse_working_memory_bytes(graph) for graph in graphs])
    arena = np.array([arena_bytes(graph, cmsis_nn=True) for graph in graphs])
    ratio = proxy / arena
    return {
        "candidates": len(graphs),
        "spearman": round(float(spearmanr(proxy, arena).statistic), 3),
        "median_bias_percent": round(float(100 * (np.median(ratio) - 1)), 1),
        "worst_bias_percent": round(float(100 * (ratio.min() - 1)), 1),
        "underestimates_share": round(float((proxy < arena).mean()), 3),
    }


def table(result: dict[str, Any]) -> Table:
    view = Table(title="Resource model", title_justify="left")
    view.add_column("what")
    view.add_column("found", justify="right")
    fast, exact, proxy = result["speed"], result["accuracy"], result["sparse"]
    view.add_row("estimate, CPU ms, median / 95 %", f"{fast['median_ms']} / {fast['p95_ms']}")
    for name in ("head", "host_tail", "host_arena", "tflite"):
        e = exact[name]
        text = f"{e['min_bytes']} .. {e['max_bytes']} B, at most {e['max_percent']} %, exact in {e['exact_share']:.0%}"
        view.add_row(f"{name}, predicted - real", text)
    view.add_row("conversion to int8, CPU s, median", str(exact["conversion_median_s"]))
    view.add_row("SpArSe proxy and arena, Spearman", str(proxy["spearman"]))
    view.add_row("SpArSe proxy - arena, median", f"{proxy['median_bias_percent']} %")
    view.add_row("SpArSe proxy - arena, worst", f"{proxy['worst_bias_percent']} %")
    return view


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=500, help="estimated ones")
    parser.add_argument("--converted", type=int, default=40, help="converted ones among them")
    parser.add_argument("--seed", type=int, default=0)
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    rng = np.random.default_rng(options.seed)
    candidates = [SearchSpace().sample(rng, window=WINDOW, channels=CHANNELS) for _ in range(options.candidates + 20)]
    result = {
        "benchmark": "resource_model",
        "seed": options.seed,
        "environment": environment("tensorflow", "tflite-micro", "ai-edge-litert", "numpy"),
        "speed": speed(candidates),
        "accuracy": accuracy(candidates[: options.converted], rng),
        "sparse": sparse(candidates),
    }
    report(options, result, table(result))


if __name__ == "__main__":
    main()
