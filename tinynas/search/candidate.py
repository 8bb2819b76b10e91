"""One trial from proposal to score. Every finished step is in the study before the next begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinynas.config import Config, Training
from tinynas.cost import Engine, estimate, lower, measure_graph, repeat
from tinynas.deploy import Model, convert
from tinynas.errors import FlashOverflow, RamOverflow, StudyError, TinynasError, TrainingDiverged
from tinynas.hostfaults import host_faults_stop
from tinynas.measurement import Measurement
from tinynas.network import Architecture
from tinynas.objective import METRICS, Limits, score
from tinynas.odometry import average_turns
from tinynas.search.bench import Bench
from tinynas.search.outcome import figures, known_figures, path_errors, paths, predict_deployed
from tinynas.search.referee import referee
from tinynas.search.rungs import next_pause, run_leg
from tinynas.search.store import Store, Weights, pack_weights, unpack_weights
from tinynas.search.task import Array, Task
from tinynas.study import Trial, TrialState

if TYPE_CHECKING:
    from tinynas.network import TrainingData

__all__ = ["CandidatePipeline"]

# Windows that set the ranges of a network that is measured before its training.
_UNTRAINED_WINDOWS = 10
_RESUME = "resume the search"


@dataclass(frozen=True, eq=False)
class CandidatePipeline:
    """The stages of a trial, each a function of what the study holds of it.

    Attributes:
        study: Where the steps are stored, or noted for the study's owner to store.
        config: The search's configuration.
        limits: What a candidate may use of the board.
        task: The data.
        on_epoch: Called with trial id, epoch and validation RMSE during training.
        engine: The runtime whose costs count.
        bench: The board that measures; None: costs are predicted.
        gate: What the resource model may say of a candidate that is measured before its training; None: anything.
            Only what is suggested for another board can be above it.
    """

    study: Store
    config: Config
    limits: Limits
    task: Task
    on_epoch: Callable[[int, int, float], None]
    engine: Engine
    bench: Bench | None = None
    gate: Limits | None = None
    _tensors: dict[tuple[Task, bool], TrainingData] = field(default_factory=dict)

    def data(self, task: Task, *, refit: bool = False) -> TrainingData:
        """Tensors of a task, made when the first candidate is trained on it."""
        if (task, refit) not in self._tensors:
            self._tensors[task, refit] = task.training_data(self.config.training.augment, refit=refit)
        return self._tensors[task, refit]

    def step(self, trial: Trial) -> Trial:
        """Take a trial through its next stage.

        Args:
            trial: In a state that is not final.

        Returns:
            The trial as it is stored now. A failure that is the candidate's own is stored as such.

        Raises:
            HostError: The computer failed. The trial stays as it is: a resume goes on with it.
            TinynasError: Another failure that concerns the search as a whole.
        """
        stages = {
            TrialState.PROPOSED: self._cost,
            TrialState.COSTED: self._train_or_reject,
            TrialState.PAUSED: self._train,
            TrialState.TRAINED: self._convert,
            TrialState.CONVERTED: self._measure,
            TrialState.MEASURED: self._score,
        }
        try:
            with host_faults_stop(
                f"take trial {trial.id} from '{trial.state}' on", where=str(self.study.folder), then=_RESUME
            ):
                return stages[trial.state](trial, Architecture.from_dict(trial.architecture))
        except TinynasError as e:
            if e.disposition != "infeasible":
                raise
            return self.study.advance(trial.id, TrialState.FAILED, reason=str(e))

    def _cost(self, trial: Trial, architecture: Architecture) -> Trial:
        cost = estimate(architecture, self._engine(trial), self.config.conversion.precision)
        bench = self._bench(trial)
        if bench is not None and self._is_worth(repeat(cost, self._turns(trial))):
            windows = self._task(trial).representative(_UNTRAINED_WINDOWS, np.random.default_rng([trial.seed, 1]))
            try:
                cost = bench.untrained(architecture, cost, windows, np.random.default_rng(trial.seed))
            except (FlashOverflow, RamOverflow) as error:
                return self._overflows(trial, cost, error)
        cost = repeat(cost, self._turns(trial))
        return self.study.advance(trial.id, TrialState.COSTED, measurement=cost.to_dict())

    def _is_worth(self, cost: Measurement) -> bool:
        """Whether a candidate of predicted cost is worth a measurement."""
        return self.gate is None or not self.config.tuner.only_feasible or self.gate.admits(cost)

    def _overflows(self, trial: Trial, cost: Measurement, error: FlashOverflow | RamOverflow) -> Trial:
        """What the linker found no room for is scored as what does not fit, whatever was predicted."""
        self.study.advance(trial.id, TrialState.COSTED, measurement=cost.to_dict())
        key = "flash_bytes" if isinstance(error, FlashOverflow) else "sram_bytes"
        found = dataclasses.replace(cost, **{key: max(getattr(cost, key), getattr(self.limits, key) + 1)})
        value = score(None, found, self.limits, self.config.objective).value
        return self.study.advance(
            trial.id, TrialState.INFEASIBLE, objective=value, feasible=False, reason=error.message
        )

    def _train_or_reject(self, trial: Trial, architecture: Architecture) -> Trial:
        cost = _measurement(trial)
        if not self.limits.admits(cost):
            rejected = score(None, cost, self.limits, self.config.objective)
            return self.study.advance(
                trial.id, TrialState.INFEASIBLE, objective=rejected.value, feasible=False, reason=self._excess(cost)
            )
        return self._train(trial, architecture)

    def _train(self, trial: Trial, architecture: Architecture) -> Trial:
        """Train up to the next pause, or to the end."""
        task, recipe = self._task(trial), self._recipe(trial)
        begins, inherits = not trial.rungs, trial.inherits_from is not None
        leg = run_leg(
            architecture,
            self.data(task, refit=trial.refit_of is not None),
            recipe,
            seed=trial.seed,
            until=next_pause(trial, self.config),
            checkpoint=None if begins else self.study.artefact(trial.artefacts["checkpoint"]),
            donor=self.study.artefact(trial.artefacts["donor"]) if begins and inherits else None,
            anew=inherits and len(trial.rungs) == 1,
            on_epoch=lambda epoch, rmse: self.on_epoch(trial.id, epoch, rmse),
        )
        predicted = self._float(trial, architecture, leg.weights, task.inputs(task.valid))
        error = task.error(predicted, task.valid).joint
        if not error < self.config.objective.penalty:
            raise TrainingDiverged(f"the trained network's error is {error:.3g} m/s, above the objective's penalty")
        spent = leg.seconds + sum(rung["seconds"] for rung in trial.rungs)
        metrics: dict[str, Any] = {
            "error_float": error,
            "epochs": leg.epochs,
            "best_epoch": leg.best_epoch,
            "history": [round(float(rmse), 5) for rmse in leg.history],
            "train_seconds": round(spent, 3),
        }
        if leg.checkpoint is None:
            metrics |= _judged(trial)
            return self.study.advance(
                trial.id, TrialState.TRAINED, metrics=metrics, artefacts={"weights": pack_weights(leg.weights)}
            )
        found = {"error_int8": error} | path_errors(task.evaluation(predicted, "valid"))
        of_kind = found[METRICS[self.config.objective.error]]
        rung = {
            "epochs": leg.epochs,
            "fidelity": round(leg.epochs / recipe.epochs, 4),
            "error": of_kind,
            "objective": score(of_kind, _measurement(trial), self.limits, self.config.objective).value,
            "seconds": round(leg.seconds, 3),
        }
        metrics["rungs"] = [*trial.rungs, rung]
        return self.study.advance(
            trial.id, TrialState.PAUSED, metrics=metrics, artefacts={"checkpoint": leg.checkpoint}
        )

    def _task(self, trial: Trial) -> Task:
        """The data as a trial sees them."""
        return self.task.of(trial.params or {})

    def _engine(self, trial: Trial) -> Engine:
        """The runtime, at the clock that a trial chose."""
        return self.engine.at((trial.params or {}).get("clock_hz"))

    def _bench(self, trial: Trial) -> Bench | None:
        """The board that measures, at the clock that a trial chose; None: costs are predicted."""
        clock = (trial.params or {}).get("clock_hz")
        if self.bench is None or clock is None:
            return self.bench
        return dataclasses.replace(self.bench, board=self.bench.board.at(clock))

    def _turns(self, trial: Trial) -> int:
        """Directions in which a trial's model looks."""
        return int((trial.params or {}).get("turns", self.config.deploy.turns))

    def _recipe(self, trial: Trial) -> Training:
        """How a trial is trained: a final training is longer, and does not stop early."""
        c = self.config
        if trial.final_of is None:
            return c.training
        epochs = c.final.epochs or c.training.epochs
        return dataclasses.replace(c.training, epochs=epochs, patience=None)

    def _excess(self, cost: Measurement) -> str:
        # SRAM first: it is what most often decides.
        terms = reversed(self.limits.exceeded(cost))
        return ", ".join(
            f"{term.label} {term.used(cost):.0f} of {term.limit(self.limits):.0f} {term.unit}" for term in terms
        )

    def _convert(self, trial: Trial, architecture: Architecture) -> Trial:
        from tinynas.network import inference_function

        weights = unpack_weights(self.study.artefact(trial.artefacts["weights"]))
        c = self.config.conversion
        windows = self._task(trial).representative(c.calibration_windows, np.random.default_rng([trial.seed, 1]))
        model = convert(
            inference_function(architecture, weights), lower(architecture, c.precision), windows, precision=c.precision
        )
        return self.study.advance(trial.id, TrialState.CONVERTED, artefacts={"tflite": model})

    def _measure(self, trial: Trial, architecture: Architecture) -> Trial:
        model = Model(self.study.artefact(trial.artefacts["tflite"]))
        task = self._task(trial)
        inputs = task.inputs(task.valid)
        turns, bench = self._turns(trial), self._bench(trial)
        metrics = self._errors(trial, model, task, inputs)
        program = model.program if self.engine.name == "aot" else None
        cost = measure_graph(model.graph, len(model.content), architecture, self._engine(trial), program)
        if self.config.mode == "tflm":
            cost = referee(model, cost, inputs, self.engine.static_bytes)
        elif bench is not None:
            cost = bench.measured(model, cost, inputs[0])
        cost = repeat(cost, turns)
        return self.study.advance(trial.id, TrialState.MEASURED, measurement=cost.to_dict(), metrics=metrics)

    def _errors(self, trial: Trial, model: Model, task: Task, inputs: Array) -> Mapping[str, Any]:
        """Errors of the converted model on the validation recordings, unless another board's study had them first."""
        known = trial.metrics or {}
        if trial.refit_of is None and "error_int8" in known:
            return {}
        found = task.evaluation(predict_deployed(model, inputs, self._turns(trial)), "valid")
        error = found.velocity
        metrics: dict[str, float | None] = {"error_int8": error.joint, "rmse_x": error.x, "rmse_y": error.y}
        return {**metrics, **path_errors(found), **_judged(trial)}

    def _score(self, trial: Trial, _architecture: Architecture) -> Trial:
        cost = _measurement(trial)
        error = float((trial.metrics or {})[METRICS[self.config.objective.error]])
        scored = score(error, cost, self.limits, self.config.objective)
        reason = None if scored.feasible else self._excess(cost)
        return self.study.advance(
            trial.id, TrialState.DONE, objective=scored.value, feasible=scored.feasible, reason=reason
        )

    def evaluate(self, trial: Trial) -> tuple[dict[str, Any], bytes]:
        """Test a finished trial's model on the recordings that nothing was chosen by.

        Returns:
            Figures for the study's summary, and trajectories as JSON bytes for its artefact "evaluation".
        """
        architecture = Architecture.from_dict(trial.architecture)
        task = self._task(trial)
        inputs = task.inputs(task.test)
        model = self.study.artefact(trial.artefacts["tflite"])
        found = task.evaluation(predict_deployed(model, inputs, self._turns(trial)))
        weights = unpack_weights(self.study.artefact(trial.artefacts["weights"]))
        summary = {
            "error_int8": found.velocity.joint,
            "error_float": task.error(self._float(trial, architecture, weights, inputs), task.test).joint,
            **figures(found, task.yaw_drifts("test")),
        }
        return known_figures(summary), paths(found)

    def _float(self, trial: Trial, architecture: Architecture, weights: Weights, inputs: Array) -> Array:
        """Predictions before conversion, averaged over directions as the deployed model's are."""
        from tinynas.network import predict

        return average_turns(lambda windows: predict(architecture, weights, windows), inputs, self._turns(trial))


def _judged(trial: Trial) -> Mapping[str, Any]:
    """Errors of a refit: those of the trial that was chosen, since it has learned what they are measured on."""
    return {} if trial.refit_of is None else (trial.params or {})["judged"]


def _measurement(trial: Trial) -> Measurement:
    if trial.measurement is None:
        raise StudyError(f"trial {trial.id} has no costs in state {trial.state}")
    return Measurement.from_dict(trial.measurement)
