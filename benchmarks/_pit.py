"""PIT of PLiNIO, in a process and an environment of its own: prunes a seed network, once for each strength.

    ENVIRONMENT/bin/python benchmarks/_pit.py FOLDER

Reads FOLDER/job.json and FOLDER/windows.npz, which `_pit_arm` writes, and writes FOLDER/network-0.npz and so on.
It follows PLiNIO's README and its example: a warm-up of the seed, which all strengths share; a search, in which weights
and masks are trained together on the loss plus strength times cost; a training of the network that was exported. Where
the example counts epochs, here is a limit of CPU seconds:

- phases end by the clock: a quarter of the time is for the warm-up, half of each strength's share for its search;
- a strength is given as a share: strength times the seed's cost is so many times the loss after the warm-up;
- the masks' rate is such that masks can go from one to zero, however few steps there are;
- an exported network begins with the batch normalisation of its search, where PLiNIO puts a fresh one.

Torch, PLiNIO and NumPy are all it imports.
"""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from plinio.cost import ops, params
from plinio.methods import PIT
from torch import nn

WARM_UP_SHARE, SEARCH_SHARE = 0.25, 0.5
# Steps until the rate is at its peak, and what the rate is multiplied by there.
RAMP_STEPS = 20
# How far a mask could go in a search if its gradient kept its sign. It begins at 1, and below 0.5 it prunes.
MASK_TRAVEL = 4.0
# Fine-tuning keeps the weights that are best on validation windows, of so many looks in its last third.
LOOKS, LAST_PART = 4, 2 / 3
LOOK_WINDOWS = 1024
SAMPLES = 32
Tensor = torch.Tensor


class Block(nn.Module):
    """Two causal convolutions with batch normalisation and ReLU, and a residual path around them."""

    def __init__(self, before: int, filters: int, taps: int, dilation: int) -> None:
        super().__init__()
        # Padding is a layer of its own, as PLiNIO needs it: its export shortens it with the filter.
        reach = ((taps - 1) * dilation, 0)
        self.pad1, self.pad2 = nn.ConstantPad1d(reach, 0.0), nn.ConstantPad1d(reach, 0.0)
        self.conv1 = nn.Conv1d(before, filters, taps, dilation=dilation)
        self.conv2 = nn.Conv1d(filters, filters, taps, dilation=dilation)
        self.norm1, self.norm2 = nn.BatchNorm1d(filters), nn.BatchNorm1d(filters)
        self.relu1, self.relu2, self.relu = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.projection = None if before == filters else nn.Conv1d(before, filters, 1, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, time) to (batch, filters, time)."""
        y = self.relu1(self.norm1(self.conv1(self.pad1(x))))
        y = self.relu2(self.norm2(self.conv2(self.pad2(y))))
        return self.relu(y + (x if self.projection is None else self.projection(x)))


class Seed(nn.Module):
    """The network that PIT prunes; its output is made of the last time step."""

    def __init__(self, channels: int, outputs: int, filters: int, taps: int, dilations: list[int]) -> None:
        super().__init__()
        widths = [channels] + [filters] * len(dilations)
        blocks = [Block(before, filters, taps, d) for before, d in zip(widths, dilations, strict=False)]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(filters, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, time) to (batch, outputs)."""
        return self.head(self.blocks(x)[:, :, -1])


