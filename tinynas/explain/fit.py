"""One network: what it takes of the board, what holds that, and what would make it fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import Costs, Engine, costs, lower, lower_predicted, scratch_buffers
from tinynas.deploy.compiler import ArenaMap, map_graph, map_program
from tinynas.errors import ConversionError, SpaceError
from tinynas.network import Architecture, Convolution, Dense
from tinynas.report import COSTS, StudyView
from tinynas.study import Trial

__all__ = ["Excess", "Remedy", "TrialExplained", "explain_trial"]

_SHOWN = 3
# What the data decide, not the search.
_GIVEN = {"channels", "outputs", "window"}
_SHARES = tuple(share / 20 for share in range(19, 0, -1))


@dataclass(frozen=True)
class Excess:
    """A cost with its limit.

    Attributes:
        cost: `sram`, `flash`, `latency`, `energy`.
        label: What people call it.
        unit: Of the figures.
        used: What the network takes.
        limit: What it may take; None: any.
    """

    cost: str
    label: str
    unit: str
    used: float
    limit: float | None

    @property
    def over(self) -> float:
        """By how much it is too much; 0 where it fits."""
        return 0.0 if self.limit is None else max(0.0, self.used - self.limit)


@dataclass(frozen=True)
class Remedy:
    """A change by which a network fits.

    Attributes:
        change: Of each parameter its value before and after.
        sram_bytes, flash_bytes: What it takes then, as predicted.
    """

    change: Mapping[str, tuple[Any, Any]]
    sram_bytes: int
    flash_bytes: int


@dataclass(frozen=True)
class TrialExplained:
    """What there is to say of one trial.

    Attributes:
        trial: Its number.
        state: Its state.
        feasible: Whether it fits; None: not known.
        reason: Why it failed or does not fit, as the search said it.
        costs: What it takes, with the limits.
        peak_bytes: Bytes of the arena's activations at the fullest moment, as predicted; None: the network has none.
        peak_operator: What begins to be written then: it makes the moment the fullest.
        peak_holds: What is held then, and its bytes; the largest first.
        heaviest: Layers with most weights and their bytes as int8; the largest first.
        remedies: Single changes by which it would fit, the smallest first; or one of all parameters together.
        learned: What its training tells, in words.
    """

    trial: int
    state: str
    feasible: bool | None
    reason: str | None
    costs: tuple[Excess, ...]
    peak_bytes: int | None
    peak_operator: str | None
    peak_holds: tuple[tuple[str, int], ...]
    heaviest: tuple[tuple[str, int], ...]
    remedies: tuple[Remedy, ...]
    learned: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values, `over` with each cost."""
        return {**asdict(self), "costs": [{**asdict(one), "over": one.over} for one in self.costs]}


def explain_trial(view: StudyView, trial: Trial, config: Config, board: Board) -> TrialExplained:
    """Say what a trial's network takes, what holds that, and what would make it fit.

    Args:
        view: The study.
        trial: One of its trials.
        config: The study's.
        board: The study's.

    Raises:
        SpaceError: The trial's architecture is of no family that is known.
    """
    architecture = Architecture.from_dict(trial.architecture)
    engine = config.runtime(board)
    found = tuple(_costs(view, trial))
    arena = _arena(architecture, engine, config.conversion.precision)
    fullest = arena.fullest if arena.slots else None
    held = [] if fullest is None else [slot for slot in arena.slots if slot.first <= fullest <= slot.last]
    begun = [slot.label for slot in held if slot.first == fullest]
    small = [one for one in found if one.over and one.cost in ("sram", "flash")]
    remedies = tuple(_remedies(view, architecture, engine, config.conversion.precision)) if small else ()
    return TrialExplained(
        trial=trial.id,
        state=str(trial.state),
        feasible=trial.feasible,
        reason=trial.reason,
        costs=found,
        peak_bytes=None if fullest is None else arena.held_at(fullest),
        peak_operator=", ".join(begun) or None,
        peak_holds=tuple((s.label, s.bytes) for s in sorted(held, key=lambda slot: -slot.bytes)),
        heaviest=tuple(_heaviest(architecture)),
        remedies=remedies,
        learned=tuple(_learned(view, trial)),
    )


def _costs(view: StudyView, trial: Trial) -> Iterator[Excess]:
    for cost in COSTS:
        used = cost.of(trial)
        if used is not None:
            yield Excess(cost.key, cost.label, cost.unit, used, cost.limit(view))


