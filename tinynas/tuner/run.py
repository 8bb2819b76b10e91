"""A whole run: initial points, iterations, failures, early stopping, and the results dictionary."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinynas.errors import SpaceError
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params, finite_or_none
from tinynas.tuner.space import ExhaustedError

if TYPE_CHECKING:
    from tinynas.tuner.tuner import Tuner

__all__ = ["run"]

logger = logging.getLogger(__name__)

# Batches tried, at most, to get the initial values that failures have cost.
TOP_UPS = 2


@dataclass
class Outcome:
    """Successes of one call of the objective: points, values, and what the surrogate expected of them."""

    points: list[Params] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    error: Exception | None = None


def run(tuner: Tuner, sense: Literal["maximize", "minimize"]) -> dict[str, Any]:
    """Evaluate the initial points, then iterate; what `Tuner.maximize` and `Tuner.minimize` do.

    Every run starts afresh from `initial_custom`. An exception of the objective fails the batch it was called with;
    None, NaN and infinities fail their point; points missing from a `(params, values)` pair fail too. An iteration in
    which nothing succeeded counts, but does not show in the results. A space with nowhere left to look ends the run.

    Args:
        tuner: Holds the space, the objective and the configuration.
        sense: What is better: more or less.

    Returns:
        `params_tried` (object array of dictionaries, initial points first), `objective_values` (in the user's sign),
        `best_params`, `best_objective`, and for the Bayesian optimiser also `random_params`, `random_params_objective`
        (the initial points) and `surrogate_values` (the prediction before each evaluation; NaN where there was none
        yet, the value itself for initial points).

    Raises:
        ConfigTypeError: If the tuner has no objective, or the objective returns something unusable.
        ConfigValueError: If no evaluation succeeded, or values were told before by hand.
        SpaceError: If no point was found that satisfies the constraint.
    """
    if tuner.objective_function is None:
        raise ConfigTypeError("there is no objective to call", where="objective", advice="use ask() and tell()")
    tuner.start(sense)
    config = tuner.config
    record = _Record(tuner)
    batch_size = int(getattr(tuner.objective_function, "batch_size", config.batch_size))
    if config.optimizer == "Bayesian":
        _initial(tuner, record)
    with _progress(config.num_iteration, config.log_progress) as advance:
        for _ in range(config.num_iteration):
            try:
                batch = tuner.ask(batch_size)
            except SpaceError as reason:
                if not record.values:
                    raise
                # Results are not thrown away because there is nowhere left to look.
                logger.info("the run ends early: %s", reason)
                break
            succeeded = record.add(_evaluate(tuner, batch))
            advance(record)
            if succeeded and config.early_stopping and config.early_stopping(copy.deepcopy(record.results())):
                break
    if not record.values:
        raise ConfigValueError("No valid configuration found: not one evaluation succeeded") from record.last_error
    tuner.results = record.results()
    return tuner.results


class _Record:
    """What a run has evaluated with success."""

    def __init__(self, tuner: Tuner) -> None:
        self.tuner = tuner
        self.points: list[Params] = []
        self.values: list[float] = []
        self.expected: list[float] = []
        self.initial = 0
        self.last_error: Exception | None = None

    def add(self, outcome: Outcome) -> bool:
        """Append the successes of a batch; whether there were any."""
        self.points += outcome.points
        self.values += outcome.values
        self.expected += outcome.expected
        self.last_error = outcome.error or self.last_error
        return bool(outcome.points)

    def close_initial(self) -> None:
        """Everything so far was the initial design: its values stand in for predictions, as in Mango."""
        self.initial = len(self.points)
        self.expected = list(self.values)

    def best(self) -> int:
        """Index of the first best value."""
        values = np.array(self.values)
        return int(np.argmax(values) if self.tuner.maximize_objective else np.argmin(values))

    def results(self) -> dict[str, Any]:
        """The results dictionary, in Mango's form."""
        values = np.array(self.values, dtype=float)
        results: dict[str, Any] = {"params_tried": _objects(self.points), "objective_values": values}
        if self.values:
            best = self.best()
            results |= {"best_objective": values[best], "best_params": self.points[best]}
        if self.tuner.config.optimizer == "Bayesian":
            results |= {
                "random_params": _objects(self.points[: self.initial]),
                "random_params_objective": values[: self.initial].copy(),
                "surrogate_values": np.array(self.expected, dtype=float),
            }
        return results


def _initial(tuner: Tuner, record: _Record) -> None:
    config = tuner.config
    custom = list(config.initial_custom or ())
    if any(isinstance(item, tuple) for item in custom):
        told = [(params, value) for params, value in tuner.observations if value is not None]
        record.add(Outcome([params for params, _ in told], [value for _, value in told], [np.nan] * len(told)))
    else:
        record.add(_evaluate(tuner, tuner.ask(len(custom) or config.initial_random)))
    enough = 1 if custom else config.initial_random
    for _ in range(TOP_UPS):
        missing = enough - len(record.values)
        if missing <= 0:
            break
        with suppress(ExhaustedError):
            record.add(_evaluate(tuner, tuner.ask(missing)))
    record.close_initial()
    if not record.values:
        raise ConfigValueError(
            "No valid configuration found to initiate the Bayesian Optimizer: every initial evaluation failed",
            advice="see the log for what went wrong",
        ) from record.last_error


def _evaluate(tuner: Tuner, batch: list[Params]) -> Outcome:
    """Call the objective and tell the tuner; the successes with what was expected of them, and what went wrong."""
    objective = tuner.objective_function
    assert objective is not None
    codes = [tuner.space.code(params) for params in batch]
    guided = tuner.config.optimizer == "Bayesian"
    expected = dict(zip(codes, tuner.predict(batch)[0].tolist(), strict=True)) if guided else {}
    error: Exception | None = None
    try:
        answer = objective([dict(params) for params in batch])
    except Exception as raised:
        logger.warning("the objective failed for %d points: %r", len(batch), raised)
        answer, error = ([], []), raised
    points, values = _read(answer, batch)
    outcome = Outcome(error=error)
    for params, value in zip(points, map(finite_or_none, values), strict=True):
        tuner.tell(params, value)
        if value is not None:
            outcome.points.append(params)
            outcome.values.append(value)
            outcome.expected.append(expected.get(tuner.space.code(params), np.nan))
    given = {tuner.space.code(params) for params in points}
    for params, code in zip(batch, codes, strict=True):
        if code not in given:
            tuner.tell(params, None, failed=True)
    return outcome


def _read(answer: Any, batch: list[Params]) -> tuple[list[Params], list[Any]]:
    """Take apart what the objective returned."""
    points, values = answer if isinstance(answer, tuple) and len(answer) == 2 else (batch, answer)
    try:
        points, values = list(points), list(values)
    except TypeError as error:
        raise ConfigTypeError(
            f"the objective must return a list of values, not {type(answer).__name__}", where="objective"
        ) from error
    if len(points) != len(values):
        raise ConfigTypeError(f"the objective gave {len(values)} values for {len(points)} points", where="objective")
    return points, values


def _objects(items: list[Params]) -> np.ndarray[Any, Any]:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


@contextmanager
def _progress(total: int, wanted: bool) -> Iterator[Any]:
    """A tqdm bar where tqdm is installed and wanted, else nothing."""
    bar = None
    if wanted:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            bar = tqdm(total=total)

    def advance(record: _Record) -> None:
        if bar is not None:
            bar.update(1)
            if record.values:
                bar.set_description(f"best {record.values[record.best()]:.6g}")

    try:
        yield advance
    finally:
        if bar is not None:
            bar.close()
