"""One network: what it takes of the board, what holds that, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import Engine, OperatorWork, lower, lower_predicted, scratch_buffers, work_by_operator
from tinynas.deploy import Graph
from tinynas.deploy.compiler import ArenaMap, map_graph, map_program
from tinynas.explain.remedies import Placed, Remedy, find_remedies
from tinynas.measurement import Measurement
from tinynas.network import Architecture
from tinynas.report import COSTS, StudyView
from tinynas.study import Trial

__all__ = ["Excess", "TrialExplained", "explain_trial"]

_SHOWN = 3


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
        heaviest: Operators with most weights and biases, and their bytes; the largest first.
        slowest: Operators that take most of the time and their shares of it, the largest first; empty where the time is
            not known.
        slowest_by: What the shares are of: "cycles", as predicted, or "macs" where no cycles are.
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
    slowest: tuple[tuple[str, float], ...]
    slowest_by: Literal["cycles", "macs"]
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
    architecture, params = Architecture.from_dict(trial.architecture), trial.params or {}
    precision = config.conversion.precision
    engine = config.runtime(board).at(params.get("clock_hz"))
    found = tuple(_costs(view, trial))
    arena = _arena(architecture, engine, precision)
    fullest = arena.fullest if arena.slots else None
    held = [] if fullest is None else [slot for slot in arena.slots if slot.first <= fullest <= slot.last]
    begun = [slot.label for slot in held if slot.first == fullest]
    work = work_by_operator(architecture, engine, precision) if any(one.cost == "latency" for one in found) else []
    timed = bool(work) and all(one.cycles is not None for one in work)
    remedies: tuple[Remedy, ...] = ()
    if trial.measurement is not None and any(one.over for one in found):
        limits = {cost.field: None if (most := cost.limit(view)) is None else most * cost.scale for cost in COSTS}
        turns, measured = params.get("turns", config.deploy.turns), Measurement.from_dict(trial.measurement)
        remedies = tuple(find_remedies(Placed(architecture, engine, precision, turns, measured, limits)))
    return TrialExplained(
        trial=trial.id,
        state=str(trial.state),
        feasible=trial.feasible,
        reason=trial.reason,
        costs=found,
        peak_bytes=None if fullest is None else arena.held_at(fullest),
        peak_operator=" and ".join(begun) or None,
        peak_holds=tuple((s.label, s.bytes) for s in sorted(held, key=lambda slot: -slot.bytes)),
        heaviest=tuple(_heaviest(lower(architecture, precision))),
        slowest=tuple(_slowest(work, timed=timed)),
        slowest_by="cycles" if timed else "macs",
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


def _heaviest(graph: Graph) -> list[tuple[str, int]]:
    numbered = enumerate(zip(graph.ops, graph.constants_by_operator, strict=True))
    sizes = [(f"{number} {op.title}", size) for number, (op, size) in numbered if graph.macs_of(op)]
    return sorted(sizes, key=lambda one: -one[1])[:_SHOWN]


def _slowest(work: Sequence[OperatorWork], *, timed: bool) -> list[tuple[str, float]]:
    """The operators that take most of the time, with their shares."""
    taken = [(one.title, float(one.cycles or 0.0 if timed else one.macs)) for one in work]
    whole = sum(amount for _, amount in taken)
    ranked = sorted(taken, key=lambda one: -one[1])[:_SHOWN]
    return [(title, amount / whole) for title, amount in ranked if amount]


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
