"""What to try next, each advice with the finding that it follows from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tinynas.config import Config
from tinynas.report import COSTS, StudyView, number_at
from tinynas.study import Trial, TrialState

__all__ = ["Step", "next_steps"]

_LATE = 0.8
_LOOSE = 0.5
_GAP = 1.05
_MEMORY = ("sram", "flash")


@dataclass(frozen=True)
class Step:
    """One advice.

    Attributes:
        why: The finding.
        what: What to do about it.
    """

    why: str
    what: str


def next_steps(view: StudyView, config: Config, binding: Sequence[str], alike: int) -> Iterator[Step]:
    """Say what to try next, the most useful first.

    Args:
        view: The study.
        config: The same study's configuration.
        binding: Resources that limit the networks.
        alike: How many of the best networks cannot be told apart; 0: not known.
    """
    done = [trial for trial in view.trials if trial.state is TrialState.DONE and trial.final_of is None]
    failed = sum(trial.state is TrialState.FAILED for trial in view.trials)
    if failed and failed >= len(done):
        yield Step(f"{failed} trials failed and {len(done)} ended", "mend the most frequent reason first")
    if view.best is None:
        yield Step("no network has been trained that fits", "search a smaller space, or on a larger board")
        yield from _make_room(view, config, binding)
        return
    best = view.best if view.best.final_of is None else _of(view, view.best.final_of) or view.best
    yield from _learn(view, best)
    yield from _widen(view, config, best, binding)
    yield from _make_room(view, config, binding)
    yield from _go_on(done, best)
    if alike > 1:
        what = "take the cheapest of them, or search with more final.seeds"
        yield Step(f"{alike} of the best networks cannot be told apart", what)
    elif not config.final.candidates and len(done) > 1:
        what = "search with final.candidates 3: the best are trained again with several seeds"
        yield Step("each network was trained once, so chance may have chosen the best", what)


def _of(view: StudyView, number: int) -> Trial | None:
    return next((trial for trial in view.trials if trial.id == number), None)


def _learn(view: StudyView, best: Trial) -> Iterator[Step]:
    error = view.error("int8", "validation")
    rulers = {name: view.baseline(name, "validation") for name in ("zero", "mean", "compass")}
    known = {name: value for name, value in rulers.items() if value is not None}
    if error is not None and known and error >= min(known.values()):
        name = min(known, key=lambda one: known[one])
        words = {"zero": "standing still", "mean": "the training mean", "compass": "a compass"}[name]
        what = "check the data (`tinynas data check`), train longer, or record more"
        yield Step(f"the best network ({error:.3f} m/s) is no better than {words} ({known[name]:.3f} m/s)", what)
    metrics = best.metrics or {}
    epochs, at = metrics.get("epochs"), metrics.get("best_epoch")
    if isinstance(epochs, int) and isinstance(at, int) and at >= epochs - 1:
        yield Step(f"the best network's best epoch is its last of {epochs}", "raise training.epochs")
    exact, deployed = number_at(metrics, "error_float"), number_at(metrics, "error_int8")
    if exact and deployed and deployed > _GAP * exact:
        share = 100 * (deployed / exact - 1)
        yield Step(f"int8 makes the best network's error {share:.0f} % larger", "raise conversion.calibration_windows")


def _widen(view: StudyView, config: Config, best: Trial, binding: Sequence[str]) -> Iterator[Step]:
    """Bounds of the space that the best network stands at, where the board has room beyond."""
    space: Any = config.space
    for name in ("filters", "kernel_size"):
        low, high = getattr(space, name, (None, None))
        value = best.architecture.get(name)
        if value is not None and value == high and not binding:
            yield Step(f"the best network has the space's most {_words(name)} ({high})", f"raise space.{name}")
        elif value is not None and value == low != high:
            yield Step(f"the best network has the space's fewest {_words(name)} ({low})", f"lower space.{name}")
    blocks, most = best.architecture.get("dilations"), getattr(space, "blocks", (0, 0))[1]
    if isinstance(blocks, list | tuple) and len(blocks) == most and not binding:
        yield Step(f"the best network has the space's most blocks ({most})", "raise space.blocks")
    shares = [share for name in ("sram", "flash") if (share := view.share(best, name)) is not None]
    if not binding and shares and max(shares) < _LOOSE:
        what = "a smaller board would do: `tinynas boards list`"
        yield Step(f"the best network takes {100 * max(shares):.0f} % of the board at most", what)


def _make_room(view: StudyView, config: Config, binding: Sequence[str]) -> Iterator[Step]:
    """What helps against the limits that networks meet."""
    memory = [cost.label for cost in COSTS if cost.key in binding and cost.key in _MEMORY]
    time = [cost.label for cost in COSTS if cost.key in binding and cost.key not in _MEMORY]
    if memory:
        what = "choose a board that has more of it, or narrow the space: a smaller one is searched more closely"
        yield Step(f"{_join(memory)} the networks", what)
    if time:
        what = f"`tinynas explain STUDY --trial N` says what takes one's time; try {', '.join(_faster(view, config))}"
        yield Step(f"{_join(time)} the networks", what)


def _join(labels: Sequence[str]) -> str:
    return f"{' and '.join(labels)} limit{'s' if len(labels) == 1 else ''}"


def _faster(view: StudyView, config: Config) -> Iterator[str]:
    """What makes the updates of all networks shorter."""
    space: Any = config.space
    if max(space.turns, default=config.deploy.turns) > 1:
        yield f"fewer turns ({'space' if space.turns else 'deploy'}.turns)"
    bounds = [name for name in ("filters", "kernel_size") if hasattr(space, name)]
    if bounds:
        yield f"smaller networks ({' and '.join(f'space.{name}' for name in bounds)})"
    if hasattr(space, "strides"):
        yield "larger strides (space.strides)"
    points = view.board.get("operating_points")
    if points and not space.clock_hz:
        yield "another of the board's clocks (space.clock_hz)"
    yield "a faster board"


def _words(name: str) -> str:
    return {"filters": "filters", "kernel_size": "taps"}[name]


def _go_on(done: Sequence[Trial], best: Trial) -> Iterator[Step]:
    order = [trial.id for trial in done]
    if best.id in order and len(order) >= 5 and order.index(best.id) >= _LATE * (len(order) - 1):
        why = f"the best network came late: {order.index(best.id) + 1} of {len(order)}"
        yield Step(why, "go on: `tinynas resume STUDY --trials N`")
