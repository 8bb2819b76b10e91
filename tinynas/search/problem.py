"""What a search is about: a board, data and a configuration; what a network costs there, and whether it fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any

import numpy as np

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import Costs, Engine, LeastCosts, costs, estimate, least_costs, repeat
from tinynas.deploy import require_tflm
from tinynas.errors import NoFeasibleCandidate, SpaceError
from tinynas.hil.engines import TflmLibrary
from tinynas.measurement import Measurement
from tinynas.network import Architecture, FamilyChoice, Group, NetworkFamily, Part
from tinynas.objective import TERMS, Limits
from tinynas.search.task import Task
from tinynas.search.terms import check_known, check_terms, limits_on, predicts_time

__all__ = ["CHOSEN", "Problem"]

CHOSEN = ("frame", "window", "turns", "clock_hz")
"""Parameters of a suggestion that are no layers of its network."""

# Random networks by which the share of the space that does not fit is estimated: +-2 % at worst.
_SHARE_SAMPLES = 500
# Random networks of a family by which it is told whether the resource model knows their time.
_FEW = 8
# Groups of networks by whose smallest member it is told how much is missing.
_SHOWN = 20
# A predicted time above so many times its limit is not worth a measurement: boards are faster or slower than predicted.
_DOUBT = 1.25

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
        return limits_on(self.board, self.config)

    @cached_property
    def gate(self) -> Limits:
        """What the resource model may say of a candidate that is suggested.

        The limits themselves. Where a board measures time, the prediction has to be far off them: the board decides.
        """
        if self.config.mode != "hil":
            return self.limits
        latency, energy = (
            None if limit is None else _DOUBT * limit for limit in (self.limits.latency_us, self.limits.energy_uj)
        )
        return dataclasses.replace(self.limits, latency_us=latency, energy_uj=energy)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The data in every frame and window that the search chooses among."""
        return (self.task, *self.task.others)

    @property
    def families(self) -> Mapping[str, NetworkFamily]:
        """The spaces of the families that are chosen from, by name; one without a name where nothing is chosen."""
        space = self.space
        return space.spaces if isinstance(space, FamilyChoice) else {"": space}

    def parameters(self, family: str = "") -> dict[str, Any]:
        """What the tuner chooses: the networks' parameters; and frame, window and turns where the space names some.

        Args:
            family: Which one's, of `families`.
        """
        chosen = {name: list(getattr(self.config.space, name)) for name in CHOSEN}
        return {**self.families[family].parameters(), **{name: values for name, values in chosen.items() if values}}

    @cached_property
    def space(self) -> NetworkFamily:
        """The networks among which the search chooses.

        Raises:
            SpaceError: A symmetry is asked for that the data do not have, or that the bounds do not allow.
        """
        space = self.config.space
        turning = [_turns(task) for task in self.tasks]
        if space.symmetry == "c4" and not all(turning):
            what = "the data have a preferred direction: a turn of the walk is not a turn of inputs and targets"
            advice = "set dataset.frame to level or north and dataset.target to velocity, or space.symmetry to none"
            raise SpaceError(what, where="space.symmetry", advice=advice)
        if space.symmetry is not None:
            return space
        untied = dataclasses.replace(space, symmetry="none")
        if not any(turning):
            return untied
        try:
            return dataclasses.replace(space, symmetry="c4")
        except SpaceError:  # nobody asked for it: bounds without a multiple of four are searched as they are
            return untied

    @cached_property
    def engine(self) -> Engine:
        """The runtime whose costs count."""
        return self.config.runtime(self.board)

    @cached_property
    def _engines(self) -> Mapping[int | None, Engine]:
        """The runtime at each clock that is chosen from."""
        return {None: self.engine, **{clock: self.engine.at(clock) for clock in self.config.space.clock_hz}}

    def architecture(self, params: Params) -> Architecture:
        """The network that a tuner's suggestion stands for.

        Raises:
            SpaceError: It stands for none of the space.
        """
        found = self.architecture_or_none(params)
        if found is None:
            raise SpaceError("the suggestion is not a network of the space", where="space")
        return found

    def key(self, params: Params) -> str:
        """Canonical text of what a suggestion stands for: equal keys, equal trials.

        Raises:
            SpaceError: As `architecture`.
        """
        key, space = self.architecture(params).key, self.config.space
        key += f"-{params['frame']}" if space.frame else ""
        key += f"-t{params['turns']}" if space.turns else ""
        return f"{key}-{params['clock_hz']}Hz" if space.clock_hz else key

    def architecture_or_none(self, params: Params) -> Architecture | None:
        """The network that a tuner's suggestion stands for; None where it stands for none of the space."""
        task = self.task.of(params)
        found = self.space.architecture(params, **task.shape)
        return None if found is None else self._suited(found, task)

    @staticmethod
    def _suited(network: Architecture, task: Task) -> Architecture:
        """A network of the space, without ties to turns where the task's frame does not turn."""
        if getattr(network, "symmetry", "none") == "none" or _turns(task):
            return network
        return Architecture.from_dict({**network.to_dict(), "symmetry": "none"})

    def cost(self, architecture: Architecture) -> Measurement:
        """What an inference of a network costs at the board's clock, by the resource model."""
        return estimate(architecture, self.engine, self.config.conversion.precision)

    def _costs(self, architecture: Architecture, params: Params) -> Costs:
        """What of it the limits ask for: of an update, with the turns and the clock that a suggestion chose."""
        engine = self._engines[params.get("clock_hz")]
        one = costs(architecture, engine, self.config.conversion.precision)
        return repeat(one, int(params.get("turns", self.config.deploy.turns)))

    def fits(self, architecture: Architecture, params: Params) -> bool:
        """Whether a suggestion's network stays within the limits, by the resource model."""
        return self.gate.admits(self._costs(architecture, params))

    def admits(self, params: Params) -> bool:
        """The tuner's known constraint: a network of the space that fits, or any one if the configuration says so."""
        architecture = self.architecture_or_none(params)
        if architecture is None:
            return False
        return not self.config.tuner.only_feasible or self.fits(architecture, params)

    def require_feasible(self) -> dict[str, Any]:
        """Fail fast if no candidate can succeed.

        Returns:
            The suggestion for one of the cheapest networks of the space; it fits.

        Raises:
            NoFeasibleCandidate: Nothing in the space fits; the message has the smallest candidate's cost.
            ToolchainMissing: The mode "tflm" without the official interpreter.
            ConfigError: The mode "hil" with its library, and `hil.tflm_root` is not such a folder; or a limit is set on
                what nothing knows, see `check_terms`.
        """
        config, limits = self.config, self.limits
        check_terms(self.board, config, self.engine)
        for network in self._some_networks() if predicts_time(config) else ():
            check_known(self._costs(network, {}), config)
        if config.mode == "tflm":
            require_tflm()
        if config.mode == "hil" and not config.aot:
            TflmLibrary.find(config.hil.tflm_root, self.board.core, "hil.tflm_root")
        least: list[Costs] = []
        for params in self._likely_to_fit():
            cost = self._costs(self.architecture(params), params)
            check_known(cost, config)
            if self.gate.admits(cost):
                return params
            least = [min([*least, cost], key=self._share)]
        if not least:
            windows = " and ".join(str(task.shape["window"]) for task in self.tasks)
            advice = "use longer windows, smaller strides or fewer steps"
            raise SpaceError(
                f"no network of the space reads windows of {windows} samples", where="space", advice=advice
            )
        needed = " and ".join(
            f"{term.used(least[0]):.0f} {term.unit} of {term.label} (at most {term.limit(limits):.0f})"
            for term in reversed(TERMS)
            if term.counts(least[0], limits)
        )
        raise NoFeasibleCandidate(
            f"nothing in the search space fits: the smallest candidate needs {needed}",
            advice="widen the search space, raise objective.limits, or choose a larger board",
        )

    def _some_networks(self) -> Iterator[Architecture]:
        """A few random networks of every family, for the longest window."""
        shape = max((task.shape for task in self.tasks), key=lambda shape: shape["window"])
        rng = np.random.default_rng(self.config.seed)
        for space in self.families.values():
            with suppress(SpaceError):  # none reads such windows
                yield from [space.sample(rng, **shape) for _ in range(_FEW)]

    def _likely_to_fit(self) -> Iterator[dict[str, Any]]:
        """Suggestions for the smallest networks, best first; one of them fits if any network of the space does.

        Groups whose lower bound does not fit are left out, but for one network each of the smallest ones: whoever is
        told that nothing fits wants to know how much is missing.
        """
        first = next((part for group in self._smallest() for part in group.parts), None)
        yield from islice(first.members, 1) if first else ()  # mostly it fits, and nothing else has to be looked at
        groups = [(self._bound(group), number, group) for number, group in enumerate(self._smallest())]
        groups.sort(key=lambda found: found[:2])
        for place, (share, _, group) in enumerate(groups):
            parts = [(share, 0, part) for part in islice(group.parts, 1)] if share > 1 else []
            if share <= 1:
                parts = [(self._bound(part), number, part) for number, part in enumerate(group.parts)]
                parts.sort(key=lambda found: found[:2])
            for number, (share, _, part) in enumerate(parts):
                if share <= 1:
                    yield from part.members
                elif place < _SHOWN and not number:
                    yield next(part.members)

    def _bound(self, one: Group | Part) -> float:
        """The largest share that a group's or a part's networks need in any case."""
        return self._share(least_costs(one.widest, self.engine, self.config.conversion.precision))

    def _smallest(self) -> Iterator[Group]:
        """`NetworkFamily.smallest` over all frames and windows, those with the least input first."""
        for task in sorted(self.tasks, key=lambda task: task.shape["window"] * task.shape["channels"]):
            space = self.config.space
            known: dict[str, Any] = {"frame": task.train.frame, "window": task.train.spec.window}
            known |= {"turns": min(space.turns, default=1), "clock_hz": max(space.clock_hz, default=0)}
            chosen = {name: known[name] for name in CHOSEN if getattr(self.config.space, name)}
            for group in self.space.smallest(**task.shape):
                yield group.join(chosen, partial(self._suited, task=task))

    def _share(self, cost: Costs | LeastCosts) -> float:
        """The largest share of what may be used."""
        return max(term.used(cost) / term.limit(self.gate) for term in TERMS if term.counts(cost, self.gate))

    def infeasible_share(self) -> float:
        """Share of the search space that does not fit, from seeded random networks of it."""
        rng = np.random.default_rng(self.config.seed)
        missed = 0
        for _ in range(_SHARE_SAMPLES):
            task = self.tasks[int(rng.integers(len(self.tasks)))] if self.task.others else self.task
            space, params = self.config.space, {}
            for name in ("turns", "clock_hz"):
                if values := getattr(space, name):
                    params[name] = values[int(rng.integers(len(values)))]
            try:
                missed += not self.fits(self._suited(self.space.sample(rng, **task.shape), task), params)
            except SpaceError:  # none of the space reads such windows
                missed += 1
        return missed / _SHARE_SAMPLES


def _turns(task: Task) -> bool:
    """Whether a turn of the walk is a turn of inputs and targets."""
    return task.train.turns and task.train.target_turns and task.channels % 3 == 0
