"""Event files for TensorBoard: curves of trainings, figures of trials, and the table of hyperparameters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynas.search.listeners.interface import Watched, collect_figures, describe_params
from tinynas.study import Trial, TrialState

__all__ = ["TensorBoard"]

_SEARCH = "search"


class TensorBoard:
    """A run a trial, and one of the search as a whole, in which a step is a trial.

    A search that is resumed goes on in the same runs.

    Args:
        place: Folder of the log; the study gets a folder of its own in it. None: `tensorboard` in the study's folder.
        watched: The search.
    """

    def __init__(self, place: str | None, watched: Watched) -> None:
        self._folder = watched.folder / "tensorboard" if place is None else Path(place) / watched.name
        self._best = watched.best
        self._writers: dict[str, Any] = {}
        self._writer(_SEARCH)

    def epoch(self, trial: int, epoch: int, rmse: float) -> None:
        """See `Listener`."""
        self._scalars(_run(trial), epoch, {"validation_rmse": rmse})

    def state(self, trial: Trial) -> None:
        """See `Listener`."""
        run = _run(trial.id)
        if run not in self._writers:
            self._begin(run, trial)
        if not trial.state.is_finished:
            return
        figures = collect_figures(trial)
        self._scalars(run, 0, figures)
        self._end(run, trial)
        if trial.feasible and trial.objective is not None and (self._best is None or trial.objective < self._best):
            self._best = trial.objective
        best = {} if self._best is None else {"best_objective": self._best}
        self._scalars(_SEARCH, trial.id, figures | best)
        self._writers[_SEARCH].flush()

    def close(self, _summary: Mapping[str, Any] | None) -> None:
        """See `Listener`."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, run: str) -> Any:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if run not in self._writers:
            self._writers[run] = EventFileWriter(str(self._folder / run))
        return self._writers[run]

    def _scalars(self, run: str, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._add(run, step, [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])

    def _add(self, run: str, step: int, values: list[Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        self._writer(run).add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _begin(self, run: str, trial: Trial) -> None:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

        begun = SessionStartInfo(group_name=run, start_time_secs=min(trial.times.values(), default=time.time()))
        for name, value in describe_params(trial).items():
            kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
            setattr(begun.hparams[name], f"{kind}_value", value)
        self._session(run, "session_start_info", HParamsPluginData(session_start_info=begun))

    def _end(self, run: str, trial: Trial) -> None:
        from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

        status = STATUS_FAILURE if trial.state is TrialState.FAILED else STATUS_SUCCESS
        ended = SessionEndInfo(status=status, end_time_secs=max(trial.times.values(), default=time.time()))
        self._session(run, "session_end_info", HParamsPluginData(session_end_info=ended))
        # A file for each trial would stay open for nothing.
        self._writers.pop(run).close()

    def _session(self, run: str, what: str, content: Any) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.compat.proto.types_pb2 import DT_FLOAT

        plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content.SerializeToString())
        # The table reads the metadata only; a value without a tensor would be dropped on the way.
        nothing = TensorProto(dtype=DT_FLOAT, float_val=[0.0], tensor_shape=TensorShapeProto())
        metadata = SummaryMetadata(plugin_data=plugin)
        self._add(run, 0, [Summary.Value(tag=f"_hparams_/{what}", metadata=metadata, tensor=nothing)])


def _run(trial: int) -> str:
    return f"trial-{trial:04d}"
