"""The compiler's front door: .tflite in, C files out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tinynas.deploy.compiler.c.edges import describe_edges
from tinynas.deploy.compiler.c.streaming_form import state_layout, write_stream
from tinynas.deploy.compiler.c.window_form import Sources, write
from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.plan.layout import Layout, lay_out
from tinynas.deploy.compiler.plan.schedule import make_schedule
from tinynas.deploy.compiler.plan.streaming import make_stream
from tinynas.deploy.model import Model
from tinynas.errors import ConfigError, ConversionError
from tinynas.hostfaults import explain_host_fault
from tinynas.resources import resource

__all__ = ["CompiledModel", "check_name", "compile_model"]

#: Keywords of C, and headers that a file of the same name would hide.
_RESERVED = {
    *("auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern"),
    *("float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed"),
    *("sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void", "volatile", "while"),
    *("math", "stddef", "stdint", "stdio", "stdlib", "string"),
}


@dataclass(frozen=True)
class CompiledModel:
    """A model as C.

    Attributes:
        files: Text by file name: name.h, name.c and the kernels' headers.
        sources: Names of those to be compiled; the others are headers.
        arena_bytes: Static memory for activations; of the streaming form the memory that lives on.
        arena_lower_bound: The most that is needed at one time: no layout of these buffers is smaller.
        weights_bytes: Constants: weights, biases, multipliers, tables.
        macs: Multiply-accumulate operations that one inference computes; in the streaming form, from output to output.
        model_macs: Those that it would compute without elimination of dead time steps.
        input_bytes: Of the caller's buffer: a window, or in the streaming form a sample.
        output_bytes: Of the caller's buffer.
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
            HostError: The directory cannot be written to.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                (directory / name).write_text(text, encoding="utf-8")
        except OSError as e:
            raise explain_host_fault(e, "write the model's sources", where=str(directory), then="do it again") from e
        return [directory / name for name in self.sources]


def compile_model(
    model: Model | bytes,
    *,
    name: str = "model",
    optimise: Literal["speed", "size"] = "speed",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    stream_stride: int | None = None,
    where: str | None = None,
) -> CompiledModel:
    """Compile an int8 .tflite model to C.

    The result computes the same bytes as TensorFlow Lite Micro with its reference kernels. It needs C11 and no library,
    no heap and no global state beside its arena.

    Args:
        model: The model, or the file's bytes.
        name: Prefix of all public names and of the files.
        optimise: "speed" inlines kernels into their calls with the parameters as constants; "size" shares them.
        mean: Of each input channel, in the units that the network was trained on; see `CompiledModel` and name_prepare.
        std: Standard deviation of each.
        stream_stride: None for the window form, name_invoke. A number for the streaming form of a causal network,
            name_push: it takes one sample after another, keeps its buffers, and has an output every so many samples.
        where: What to call bytes in an error; a `Model` has a name of its own.

    Returns:
        The C files, and what they cost.

    Raises:
        UnsupportedOp: An operator, or what it is asked to do, is not compiled.
        ConversionError: The file is damaged, or is no model with one input and one output.
        ConfigError: `name` cannot begin names in C, or `stream_stride` is below 1.
    """
    if stream_stride is not None and stream_stride < 1:
        raise ConfigError(f"a stride of {stream_stride} samples", where="stream_stride", advice="at least 1")
    check_name(name)
    model = Model.of(model, where)
    with _naming(model.name):
        graph, program = model.graph, model.program
        affine = describe_edges(model.input, model.output, mean, std)
        stream = None if stream_stride is None else make_stream(program, stream_stride)
        text: Sources
        layout: Layout
        specialise, signature = optimise == "speed", f"SHA-256 {model.digest[:16]}"
        if stream is not None:
            layout, macs = state_layout(stream), stream.macs
            text = write_stream(stream, layout, graph, affine, name=name, specialise=specialise, signature=signature)
        else:
            live = keep_live(program)
            schedule = make_schedule(live)
            layout, macs = lay_out(schedule.buffers), live.macs
            text = write(schedule, layout, graph, affine, name=name, specialise=specialise, signature=signature)
    sizes = [program.values[v].rows for v in (0, program.output)]
    return CompiledModel(
        files={f"{name}.h": text.header, f"{name}.c": text.source, **_kernels()},
        sources=(f"{name}.c",),
        arena_bytes=layout.reserved,
        arena_lower_bound=layout.lower_bound,
        weights_bytes=text.weights_bytes,
        macs=macs,
        model_macs=program.macs,
        input_bytes=sizes[0].bytes * (1 if stream is not None else sizes[0].count),
        output_bytes=sizes[1].count * sizes[1].bytes,
    )


def check_name(name: str) -> None:
    """Refuse a name that cannot begin names and files in C.

    Raises:
        ConfigError: It is none in lower case, or C or the firmware has taken it. `where` is `name`.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or name in _RESERVED or name.startswith(("tn_", "tinynas_")):
        advice = "lower-case letters, digits and underscores, no digit first, and no name that C has taken"
        raise ConfigError(f"{name!r} is no prefix for names in C", where="name", advice=advice)


@contextmanager
def _naming(where: str | None) -> Iterator[None]:
    """Errors name the model."""
    try:
        yield
    except ConversionError as e:
        e.where = e.where or where
        raise


@cache
def _kernels() -> dict[str, str]:
    folder = resource("firmware", "kernels")
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".h")}
