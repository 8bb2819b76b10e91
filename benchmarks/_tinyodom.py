"""TinyOdom's search as its published code runs it: Mango over its space, dilated networks by `Model.fit`.

What it does: Mango with five random networks and one suggestion at a time; 3 to 8 dilations out of nine, dropout up to
0.4, no batch norm; a network that the board has no room for scores -5 and is not trained; others are trained to the
end by Adam at Keras' rate with batches of 256, by the mean squared error, and keep the weights of the epoch with the
least training loss; the score weighs the two errors, the use of the board and the latency. (Saha et al. 2022 and the
notebook for OxIOD beside it.)

What differs: windows are those of the comparison, in its frame and normalised; trainings have its epochs, not 900; the
board is the exact cost model of this project's compiler. TinyOdom's proxy for SRAM is told beside: it counts every
activation and parameter as a float, so that small boards admit nothing.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from time import process_time
from typing import Any

import numpy as np
from _evaluations import Ends, TimeIsUp

from tinynas.network import Architecture, fold
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.problem import Problem
from tinynas.search.store import pack_weights
from tinynas.study import Study, Trial, TrialState

__all__ = ["search_as_tinyodom"]

_DILATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_LAYERS = range(3, 9)
_INITIAL, _EVALUATIONS = 5, 50
_BATCH = 256
_REFUSED = -5.0


def search_as_tinyodom(study: Study, problem: Problem, seed: int, cpu_s: float) -> dict[str, Any]:
    """Search until its 50 evaluations or the time are used up.

    Args:
        study: New; where the trials are kept.
        problem: What is searched.
        seed: Of Mango, and of the trainings.
        cpu_s: CPU time.
    """
    run = _Run(study, problem, seed, cpu_s)
    with suppress(TimeIsUp):
        _maximise(run, seed)
    return {
        "cpu_s": round(process_time() - run.ends.since, 2),
        "suggested": run.suggested,
        "trained": run.trained,
        "admitted_by_its_proxy": run.admitted,
        "steps": run.ends.steps(study, problem, problem.task),
    }


def _maximise(run: _Run, seed: int) -> None:
    import random

    from mango import Tuner

    np.random.seed(seed)  # noqa: NPY002  # Mango draws from numpy's and Python's global generators
    random.seed(seed)
    # As text: Mango 1.6 refuses the lists of the original.
    dilations = [" ".join(map(str, some)) for n in _LAYERS for some in itertools.combinations(_DILATIONS, n)]
    space = {
        "nb_filters": range(2, 64),
        "kernel_size": range(2, 16),
        "dropout_rate": np.arange(0.0, 0.5, 0.1),
        "use_skip_connections": [True, False],
        "norm_flag": np.arange(0, 1),
        "dil_list": dilations,
    }
    configuration = {"batch_size": 1, "num_iteration": _EVALUATIONS, "initial_random": _INITIAL}
    Tuner(space, lambda points: [run.score(point) for point in points], configuration).maximize()


class _Run:
    def __init__(self, study: Study, problem: Problem, seed: int, cpu_s: float) -> None:
        self.study, self.seed, self.cpu_s = study, seed, cpu_s
        self.problem = problem
        self.ends = Ends()
        self.suggested = self.trained = self.admitted = 0
        self._pipeline = CandidatePipeline(
            study, problem.config, problem.limits, problem.task, lambda *_news: None, problem.engine
        )

    def score(self, point: dict[str, Any]) -> float:
        """TinyOdom's score of a suggestion; larger is better."""
        self._require_time()
        self.suggested += 1
        network = Architecture.from_dict({
            "filters": int(point["nb_filters"]), "kernel_size": int(point["kernel_size"]),
            "dilations": tuple(map(int, point["dil_list"].split())), "dropout": round(float(point["dropout_rate"]), 2),
            "skip_connections": bool(point["use_skip_connections"]), "norm": "none", "symmetry": "none",
            **self.problem.task.shape,
        })  # fmt: skip
        limits = self.problem.limits
        self.admitted += 4 * (_activations(network) + network.parameters) < limits.sram_bytes
        if not limits.admits(self.problem.cost(network)):
            return _REFUSED
        seed = int(np.random.SeedSequence([self.seed, self.suggested]).generate_state(1)[0])
        trial = self.study.propose(params=None, architecture=network.to_dict(), key=network.key, seed=seed)
        trial = self._pipeline.step(trial)
        trial, errors = self._train(trial, network)
        while not trial.at_rest:
            trial = self._pipeline.step(trial)
        self.ends.state(trial)
        cost = trial.measurement or {}
        usage = cost["sram_bytes"] / limits.sram_bytes + cost["flash_bytes"] / limits.flash_bytes
        return float(-errors.sum() + 0.01 * usage - 0.05 * 1e-6 * cost["latency_us"])

    def _train(self, trial: Trial, network: Any) -> tuple[Trial, Any]:
        """Train the dilated form; returns the trial and the RMSE of each output on the validation windows."""
        import keras

        from tinynas.network.reference import dilated_model, get_weights

        task, options = self.problem.task, self.problem.config.training
        run, began = self, process_time()

        class Watch(keras.callbacks.Callback):  # type: ignore[misc]
            """Keeps the weights of the least training loss, and the time."""

            def __init__(self) -> None:
                super().__init__()
                self.best, self.weights, self.epochs = np.inf, None, 0

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                del batch, logs
                run._require_time()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.epochs = epoch + 1
                if logs["loss"] < self.best:
                    self.best, self.weights = logs["loss"], self.model.get_weights()

        keras.utils.set_random_seed(trial.seed)
        model = dilated_model(network)
        model.compile(keras.optimizers.Adam(), loss="mse", jit_compile=False)
        watch = Watch()
        model.fit(
            task.inputs(task.train), task.train.targets, batch_size=_BATCH, epochs=options.epochs, verbose=0,
            callbacks=[watch],
        )  # fmt: skip
        model.set_weights(watch.weights)
        predicted = model.predict(task.inputs(task.valid), batch_size=_BATCH, verbose=0).reshape(-1, task.outputs)
        errors = np.sqrt(np.mean((predicted - task.valid.targets) ** 2, axis=0))
        weights = fold(network, get_weights(model))
        keras.backend.clear_session()
        self.trained += 1
        joint = float(np.sqrt(np.sum(errors**2)))
        metrics = {
            "error_float": joint, "epochs": watch.epochs, "best_epoch": watch.epochs - 1, "history": [joint],
            "train_seconds": process_time() - began,
        }  # fmt: skip
        found = self.study.advance(
            trial.id, TrialState.TRAINED, metrics=metrics, artefacts={"weights": pack_weights(weights)}
        )
        return found, errors

    def _require_time(self) -> None:
        if process_time() - self.ends.since > self.cpu_s:
            raise TimeIsUp


def _activations(network: Any) -> int:
    """Values of all layers over all time steps, as Keras lists them."""
    shapes = network.graph.shapes
    return sum(shape.length * shape.channels for shape in shapes)
