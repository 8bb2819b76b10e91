"""What executes a model within an image, and what an image has to know of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

__all__ = ["AOT", "ModelSources", "Runtime"]


class ModelSources(Protocol):
    """A model as sources of the name "model", such as a `CompiledModel`."""

    @property
    def files(self) -> Mapping[str, str]:
        """Text by file name."""

    @property
    def arena_bytes(self) -> int | None:
        """SRAM of its activations; None: known to the board only, at run time."""

    @property
    def input_bytes(self) -> int:
        """Of one input."""

    @property
    def output_bytes(self) -> int:
        """Of one output."""

    def write(self, directory: Path) -> list[Path]:
        """Write the files, and return those to be compiled."""


@dataclass(frozen=True)
class Runtime:
    """One way to execute models.

    Attributes:
        engine: What the firmware calls it.
        source: The file in `firmware/` between protocol and model; compiled with the candidate's header.
        include: Folders of headers beside the firmware's.
        defines: `NAME` or `NAME=VALUE`.
        library: An archive to be linked; None: nothing but the sources.
        version: Which library; None: none.
    """

    engine: Literal["aot", "tflm"]
    source: str
    include: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    library: Path | None = None
    version: str | None = None


#: Compiled ahead of time: the model is its own runtime.
AOT = Runtime("aot", "engine_aot.c")
