"""What a search is about: a board, data and a configuration; what a network costs there, and whether it fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import Engine, estimate, tflm_runtime
from tinynas.errors import NoFeasibleCandidate
from tinynas.hil.engines import TflmLibrary
from tinynas.measurement import Measurement
from tinynas.objective import Limits
from tinynas.search.task import Task
from tinynas.tcn import Architecture

__all__ = ["Problem"]

# Random networks by which the share of the space that does not fit is estimated: +-2 % at worst.
_SHARE_SAMPLES = 500
# Quantiles of a continuous parameter that are tried beside a network that fits.
_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)

Params = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """Find the best network that fits.

    Attributes:
        board: Where it runs.
        task: The data; they decide the networks' inputs and outputs.
        config: The search's configuration.
    """

    board: Board
    task: Task
    config: Config

    @cached_property
    def limits(self) -> Limits:
        """What a candidate may use: the board's limits, or the configuration's where they are lower."""
        o, board = self.config.objective, self.board
        sram, flash = board.sram_limit_bytes, board.flash_limit_bytes
        if self.config.whole_image:
            sram, flash = board.image_sram_bytes, board.image_flash_bytes
        return Limits(min(sram, o.sram_max_bytes or sram), min(flash, o.flash_max_bytes or flash))

    @cached_property
    def engine(self) -> Engine:
        """The runtime whose costs count."""
        c = self.config
        return Engine.aot(self.board, c.cost.compiler or "gcc") if c.aot else Engine.tflm(c.cost.kernels)

    def architecture(self, params: Params) -> Architecture:
        """The network that a tuner's suggestion stands for."""
        return self.config.space.architecture(params, **self.task.shape)

    def cost(self, architecture: Architecture) -> Measurement:
        """What a network costs, by the resource model."""
        return estimate(architecture, self.engine, self.config.conversion.precision)

    def fits(self, architecture: Architecture) -> bool:
        """Whether a network stays within the limits, by the resource model."""
        cost = self.cost(architecture)
        return self.limits.admits(cost.sram_bytes, cost.flash_bytes)

    def admits(self, params: Params) -> bool:
        """The tuner's known constraint: a network of the space that fits, or any one if the configuration says so."""
        if not self.config.space.admits(params):
            return False
        return not self.config.tuner.only_feasible or self.fits(self.architecture(params))

    def require_feasible(self) -> Architecture:
        """Fail fast if no candidate can succeed.

        Returns:
            One of the cheapest networks of the space; it fits.

        Raises:
            NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
            ToolchainMissing: The mode "tflm" without the official interpreter.
            ConfigError: The mode "hil" with its library, and `hil.tflm_root` is not such a folder.
        """
        config, limits = self.config, self.limits
        if config.mode == "tflm":
            tflm_runtime()
        if config.mode == "hil" and not config.aot:
            TflmLibrary.find(config.hil.tflm_root, self.board.core, "hil.tflm_root")
        costs = []
        for network in config.space.smallest(**self.task.shape):
            costs.append(self.cost(network))
            if limits.admits(costs[-1].sram_bytes, costs[-1].flash_bytes):
                return network
        least = min(costs, key=lambda c: max(c.sram_bytes / limits.sram_bytes, c.flash_bytes / limits.flash_bytes))
        raise NoFeasibleCandidate(
            f"nothing in the search space fits: the smallest candidate needs {least.sram_bytes} bytes of SRAM and "
            f"{least.flash_bytes} of flash, where {limits.sram_bytes} and {limits.flash_bytes} may be used",
            advice="widen the search space, raise objective.sram_max_bytes or flash_max_bytes, or choose a larger "
            "board",
        )

    def untried_neighbour(self, known: Iterable[Params], tried: Collection[str]) -> dict[str, Any] | None:
        """A network that fits, one parameter away from one that is known to fit.

        Where few networks fit, random points miss them all; neighbours of one that fits often fit, too.

        Args:
            known: Suggestions that fit, those to start from first.
            tried: Keys of the architectures that need no second trial.

        Returns:
            A suggestion, or None if there is no such network.
        """
        for params in known:
            for changed in self._neighbours(params):
                if not self.config.space.admits(changed):
                    continue
                architecture = self.architecture(changed)
                if architecture.key not in tried and self.fits(architecture):
                    return changed
        return None

    def _neighbours(self, params: Params) -> Iterator[dict[str, Any]]:
        """Suggestions that differ in one parameter, by one step of an integer or to any other value."""
        for name, values in self.config.space.parameters().items():
            if isinstance(values, range):
                near: Sequence[Any] = [n for n in (params[name] - 1, params[name] + 1) if n in values]
            elif isinstance(values, list):
                near = values
            else:  # a scipy distribution
                near = [float(value) for value in values.ppf(_QUANTILES)]
            yield from ({**params, name: value} for value in near if value != params[name])

    def infeasible_share(self) -> float:
        """Share of the search space that does not fit, from seeded random networks of it."""
        rng = np.random.default_rng(self.config.seed)
        networks = (self.config.space.sample(rng, **self.task.shape) for _ in range(_SHARE_SAMPLES))
        return sum(not self.fits(network) for network in networks) / _SHARE_SAMPLES
