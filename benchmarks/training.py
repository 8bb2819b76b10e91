"""How much faster the pyramid form trains than the plain dilated form: the same networks, the same windows, one run.

    python benchmarks/training.py [--quick] [--threads N] [--json] [--out FILE]

The pyramid form is trained by `tinynas.network.training.train`, the dilated one by Keras' `Model.fit` without XLA
(whose compilation alone takes longer than a candidate's training). Each form trains a warm-up epoch, which holds the
tracing of the graph, and then the epochs that count; the median epoch is reported. CPU seconds are those of all
threads. On a busy machine trust them rather than seconds, and the ratio of the two forms rather than either figure.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any

from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

from tinynas.network import TCN, plan

WINDOW, CHANNELS, BATCH = 200, 6, 256
#: The goal for the ratio of windows a second, at every size.
TARGET = 3.0


@dataclass(frozen=True)
class Size:
    """A network, and the steps that make an epoch of a few seconds at most in either form."""

    name: str
    architecture: TCN
    pyramid_steps: int
    dilated_steps: int


SIZES = (
    Size("small", TCN(14, 3, (1, 4, 16, 64), WINDOW, CHANNELS), 40, 12),
    Size("medium", TCN(30, 5, (1, 2, 4, 8, 16), WINDOW, CHANNELS), 12, 3),
    Size("large", TCN(62, 8, (1, 2, 4, 8, 16), WINDOW, CHANNELS), 4, 1),
)


@dataclass(frozen=True)
class Speed:
    """Windows trained on a second, in the median epoch."""

    windows_per_cpu_second: float
    windows_per_second: float
    warm_up_cpu_seconds: float


class Clock:
    """Reads both clocks at the end of every epoch."""

    def __init__(self) -> None:
        self.times = [(process_time(), perf_counter())]

    def __call__(self, *_: Any) -> None:
        """End an epoch."""
        self.times.append((process_time(), perf_counter()))

    def speed(self, windows: int) -> Speed:
        """Speed over epochs of so many windows; the first one is the warm-up."""
        cpu, wall = zip(*((end[0] - start[0], end[1] - start[1]) for start, end in pairwise(self.times)), strict=True)
        median = statistics.median
        return Speed(windows / median(cpu[1:]), windows / median(wall[1:]), cpu[0])


def windows_and_targets(count: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(count, WINDOW, CHANNELS)).astype(np.float32)
    return inputs, inputs[:, -20:, :2].mean(axis=1)


def train_pyramid(architecture: TCN, steps: int, epochs: int) -> Speed:
    import numpy as np

    from tinynas.network.training import TrainingOptions, train
    from tinynas.network.training_data import TrainingData

    inputs, targets = windows_and_targets(BATCH * steps)
    # One window to validate on: Keras is asked for no validation at all.
    data = TrainingData((inputs, targets), (inputs[:1], targets[:1]))
    config = TrainingOptions(epochs=epochs + 1, batch_size=BATCH, patience=epochs + 1)
    clock = Clock()
    train(architecture, data, config, rng=np.random.default_rng(0), on_epoch=clock)
    return clock.speed(BATCH * steps)


def train_dilated(architecture: TCN, steps: int, epochs: int) -> Speed:
    import keras

    from tinynas.network.reference import dilated_model

    inputs, targets = windows_and_targets(BATCH * steps)
    clock = Clock()
    model = dilated_model(architecture)
    # The same optimiser and the same limit of the gradient's norm as in `network.training`.
    model.compile(keras.optimizers.Adam(3e-3, global_clipnorm=5.0), loss="mse", jit_compile=False)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=clock)]
    model.fit(inputs, targets, batch_size=BATCH, epochs=epochs + 1, verbose=0, callbacks=callbacks)
    keras.backend.clear_session()
    return clock.speed(BATCH * steps)


def dilated_macs(a: TCN) -> int:
    """Multiply-accumulate operations of one inference over all time steps."""
    graph = a.graph
    weighted = [(layer, graph.shapes[n].length) for n, layer in enumerate(graph.layers) if hasattr(layer, "channels")]
    return sum(length * graph.fan_in(layer) * layer.channels for layer, length in weighted[1:])


def measure(size: Size, epochs: int, shorter: Callable[[int], int]) -> dict[str, Any]:
    a = size.architecture
    pyramid = train_pyramid(a, shorter(size.pyramid_steps), epochs)
    dilated = train_dilated(a, shorter(size.dilated_steps), epochs)
    return {
        "size": size.name,
        "architecture": a.key,
        "parameters": a.parameters,
        "macs_pyramid": plan(a).macs,
        "macs_dilated": dilated_macs(a),
        "pyramid": asdict(pyramid),
        "dilated": asdict(dilated),
        "ratio_cpu": pyramid.windows_per_cpu_second / dilated.windows_per_cpu_second,
        "ratio_wall": pyramid.windows_per_second / dilated.windows_per_second,
    }


def tabulate(result: dict[str, Any]) -> Table:
    title = f"Training, batch {BATCH}, windows of {WINDOW} x {CHANNELS}, threads: {result['threads']}"
    caption = f"windows a CPU second (in brackets: a second); goal: {TARGET:g} times the dilated form"
    table = Table("network", title=title, caption=caption)
    for heading in ("MACs pyramid", "MACs dilated", "pyramid, train()", "dilated, Model.fit", "times faster"):
        table.add_column(heading, justify="right")
    for row in result["sizes"]:
        speeds = (row["pyramid"], row["dilated"])
        table.add_row(
            row["size"],
            *(f"{row[macs] / 1e6:.2f} M" for macs in ("macs_pyramid", "macs_dilated")),
            *(f"{s['windows_per_cpu_second']:,.0f} ({s['windows_per_second']:,.0f})" for s in speeds),
            f"{row['ratio_cpu']:.1f} ({row['ratio_wall']:.1f})",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one short epoch and no large network: a smoke test")
    parser.add_argument("--threads", type=int, default=1, help="threads TensorFlow may use (default: 1)")
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(options.threads)
    sizes, epochs = (SIZES[:2], 1) if options.quick else (SIZES, 3)

    def shorter(steps: int) -> int:
        return max(1, steps // 4) if options.quick else steps

    result: dict[str, Any] = {
        "benchmark": "training",
        "threads": options.threads,
        "batch": BATCH,
        "target_ratio": TARGET,
        "environment": environment("tensorflow", "keras", "numpy"),
        "sizes": [measure(size, epochs, shorter) for size in sizes],
    }
    report(options, result, tabulate(result))


if __name__ == "__main__":
    main()
