"""A study read once, with the questions that every kind of report asks of it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinynas.errors import StudyError
from tinynas.study import CrewNotes, LiveNotes, Study, Trial, read_crew, read_live

__all__ = ["StudyView", "curve_at", "mapping_at", "number_at", "pareto_front", "read_view", "time_is_estimated"]

# Paths of the user's machine: only a resume needs them, and a report is given away.
# The check of the data has tables of its own.
_PRIVATE = {"dataset_folder", "tflm_root", "data_check", "warm_start"}


def time_is_estimated(figures: Mapping[str, Any] | None) -> bool:
    """Whether a measurement's time is an estimate: a virtual board's, or the resource model's."""
    return (figures or {}).get("source") in ("virtual", "proxy")


@dataclass(frozen=True)
class StudyView:
    """A study at one moment.

    Attributes:
        folder: The folder of the study.
        config: Snapshot of the configuration.
        board: The board.
        provenance: Versions, seeds, git state.
        summary: What was found at the end of the search; empty before.
        trials: All trials in the order of proposal.
        best: The feasible, finished trial of lowest objective, or None.
        recordings: Trajectories of the best network on the test recordings: name, time_s, true, predicted, and compass
            where there is one.
        live: What a search at work tells of itself; nothing where none is.
        crew: Its workers and boards.
    """

    folder: str
    config: Mapping[str, Any]
    board: Mapping[str, Any]
    provenance: Mapping[str, Any]
    summary: Mapping[str, Any]
    trials: tuple[Trial, ...]
    best: Trial | None
    recordings: tuple[Mapping[str, Any], ...]
    live: LiveNotes = field(default_factory=LiveNotes)
    crew: CrewNotes = field(default_factory=CrewNotes)

    @property
    def title(self) -> str:
        """The board in the user's words."""
        return str(self.board.get("title") or self.board.get("name") or "unnamed board")

    @property
    def name(self) -> str:
        """The name of the study: of its folder, without the path, which is the reader's business no more."""
        return Path(self.folder).resolve().name

    @property
    def dataset(self) -> str:
        """Where the data came from, as the user named it."""
        return str(mapping_at(self.config, "dataset").get("source") or "unknown data")

    @property
    def precision(self) -> str:
        """Of the model that goes onto the board: `int8` or `float32`."""
        return "float32" if mapping_at(self.config, "conversion").get("precision") == "float32" else "int8"

    @property
    def target(self) -> str:
        """What the network regresses: `velocity`, `speed_heading`, or whatever the study says."""
        return str(mapping_at(self.config, "dataset").get("target") or "velocity")

    @property
    def origin(self) -> Mapping[str, Any]:
        """The provenance as it may be passed on: without paths of the user's machine."""
        return {key: value for key, value in self.provenance.items() if key not in _PRIVATE}

    @property
    def evaluated(self) -> bool:
        """Whether the summary is about the best network: a resumed search may have found a better one since."""
        return self.best is not None and self.summary.get("best_trial", self.best.id) == self.best.id

    @property
    def test(self) -> Mapping[str, Any]:
        """Metrics of the best network on the test recordings; empty when it has not been evaluated."""
        return mapping_at(self.summary, "test") if self.evaluated else {}

    @property
    def test_recordings(self) -> list[Mapping[str, Any]]:
        """Metrics of the best network, one mapping a test recording."""
        recordings = self.test.get("recordings")
        return [row for row in recordings if isinstance(row, Mapping)] if isinstance(recordings, Sequence) else []

    def limit(self, resource: str) -> float | None:
        """Return the bytes a network may use of the board's `sram` or `flash`, or None when unknown.

        The board's own limit, or the configuration's where that is lower.
        """
        whole = f"image_{resource}_bytes" if self.whole_image else f"{resource}_limit_bytes"
        limit = number_at(self.board, whole)
        own = number_at(self.board, f"{resource}_bytes") if limit is None else limit
        chosen = number_at(self.config, "objective", "limits", f"{resource}_bytes")
        return own if chosen is None else chosen if own is None else min(own, chosen)

    def share(self, trial: Trial, resource: str) -> float | None:
        """Return which share of the limit a network takes of the board's `sram` or `flash`, or None when unknown."""
        used, limit = number_at(trial.measurement, f"{resource}_bytes"), self.limit(resource)
        return used / limit if used is not None and limit else None

    @property
    def whole_image(self) -> bool:
        """Whether costs are those of the whole image, as `Config.whole_image` says."""
        return mapping_at(self.config, "cost").get("engine") == "aot" or self.config.get("mode") == "hil"

    def baseline(self, predictor: str, split: str) -> float | None:
        """Return the joint velocity RMSE (m/s) of a trivial predictor, `zero` or `mean`, on a split."""
        return number_at(self.summary, "baselines", predictor, split)

    def error(self, stage: str, split: str) -> float | None:
        """Return the joint velocity RMSE (m/s) of the best network on a split.

        Args:
            stage: `int8`, the model as it is deployed, whatever its precision; or `float`, before conversion.
            split: `validation` or `test`.
        """
        if self.best is None:
            return None
        return number_at(self.test if split == "test" else self.best.metrics, f"error_{stage}")

    @property
    def under_way(self) -> list[Trial]:
        """The trials at work, or at work when the search stopped; a paused one only while it trains on."""
        training = self.live.curves
        return [t for t in self.trials if not t.at_rest or (t.id in training and not t.state.is_finished)]

    @property
    def infeasible(self) -> int:
        """How many candidates do not fit the board."""
        return sum(trial.feasible is False for trial in self.trials)