class Data:
    """Windows, and batches of them."""

    def __init__(self, folder: Path, job: dict[str, Any]) -> None:
        with np.load(folder / "windows.npz") as found:
            kept = {name: torch.from_numpy(found[name]) for name in found.files}
        self.inputs, self.targets = kept["inputs"], kept["targets"]
        self.valid_inputs, self.valid_targets = kept["valid_inputs"], kept["valid_targets"]
        self.batch, self.yaw, self.noise = job["batch_size"], job["yaw"], job["noise"]

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches (n, channels, time) and (n, outputs) without an end, each pass in another order."""
        while True:
            order = torch.randperm(len(self.inputs))
            for start in range(0, max(1, len(order) - self.batch + 1), self.batch):
                chosen = order[start : start + self.batch]
                yield self.vary(self.inputs[chosen], self.targets[chosen])

    def vary(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Turn windows about the vertical, and add noise, as tinynas's training does."""
        if self.yaw:
            angle = (2 * torch.rand(len(x)) - 1) * math.pi
            x, y = turn(x, angle[:, None, None], 3), turn(y, angle[:, None], 2)
        x = x.transpose(1, 2)
        return (x + self.noise * torch.randn_like(x) if self.noise else x), y

    def error(self, network: nn.Module) -> float:
        """Root of the mean squared error on some validation windows."""
        every = max(1, len(self.valid_inputs) // LOOK_WINDOWS)
        found = predict(network, self.valid_inputs[::every])
        return float((found - self.valid_targets[::every]).square().mean().sqrt())


def turn(values: Tensor, angle: Tensor, width: int) -> Tensor:
    """Turn vectors of `width` components, side by side on the last axis, about the vertical."""
    cos, sin, turned = torch.cos(angle), torch.sin(angle), values.clone()
    x, y = values[..., 0::width], values[..., 1::width]
    turned[..., 0::width], turned[..., 1::width] = cos * x - sin * y, sin * x + cos * y
    return turned


def predict(network: nn.Module, inputs: Tensor) -> Tensor:
    """Outputs (n, outputs) of windows (n, time, channels); batch normalisation as deployed."""
    network.eval()
    with torch.no_grad():
        found = torch.cat([network(part.transpose(1, 2)) for part in inputs.split(256)])
    network.train()
    return found


def train(
    network: nn.Module,
    batches: Iterator[tuple[Tensor, Tensor]],
    optimisers: list[torch.optim.Optimizer],
    seconds: float,
    *,
    extra: Callable[[], Tensor] | None = None,
    rate: Callable[[float], float] = lambda _done: 1.0,
    on_step: Callable[[float], None] | None = None,
) -> tuple[float, int]:
    """Train for so many CPU seconds, one step at least.

    Args:
        network: What is trained.
        batches: Of training windows.
        optimisers: Their groups' rates are the peaks.
        seconds: CPU seconds.
        extra: Added to the mean squared error.
        rate: Of the share that is done, what the peak rate is multiplied by.
        on_step: Called with the share that is done.

    Returns:
        The mean squared error, averaged over the last steps, and the number of steps.
    """
    started, steps, loss_seen, done = process_time(), 0, math.nan, 0.0
    peaks = [(group, group["lr"]) for optimiser in optimisers for group in optimiser.param_groups]
    network.train()
    while done < 1:
        for group, peak in peaks:
            group["lr"] = peak * rate(done) * min(1.0, (steps + 1) / RAMP_STEPS)
        x, y = next(batches)
        error = (network(x) - y).square().mean()
        loss = error if extra is None else error + extra()
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        loss_seen = error.item() if steps == 0 else 0.9 * loss_seen + 0.1 * error.item()
        steps += 1
        done = (process_time() - started) / max(seconds, 1e-9)
        if on_step is not None:
            on_step(min(done, 1.0))
    return loss_seen, steps


def fine_tune(network: nn.Module, data: Data, batches: Iterator[tuple[Tensor, Tensor]], peak: float, s: float) -> None:
    """Train an exported network for `s` CPU seconds, and leave it with the best weights of the last third."""
    best: tuple[float, Any] = (math.inf, None)
    looks = [LAST_PART + (1 - LAST_PART) * (look + 1) / LOOKS for look in range(LOOKS)]

    def look(done: float) -> None:
        nonlocal best
        if not looks or done < looks[0] - 1e-9:
            return
        while looks and done >= looks[0] - 1e-9:
            looks.pop(0)
        error = data.error(network)
        if error < best[0] or best[1] is None:
            best = (error, copy.deepcopy(network.state_dict()))

    optimiser = torch.optim.Adam(network.parameters(), peak)
    train(network, batches, [optimiser], s, rate=lambda done: (1 + math.cos(math.pi * done)) / 2, on_step=look)
    network.load_state_dict(best[1])


def export(pit: PIT) -> nn.Module:
    """The network that was found, with the batch normalisation of the search."""
    found = pit.export()
    for name, module in found.named_modules():
        if not name.endswith("_exported_bn"):
            continue
        source = pit.seed.get_submodule(name.removesuffix("_exported_bn"))
        kept = source.features_mask.bool()
        for field in ("weight", "bias", "running_mean", "running_var"):
            with torch.no_grad():
                getattr(module, field).copy_(getattr(source.bn, field)[kept])
    return found


def describe(network: nn.Module, dilations: list[int]) -> dict[str, np.ndarray]:
    """Weights of an exported network, batch normalisation folded, by names as tinynas has them.

    Kernels are (taps, inputs, filters); NAME/dilation is a number.
    """
    modules, found = dict(network.named_modules()), {}
    for block in range(len(dilations)):
        for part in ("conv1", "conv2", "projection"):
            conv = modules.get(f"blocks.{block}.{part}")
            if conv is None:
                continue
            kernel, bias = conv.weight.detach().double(), conv.bias.detach().double()
            norm = modules.get(f"blocks.{block}.{part}_exported_bn")
            if norm is not None:
                gain = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
                kernel = kernel * gain[:, None, None]
                bias = (bias - norm.running_mean.double()) * gain + norm.bias.detach().double()
            name = f"block{block}/{part}"
            found[f"{name}/kernel"] = kernel.permute(2, 1, 0).float().numpy()
            found[f"{name}/bias"] = bias.float().numpy()
            found[f"{name}/dilation"] = np.array(conv.dilation[0])
    found["head/kernel"] = modules["head"].weight.detach().T.contiguous().numpy()
    found["head/bias"] = modules["head"].bias.detach().numpy()
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    torch.set_num_threads(1)
    torch.manual_seed(job["seed"])
    started = process_time()
    data, cost = Data(folder, job), {"params": params, "ops": ops}[job["cost"]]
    batches, peak = data.batches(), job["learning_rate"]
    window, channels = data.inputs.shape[1:]
    seed = Seed(channels, data.targets.shape[1], job["filters"], job["taps"], job["dilations"])
    warm_up_s = WARM_UP_SHARE * job["cpu_s"]
    loss, steps = train(seed, batches, [torch.optim.Adam(seed.parameters(), peak)], warm_up_s)
    step_s = (process_time() - started) / steps
    for number, share in enumerate(job["strengths"]):
        left = (job["cpu_s"] - (process_time() - started)) / (len(job["strengths"]) - number)
        pit = PIT(copy.deepcopy(seed), input_shape=(channels, window), cost=cost)
        strength = share * loss / float(pit.cost.detach())
        search_s = SEARCH_SHARE * left
        masks = torch.optim.Adam(pit.nas_parameters(), MASK_TRAVEL * step_s / max(search_s, step_s))
        weights = torch.optim.Adam(pit.net_parameters(), peak)
        begun = process_time()
        train(pit, batches, [weights, masks], search_s, extra=lambda pit=pit, strength=strength: strength * pit.cost)
        pit.eval()
        network = export(pit)
        fine_tune(network, data, batches, peak, left - (process_time() - begun))
        samples = data.valid_inputs[:SAMPLES]
        found = {
            **describe(network, job["dilations"]),
            "samples": samples.numpy(),
            "predicted": predict(network, samples).numpy(),
            "strength": np.array(strength),
            "cpu_s": np.array(process_time() - started),
        }
        unfinished = folder / "unfinished.npz"
        np.savez(unfinished, **found)
        unfinished.replace(folder / f"network-{number}.npz")


if __name__ == "__main__":
    main()