def _arena(architecture: Architecture, engine: Engine, precision: str) -> ArenaMap:
    """What lies where, of the network as it is predicted: an untrained one has no .tflite."""
    graph = lower(architecture, precision)
    if engine.name == "aot":
        return map_program(lower_predicted(graph))
    return map_graph(graph, tuple(scratch_buffers(graph)) if engine.kernels == "cmsis_nn" else ())


def _heaviest(architecture: Architecture) -> list[tuple[str, int]]:
    graph = architecture.graph
    layers = [layer for layer in graph.layers if isinstance(layer, Convolution | Dense)]
    sizes = [(layer.name, layer.channels * (graph.fan_in(layer) + 4)) for layer in layers]  # biases have four bytes
    return sorted(sizes, key=lambda one: -one[1])[:_SHOWN]


def _remedies(view: StudyView, architecture: Architecture, engine: Engine, precision: str) -> Iterator[Remedy]:
    """Changes of one parameter, each as small as it can be; where none is enough, of all."""
    limits = view.limit("sram"), view.limit("flash")

    def cost(changed: Mapping[str, Any]) -> Costs | None:
        try:
            found = costs(Architecture.from_dict(_settled(changed)), engine, precision)
        except (SpaceError, ConversionError):  # no network of the family, or none that is compiled
            return None
        fits = all(
            m is None or used <= m for used, m in zip((found.sram_bytes, found.flash_bytes), limits, strict=True)
        )
        return found if fits else None

    fields, found = architecture.to_dict(), False
    for name, value in fields.items():
        for smaller in _smaller(name, value):
            if (then := cost({**fields, name: smaller})) is not None:
                found = True
                yield Remedy({name: (value, smaller)}, then.sram_bytes, then.flash_bytes)
                break
    if not found:
        yield from _together(fields, cost)


def _settled(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields with filters for no more blocks than there are."""
    filters, blocks = fields["filters"], fields.get("dilations", fields.get("strides", ()))
    return {**fields, "filters": filters[: len(blocks)]} if isinstance(filters, list) else fields


def _together(fields: Mapping[str, Any], cost: Callable[[Mapping[str, Any]], Costs | None]) -> Iterator[Remedy]:
    for share in _SHARES:
        changed = _settled({name: _shrink(name, value, share) for name, value in fields.items()})
        if (then := cost(changed)) is not None:
            change = {name: (fields[name], value) for name, value in changed.items() if value != fields[name]}
            yield Remedy(change, then.sram_bytes, then.flash_bytes)
            return


def _smaller(name: str, value: Any) -> Iterator[Any]:
    """Values below one, the nearest first."""
    if name in _GIVEN:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        yield from range(value - 1, 0, -1)
    elif name == "filters":  # of each block: all of them shrink
        yield from (_shrink(name, value, share) for share in _SHARES)
    elif isinstance(value, list | tuple):
        yield from (list(value[:count]) for count in range(len(value) - 1, 0, -1))


def _shrink(name: str, value: Any, share: float) -> Any:
    if name in _GIVEN:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        small = max(1, int(value * share))
        return small - small % 4 if small >= 4 else small  # symmetric networks have groups of four
    if name == "filters":
        return [_shrink(name, width, share) for width in value]
    if isinstance(value, list | tuple):
        return list(value[: max(1, int(len(value) * share))])
    return value


def _learned(view: StudyView, trial: Trial) -> Iterator[str]:
    metrics = trial.metrics or {}
    epochs, best, exact, deployed = (metrics.get(k) for k in ("epochs", "best_epoch", "error_float", "error_int8"))
    if isinstance(epochs, int) and isinstance(best, int) and best >= epochs - 1:
        yield f"its best epoch is the last of {epochs}: a longer training may still improve it"
    if isinstance(exact, float) and isinstance(deployed, float) and deployed > 1.05 * exact:
        yield f"conversion to int8 makes its error {100 * (deployed / exact - 1):.0f} % larger"
    leader = view.best
    error = (leader.metrics or {}).get("error_int8") if leader is not None else None
    if leader is not None and leader.id != trial.id and isinstance(error, float) and isinstance(deployed, float):
        yield f"its error is {deployed:.3f} m/s, that of the best, trial {leader.id}, is {error:.3f}"
