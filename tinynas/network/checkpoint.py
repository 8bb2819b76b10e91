"""A training that was stopped half-way, as bytes: it goes on as if it had never stopped."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinynas.errors import StudyError
from tinynas.network.trainable import Trainable

__all__ = ["Checkpoint"]

Array = npt.NDArray[np.float32]

_FORMAT = 1
_META = "meta"


@dataclass(frozen=True)
class Checkpoint:
    """What a training has to know to go on.

    Attributes:
        state: Variables and moments by name (`Trainable.state`).
        best: Weights of the best epoch so far, by name.
        facts: The rest, as JSON values: the network, epochs so far, errors, state of the random generator.
        network: The network itself, where it is still in memory, so that its graphs need not be built again. It is none
            of what is stored.
    """

    state: Mapping[str, Array]
    best: Mapping[str, Array]
    facts: Mapping[str, Any]
    network: Trainable | None = None

    def to_bytes(self) -> bytes:
        """The checkpoint as the bytes of an .npz file."""
        arrays = {**{f"state/{k}": v for k, v in self.state.items()}, **{f"best/{k}": v for k, v in self.best.items()}}
        names = list(arrays)
        # Members are numbered: names of layers have slashes, which would be folders inside the archive.
        meta = json.dumps({"format": _FORMAT, "names": names, "facts": dict(self.facts)}).encode()
        file = io.BytesIO()
        members = {f"a{number}": arrays[name] for number, name in enumerate(names)}
        np.savez(file, **{_META: np.frombuffer(meta, np.uint8), **members})  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Checkpoint:
        """The inverse of `to_bytes`.

        Raises:
            StudyError: The bytes are not a checkpoint of this version.
        """
        try:
            with np.load(io.BytesIO(content)) as file:
                meta = json.loads(file[_META].tobytes())
                arrays = {name: file[f"a{number}"] for number, name in enumerate(meta["names"])}
            if meta["format"] != _FORMAT:
                raise ValueError(f"format {meta['format']}")
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            advice = "begin a new study, or go on with the tinynas that wrote it"
            raise StudyError(f"the training's checkpoint cannot be read: {error}", advice=advice) from error
        parts: dict[str, dict[str, Array]] = {"state": {}, "best": {}}
        for name, array in arrays.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = array
        return cls(parts["state"], parts["best"], meta["facts"])
