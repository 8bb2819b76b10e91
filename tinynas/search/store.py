"""What the stages of a trial write to, and the form of weights there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tinynas.study import Trial, TrialState

__all__ = ["Store", "Weights", "pack_weights", "unpack_weights"]

Weights = dict[str, npt.NDArray[np.float32]]


class Store(Protocol):
    """What a stage needs of a study: `Study` itself, or a `Notebook` where the study is out of reach."""

    folder: Path

    def artefact(self, sha256: str, /) -> bytes:
        """The content of a trial's file."""

    def advance(
        self,
        trial_id: int,
        state: TrialState,
        *,
        measurement: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        objective: float | None = None,
        feasible: bool | None = None,
        reason: str | None = None,
        artefacts: Mapping[str, bytes] | None = None,
    ) -> Trial:
        """Move a trial to its next state; see `Study.advance`."""


def pack_weights(weights: Weights) -> bytes:
    """Arrays by name as the bytes of an .npz file."""
    file = io.BytesIO()
    # Slashes in member names would be folders inside the archive.
    np.savez_compressed(file, **{name.replace("/", "."): value for name, value in weights.items()})  # type: ignore[arg-type]
    return file.getvalue()


def unpack_weights(content: bytes) -> Weights:
    """The inverse of `pack_weights`."""
    with np.load(io.BytesIO(content)) as file:
        return {name.replace(".", "/"): file[name] for name in file.files}
