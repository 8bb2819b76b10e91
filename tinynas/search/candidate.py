"""One trial from proposal to score. Every finished step is in the study before the next begins."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinynas.config import Config
from tinynas.cost import Engine, TflmInterpreter, estimate, lower, measure_graph
from tinynas.deploy import Graph, arena_head_bytes, convert, dequantize, infer, quantize, read_graph
from tinynas.errors import FlashOverflow, ParityError, RamOverflow, StudyError, TinynasError, TrainingDiverged
from tinynas.measurement import Measurement
from tinynas.objective import Limits, score
from tinynas.search.bench import Bench, check_toolchain
from tinynas.search.task import Task
from tinynas.study import Study, Trial, TrialState
from tinynas.tcn import Architecture

if TYPE_CHECKING:
    from tinynas.tcn.training import TrainingData

__all__ = ["CandidatePipeline"]

Weights = dict[str, npt.NDArray[np.float32]]

# Windows that the official interpreter runs one by one to be compared with LiteRT's reference kernels. These round a
# FULLY_CONNECTED once where TFLM rounds twice: one step apart is normal.
_REFEREE_WINDOWS = 20
_REFEREE_STEPS = 1
# Windows that set the ranges of a network that is measured before its training.
_UNTRAINED_WINDOWS = 10


@dataclass(frozen=True, eq=False)
class CandidatePipeline:
    """The stages of a trial, each a function of what the study holds of it.

    Attributes:
        study: Where the steps are stored.
        config: The search's configuration.
        limits: What a candidate may use of the board.
        task: The data.
        on_epoch: Called with trial id, epoch and validation RMSE during training.
        engine: The runtime whose costs count.
        bench: The board that measures; None: costs are foreseen.
    """

    study: Study
    config: Config
    limits: Limits
    task: Task
    on_epoch: Callable[[int, int, float], None]
    engine: Engine
    bench: Bench | None = None

    @cached_property
    def data(self) -> TrainingData:
        """Tensors, made when the first candidate is trained."""
        return self.task.training_data()

    def run(self, trial: Trial, on_state: Callable[[Trial], None]) -> Trial:
        """Take a trial from whatever state it is in to a final one.

        Args:
            trial: New, or left behind by a search that was killed.
            on_state: Called after every stored step.

        Returns:
            The finished trial. A failure that is the candidate's own is stored as such.

        Raises:
            TinynasError: A failure that concerns the search as a whole.
        """
        stages = {
            TrialState.PROPOSED: self._cost,
            TrialState.COSTED: self._train_or_reject,
            TrialState.TRAINED: self._convert,
            TrialState.CONVERTED: self._measure,
            TrialState.MEASURED: self._score,
        }
        while not trial.state.is_finished:
            try:
                trial = stages[trial.state](trial, Architecture.from_dict(trial.architecture))
            except TinynasError as e:
                if e.disposition != "infeasible":
                    raise
                trial = self.study.advance(trial.id, TrialState.FAILED, reason=str(e))
            on_state(trial)
        return trial

    def _cost(self, trial: Trial, architecture: Architecture) -> Trial:
        earlier = self.study.find(trial.key)
        if earlier is not None:
            return self.study.answer(trial.id, earlier.id)
        cost = estimate(architecture, self.engine, self.config.conversion.precision)
        if self.bench is not None:
            windows = self.task.representative(_UNTRAINED_WINDOWS, np.random.default_rng([trial.seed, 1]))
            try:
                cost = self.bench.untrained(architecture, cost, windows, np.random.default_rng(trial.seed))
            except (FlashOverflow, RamOverflow) as error:
                return self._overflows(trial, cost, error)
            check_toolchain(self.study, cost)
        return self.study.advance(trial.id, TrialState.COSTED, measurement=cost.to_dict())

    def _overflows(self, trial: Trial, cost: Measurement, error: FlashOverflow | RamOverflow) -> Trial:
        """What the linker found no room for is scored as what does not fit, however much was foreseen."""
        self.study.advance(trial.id, TrialState.COSTED, measurement=cost.to_dict())
        sram, flash = cost.sram_bytes, cost.flash_bytes
        if isinstance(error, FlashOverflow):
            flash = max(flash, self.limits.flash_bytes + 1)
        else:
            sram = max(sram, self.limits.sram_bytes + 1)
        value = score(None, sram, flash, self.limits, self.config.objective).value
        return self.study.advance(
            trial.id, TrialState.INFEASIBLE, objective=value, feasible=False, reason=error.message
        )

    def _train_or_reject(self, trial: Trial, architecture: Architecture) -> Trial:
        cost = _measurement(trial)
        if not self.limits.admits(cost.sram_bytes, cost.flash_bytes):
            rejected = score(None, cost.sram_bytes, cost.flash_bytes, self.limits, self.config.objective)
            return self.study.advance(
                trial.id, TrialState.INFEASIBLE, objective=rejected.value, feasible=False, reason=self._excess(cost)
            )
        from tinynas.tcn.network import fold
        from tinynas.tcn.training import predict, train

        started = perf_counter()
        fit = train(
            architecture,
            self.data,
            self.config.training,
            rng=np.random.default_rng(trial.seed),
            on_epoch=lambda epoch, rmse: self.on_epoch(trial.id, epoch, rmse),
        )
        weights = fold(architecture, fit.weights)
        seconds = perf_counter() - started
        predicted = predict(architecture, weights, self.task.inputs(self.task.valid))
        error = self.task.error(predicted, self.task.valid).joint
        if not error < self.config.objective.penalty:
            raise TrainingDiverged(f"the trained network's error is {error:.3g} m/s, above the objective's penalty")
        metrics = {
            "error_float": error,
            "epochs": len(fit.history),
            "best_epoch": fit.best_epoch,
            "train_seconds": round(seconds, 3),
        }
        return self.study.advance(trial.id, TrialState.TRAINED, metrics=metrics, artefacts={"weights": _npz(weights)})

    def _excess(self, cost: Measurement) -> str:
        parts = (
            ("SRAM", cost.sram_bytes, self.limits.sram_bytes),
            ("flash", cost.flash_bytes, self.limits.flash_bytes),
        )
        return ", ".join(f"{name} {used} of {limit} bytes" for name, used, limit in parts if used > limit)

    def _convert(self, trial: Trial, architecture: Architecture) -> Trial:
        from tinynas.tcn.network import inference_function

        folded = dataclasses.replace(architecture, norm="none")
        weights = _arrays(self.study.artefact(trial.artefacts["weights"]))
        c = self.config.conversion
        windows = self.task.representative(c.calibration_windows, np.random.default_rng([trial.seed, 1]))
        model = convert(
            inference_function(folded, weights), lower(architecture, c.precision), windows, precision=c.precision
        )
        return self.study.advance(trial.id, TrialState.CONVERTED, artefacts={"tflite": model})

    def _measure(self, trial: Trial, architecture: Architecture) -> Trial:
        model = self.study.artefact(trial.artefacts["tflite"])
        inputs = self.task.inputs(self.task.valid)
        predicted = infer(model, inputs)
        graph = read_graph(model)
        cost = measure_graph(graph, len(model), architecture, self.engine)
        if self.config.mode == "tflm":
            cost = self._referee(model, graph, cost, inputs)
        elif self.bench is not None:
            cost = self.bench.measured(model, cost, inputs[0])
            check_toolchain(self.study, cost)
        error = self.task.error(predicted, self.task.valid)
        metrics = {"error_int8": error.joint, "rmse_x": error.x, "rmse_y": error.y}
        return self.study.advance(trial.id, TrialState.MEASURED, measurement=cost.to_dict(), metrics=metrics)

    def _referee(self, model: bytes, graph: Graph, cost: Measurement, inputs: npt.NDArray[np.float32]) -> Measurement:
        """Costs and outputs by the official interpreter; its arena with the tail of a 32-bit device."""
        interpreter = TflmInterpreter(model)
        arena, windows = interpreter.arena(), inputs[:_REFEREE_WINDOWS]
        source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        outputs = dequantize(interpreter.run(quantize(windows, source)), target)
        step = target.quantization.scale[0] if target.quantization else 1e-3 * float(np.abs(outputs).max() + 1e-6)
        apart = float(np.max(np.abs(outputs - infer(model, windows, reference=True)))) / step
        if apart > _REFEREE_STEPS + 0.5:
            raise ParityError(f"LiteRT and TensorFlow Lite Micro are {apart:.0f} steps apart on the same window")
        # The head is the host's; what CMSIS-NN's scratch adds and the 32-bit tail are known from the model only.
        device = cost.arena_bytes + arena.head_bytes - arena_head_bytes(graph)
        return dataclasses.replace(
            cost,
            source="tflm",
            arena_bytes=device,
            sram_bytes=device + self.engine.static_bytes,
            host_arena_bytes=arena.total_bytes,
            parity=True,
        )

    def _score(self, trial: Trial, _architecture: Architecture) -> Trial:
        cost = _measurement(trial)
        error = float((trial.metrics or {})["error_int8"])
        scored = score(error, cost.sram_bytes, cost.flash_bytes, self.limits, self.config.objective)
        reason = None if scored.feasible else self._excess(cost)
        return self.study.advance(
            trial.id, TrialState.DONE, objective=scored.value, feasible=scored.feasible, reason=reason
        )

    def evaluate(self, trial: Trial) -> tuple[dict[str, Any], bytes]:
        """Test a finished trial's model on the recordings that nothing was chosen by.

        Returns:
            Figures for the study's summary, and trajectories as JSON bytes for its artefact "evaluation".
        """
        from tinynas.tcn.training import predict

        architecture = dataclasses.replace(Architecture.from_dict(trial.architecture), norm="none")
        inputs = self.task.inputs(self.task.test)
        found = self.task.evaluation(infer(self.study.artefact(trial.artefacts["tflite"]), inputs))
        weights = _arrays(self.study.artefact(trial.artefacts["weights"]))
        figures = {
            "error_int8": found.velocity.joint,
            "error_float": self.task.error(predict(architecture, weights, inputs), self.task.test).joint,
            "rmse_x": found.velocity.x,
            "rmse_y": found.velocity.y,
            "recordings": [
                {
                    "name": r.name,
                    "rmse_x": r.velocity.x,
                    "rmse_y": r.velocity.y,
                    "joint": r.velocity.joint,
                    "ate_m": r.ate_m,
                    "rte_m": r.rte_m,
                    "length_m": r.length_m,
                }
                for r in found.recordings
            ],
        }
        paths = [
            {
                "name": r.name,
                "time_s": np.round(r.path.time_s, 3).tolist(),
                "true": np.round(r.path.true, 3).tolist(),
                "predicted": np.round(r.path.predicted, 3).tolist(),
            }
            for r in found.recordings
        ]
        return figures, json.dumps({"recordings": paths}).encode()


def _measurement(trial: Trial) -> Measurement:
    if trial.measurement is None:
        raise StudyError(f"trial {trial.id} has no costs in state {trial.state}")
    return Measurement.from_dict(trial.measurement)


def _npz(weights: Weights) -> bytes:
    file = io.BytesIO()
    # Slashes in member names would be folders inside the archive.
    np.savez_compressed(file, **{name.replace("/", "."): value for name, value in weights.items()})  # type: ignore[arg-type]
    return file.getvalue()


def _arrays(content: bytes) -> Weights:
    with np.load(io.BytesIO(content)) as file:
        return {name.replace(".", "/"): file[name] for name in file.files}
