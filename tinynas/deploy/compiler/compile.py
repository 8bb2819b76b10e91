"""The compiler's front door: .tflite in, C files out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tinynas.deploy.compiler.affine import affine_of
from tinynas.deploy.compiler.layout import laid_out
from tinynas.deploy.compiler.liveness import walk
from tinynas.deploy.compiler.lower import lowered
from tinynas.deploy.compiler.schedule import scheduled
from tinynas.deploy.compiler.sources import written
from tinynas.deploy.flatbuffer import read_graph
from tinynas.errors import ConversionError
from tinynas.resources import resource

__all__ = ["CompiledModel", "compile_model"]

#: Keywords and macros of C that a prefix for names must not be.
_RESERVED = {"auto", "char", "const", "double", "float", "int", "long", "short", "signed", "static", "unsigned", "void"}


@dataclass(frozen=True)
class CompiledModel:
    """A model as C.

    Attributes:
        files: Text by file name: name.h, name.c and the kernels' headers.
        sources: Names of those to be compiled; the others are headers.
        arena_bytes: Static memory for activations.
        arena_lower_bound: The most that is needed at one time: no layout of these buffers is smaller.
        weights_bytes: Constants: weights, biases, multipliers, tables.
        macs: Multiply-accumulate operations that one inference computes.
        model_macs: Those that it would compute without elimination of dead time steps.
        input_bytes, output_bytes: Of the caller's buffers.
    """

    files: Mapping[str, str]
    sources: tuple[str, ...]
    arena_bytes: int
    arena_lower_bound: int
    weights_bytes: int
    macs: int
    model_macs: int
    input_bytes: int
    output_bytes: int

    def write(self, directory: Path) -> list[Path]:
        """Write the files into a directory, which is made where it is not there.

        Returns:
            Paths of the sources to be compiled.

        Raises:
            ConversionError: The directory cannot be written to.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                (directory / name).write_text(text, encoding="utf-8")
        except OSError as e:
            raise ConversionError(f"cannot be written to: {e.strerror}", where=str(directory)) from e
        return [directory / name for name in self.sources]


def compile_model(
    model: bytes,
    *,
    name: str = "model",
    optimise: Literal["speed", "size"] = "speed",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    where: str | None = None,
) -> CompiledModel:
    """Compile an int8 .tflite model to C.

    The result computes the same bytes as TensorFlow Lite Micro with its reference kernels. It needs C11 and no library,
    no heap and no global state beside its arena.

    Args:
        model: The file's bytes.
        name: Prefix of all public names and of the files.
        optimise: "speed" inlines kernels into their calls with the parameters as constants; "size" shares them.
        mean: Of each input channel, in the units that the network was trained on; see `CompiledModel` and name_prepare.
        std: Standard deviation of each.
        where: What to call the model in an error.

    Returns:
        The C files, and what they cost.

    Raises:
        UnsupportedOp: An operator, or what it is asked to do, is not compiled.
        ConversionError: The file is damaged, or is no model with one input and one output.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or name in _RESERVED or name.startswith(("tn_", "tinynas_")):
        raise ConversionError(f"{name!r} is no prefix for names in C", advice="lower-case letters, digits, underscores")
    graph = read_graph(model, where=where)
    try:
        program, source, target = lowered(graph)
    except ConversionError as e:
        e.where = e.where or where
        raise
    live = walk(program)
    schedule = scheduled(live)
    layout = laid_out(schedule.buffers)
    affine = affine_of(graph.tensors[source], graph.tensors[target], mean, std)
    signature = f"SHA-256 {hashlib.sha256(model).hexdigest()[:16]}"
    text = written(schedule, layout, graph, affine, name=name, specialise=optimise == "speed", signature=signature)
    sizes = [program.values[v].rows for v in (0, program.output)]
    return CompiledModel(
        files={f"{name}.h": text.header, f"{name}.c": text.source, **_kernels()},
        sources=(f"{name}.c",),
        arena_bytes=layout.bytes,
        arena_lower_bound=layout.lower_bound,
        weights_bytes=text.weights_bytes,
        macs=live.macs,
        model_macs=program.macs,
        input_bytes=sizes[0].count * sizes[0].bytes,
        output_bytes=sizes[1].count * sizes[1].bytes,
    )


@cache
def _kernels() -> dict[str, str]:
    folder = resource("firmware", "kernels")
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".h")}
