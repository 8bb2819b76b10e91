"""How well a supernet ranks networks: shared weights, trained together, in a share of the time of whole trainings.

    python benchmarks/weight_sharing.py STUDY [--shares 0.1 0.2] [--seeds 0 1 2] [--json] [--out FILE]

The study is one whose candidates were trained to the end, such as the folders that `benchmarks/search.py --folder`
keeps; they are networks of the family `tcn`. All of them share one set of weights: of every kernel each takes the first
filters and input channels and the newest taps, by the dilation of its block, and so of Adam's moments. They take turns,
a few steps each, on the data of the study. At the end every network averages its batch normalisation anew (its weights
stay), and its error on the validation recordings ranks it. Figures are Spearman's rank correlations with the errors of
the int8 models after trainings of their own: 1 is a perfect order. Beside them: the promise, which takes no training,
and the error of each training after the same share of its epochs. Times are those of the CPU, building graphs included.

Source: Cai et al., "Once-for-All", ICLR 2020 (shared filters and taps); Yu et al., "BigNAS", ECCV 2020 (statistics of
batch normalisation per network, after the training).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
from _common import add_output_options, environment, limit_threads, report, spread
from promise import correlate, rows_of
from rich.table import Table

# Steps of a network before the next one has its turn, and those by which statistics are averaged at the end.
TURN, AVERAGED = 8, 20
Array = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, metavar="STUDY", help="folder of a study")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.2], help="of the trainings' time")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    add_output_options(parser)
    options = parser.parse_args()
    limit_threads(1)
    runs = compare(options.study, options.shares, options.seeds)
    alone = correlate(list(rows_of(options.study)))
    result = {
        "benchmark": "weight_sharing",
        "environment": environment("tensorflow", "numpy", "scipy"),
        "networks": alone["networks"],
        "without_sharing": alone["rank_correlation"],
        "shared": runs,
    }
    report(options, result, table_of(result))


def compare(path: Path, shares: Sequence[float], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Train a supernet of a study's networks for each share of the time that their own trainings took."""
    from scipy.stats import spearmanr

    from tinynas.config import config_from_mapping
    from tinynas.deploy import load_tensorflow
    from tinynas.network import Architecture
    from tinynas.search import load_task
    from tinynas.study import Study, TrialState

    load_tensorflow(1)  # in nobody's time
    with Study.open(path, readonly=True) as study:
        config = config_from_mapping(study.config, str(path))
        trials = [one for one in study.trials() if one.state is TrialState.DONE and one.duplicate_of is None]
    networks = [Architecture.from_dict(trial.architecture) for trial in trials]
    metrics = [trial.metrics or {} for trial in trials]
    whole_s = sum(one["train_seconds"] for one in metrics)
    data = load_task(config).training_data(config.training.augment)
    found = []
    for share in shares:
        for seed in seeds:
            errors, steps = train_together(networks, data, config.training, share * whole_s, seed)
            rank = spearmanr(errors, [one["error_int8"] for one in metrics]).statistic
            found.append({
                "share": share, "seed": seed, "cpu_s": share * whole_s, "steps": steps, "rank_correlation": float(rank),
                "errors": errors,
            })  # fmt: skip
    return found


def train_together(
    networks: Sequence[Any], data: Any, options: Any, cpu_s: float, seed: int
) -> tuple[list[float], int]:
    """Train networks that share their weights until the time is up; returns the error of each, and all steps."""
    from tinynas.network import initial_weights
    from tinynas.network.trainable import Trainable

    began, rng = process_time(), np.random.default_rng(seed)
    members = [Trainable(network, initial_weights(network, rng), seed) for network in networks]
    shared: dict[str, Array] = {}
    for member in sorted(members, key=lambda one: one.architecture.parameters):
        _give(member, shared)  # the largest last; it overwrites what the others have of a kernel
    steps = 0
    while (spent := (process_time() - began) / cpu_s) < 1:
        member = members[int(rng.integers(len(members)))]
        _take(member, shared, steps)
        for _ in range(TURN):
            rate = options.learning_rate * min(1.0, (steps + 1) / 20) * 0.5 * (1 + math.cos(math.pi * spent))
            member.step(*_batch(rng, data, options.batch_size), rate)
            steps += 1
        _give(member, shared)
    errors = []
    for member in members:
        _take(member, shared, 0)
        for _ in range(AVERAGED):  # at a rate of zero only the statistics move
            member.step(*_batch(rng, data, options.batch_size), 0.0)
        errors.append(member.rmse(data))
    return errors, steps


def _batch(rng: np.random.Generator, data: Any, size: int) -> tuple[Array, Array]:
    rows = rng.integers(data.total, size=size)
    x, y = data.inputs[rows], data.targets[rows]
    return (x, y) if data.augmenter is None else data.augmenter.vary(rng, x, y)


def _take(member: Any, shared: Mapping[str, Array], count: int) -> None:
    """Set a network's variables and Adam's moments to its part of the shared ones."""
    keyed = _keyed(member).items()
    member.restore({name: shared[key][_part(shared[key].shape, value.shape)] for name, (key, value) in keyed}, count)


def _give(member: Any, shared: dict[str, Array]) -> None:
    """Write a network's variables and moments to its part of the shared ones, which grow where they are too small."""
    for key, value in _keyed(member).values():
        kept = shared.get(key)
        if kept is None:
            shared[key] = value.copy()
            continue
        large = tuple(np.maximum(kept.shape, value.shape))
        if large != kept.shape:
            grown = np.zeros(large, np.float32)
            grown[_part(large, kept.shape)] = kept
            shared[key] = kept = grown
        kept[_part(large, value.shape)] = value


def _part(whole: tuple[int, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Where an array of a smaller shape lies: the newest taps of kernels over time, the first of all else."""
    newest = [slice(whole[0] - shape[0], None)] if len(shape) == 3 else []
    return (*newest, *(slice(size) for size in shape[len(newest) :]))


def _keyed(member: Any) -> dict[str, tuple[str, Array]]:
    """Variables and moments by their names in a state, each with the name that all networks share."""
    names = {id(variable): name for name, variable in member.variables.items()}
    of = {f"v/{name}": name for name in member.variables}
    of |= {f"{kind}/{index}": names[id(one)] for index, one in enumerate(member.trainable) for kind in "ms"}
    return {
        key: (f"{key[0]}/{_shared_name(member.architecture, of[key])}", value) for key, value in member.state().items()
    }


def _shared_name(network: Any, name: str) -> str:
    """A weight's name by the dilation of its block, apart from the layers that read the window instead of a block."""
    block, _, rest = name.partition("/")
    if not block.startswith("block"):
        return f"{network.norm}/{name}"
    number, layer = int(block.removeprefix("block")), rest.partition("/")[0]
    if number == 0 and layer == "projection":
        return f"{network.norm}/window/{rest}"
    source = "window" if number == 0 and layer == "conv1" else "block"
    return f"{network.norm}/{network.dilations[number]}/{source}/{rest}"


def table_of(result: Mapping[str, Any]) -> Table:
    """The result for people."""
    title = f"rank correlation of {result['networks']} networks with the error after trainings of their own"
    table = Table(title=title)
    table.add_column("score")
    table.add_column("rank correlation", justify="right")
    for name, value in result["without_sharing"].items():
        table.add_row(name, f"{value:.2f}")
    for share in dict.fromkeys(run["share"] for run in result["shared"]):
        mine = [run["rank_correlation"] for run in result["shared"] if run["share"] == share]
        table.add_row(f"shared weights, {share:.0%} of the time", spread(mine, 2))
    return table


if __name__ == "__main__":
    main()
