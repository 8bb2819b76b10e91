"""What a listener is, and what it is told of a search and of a trial."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tinynas.study import Study, Trial, TrialState

__all__ = ["Listener", "Watched", "collect_figures", "describe_params"]

_METRICS = ("error_float", "error_int8", "ate_m", "rte_m", "train_seconds")
_COSTS = ("sram_bytes", "flash_bytes", "macs", "latency_us", "energy_uj")


class Listener(Protocol):
    """Writes down a search somewhere else. Called in one thread; what it raises is not the search's affair."""

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """An epoch of a trial's training ended with this validation RMSE."""

    def state(self, trial: Trial, /) -> None:
        """A trial was proposed or entered another state."""

    def close(self, summary: Mapping[str, Any] | None, /) -> None:
        """The search ended with this summary; None: it was interrupted, or failed."""


@dataclass(frozen=True)
class Watched:
    """The search that is listened to.

    Attributes:
        name: The study's folder, without those above it; of a search for several boards with the one above, because its
            studies are named after the boards.
        folder: The study's folder.
        key: The same for the same study, wherever its folder lies.
        title: Board and dataset.
        config: The configuration, as it is stored.
        best: The lowest objective of the trials that were finished before; None: there is none.
    """

    name: str
    folder: Path
    key: str
    title: str
    config: Mapping[str, Any]
    best: float | None

    @classmethod
    def of(cls, study: Study) -> Watched:
        """What there is to know of a study before its search begins, or goes on."""
        config, best, folder = study.config, study.best(), study.folder.absolute()
        identity = json.dumps([study.provenance, study.board, config], sort_keys=True)
        return cls(
            name=f"{folder.parent.name}/{folder.name}" if "boards" in study.provenance else folder.name,
            folder=study.folder,
            key=hashlib.sha256(identity.encode()).hexdigest()[:16],
            title=f"{study.board.get('name', '?')} on {config.get('dataset', {}).get('source', '?')}",
            config=config,
            best=None if best is None else best.objective,
        )


def collect_figures(trial: Trial) -> dict[str, float]:
    """The figures of a trial that are numbers: errors, costs, and the objective of one that is done.

    Example:
        >>> from types import SimpleNamespace
        >>> known = {"error_int8": 0.2, "ate_m": float("nan"), "epochs": 5}
        >>> trial = SimpleNamespace(metrics=known, measurement=None, objective=10.0, state=TrialState.INFEASIBLE)
        >>> collect_figures(trial)
        {'error_int8': 0.2}
    """
    found = {name: (trial.metrics or {}).get(name) for name in _METRICS}
    found |= {name: (trial.measurement or {}).get(name) for name in _COSTS}
    # The penalty of what does not fit would hide the differences between all others in any chart.
    found["objective"] = trial.objective if trial.state is TrialState.DONE else None
    return {
        name: float(value) for name, value in found.items() if isinstance(value, int | float) and math.isfinite(value)
    }


def describe_params(trial: Trial) -> dict[str, bool | float | str]:
    """What the tuner chose: numbers and truth values as they are, the rest as JSON.

    Example:
        >>> from types import SimpleNamespace
        >>> describe_params(SimpleNamespace(params={"filters": 8, "dilations": [1, 2], "norm": "batch"}))
        {'filters': 8, 'dilations': '[1, 2]', 'norm': 'batch'}
    """
    return {
        name: value if isinstance(value, bool | int | float | str) else json.dumps(value)
        for name, value in (trial.params or {}).items()
    }