def read_view(study: Study) -> StudyView:
    """Read a study once.

    A missing or damaged evaluation leaves `recordings` empty: the rest of a report is still worth having.

    Raises:
        StudyError: The database cannot be read.
    """
    best = study.best()
    return StudyView(
        folder=str(study.folder),
        config=study.config,
        board=study.board,
        provenance=study.provenance,
        summary=study.summary,
        trials=tuple(study.trials()),
        best=best,
        recordings=tuple(_recordings(study, best)) if best else (),
        live=read_live(study.folder),
        crew=read_crew(study.folder),
    )


def _recordings(study: Study, best: Trial) -> Iterable[Mapping[str, Any]]:
    stored: Any = None
    with contextlib.suppress(StudyError, ValueError, KeyError):
        stored = json.loads(study.artefact(best.artefacts["evaluation"]))
    recordings = stored.get("recordings") if isinstance(stored, dict) else None
    for row in recordings if isinstance(recordings, list) else []:
        if isinstance(row, dict) and row.get("true") and row.get("predicted"):
            yield row


def number_at(mapping: Mapping[str, Any] | None, *keys: str) -> float | None:
    """Return the finite number at a path of keys, or None when there is none.

    Example:
        >>> number_at({"zero": {"test": 0.5}}, "zero", "test")
        0.5
        >>> number_at({"zero": None}, "zero", "test") is None
        True
    """
    value: Any = mapping
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def curve_at(metrics: Mapping[str, Any] | None) -> list[float]:
    """The validation error after every epoch of a training; empty where it is not kept.

    Example:
        >>> curve_at({"history": [0.5, 0.25]}), curve_at({"history": "none"})
        ([0.5, 0.25], [])
    """
    found = (metrics or {}).get("history")
    if not isinstance(found, list) or not all(number_at({"": value}, "") is not None for value in found):
        return []
    return found


def mapping_at(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping under a key, empty when there is none."""
    value = mapping.get(key)
    return value if isinstance(value, Mapping) else {}


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the indices of the points that no other point beats in both coordinates, by rising first coordinate.

    Args:
        points: (cost, error) pairs, both to be low. Of equal points the first counts.

    Example:
        >>> pareto_front([(3, 1), (1, 3), (2, 4), (2, 2), (2, 2)])
        [1, 3, 0]
    """
    front: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (*points[i], i)):
        if not front or points[index][1] < points[front[-1]][1]:
            front.append(index)
    return front
