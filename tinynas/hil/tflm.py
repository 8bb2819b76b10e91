"""TensorFlow Lite Micro as an image's runtime: a library that upstream's own make has built, which the user names.

The firmware around it is the same as for compiled models. The operators that a model needs are registered, no others,
by the names that the library's own header gives their functions. The arena is all SRAM that is left, and what the
interpreter took of it is read from the board.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tinynas.deploy import Graph, arena_head_bytes, read_graph
from tinynas.errors import BuildError, ConfigError, ConversionError, UnsupportedOp
from tinynas.hil.runtime import Runtime

__all__ = ["TflmLibrary", "TflmModel", "tflm_model"]

_ARCHIVE = "libtensorflow-microlite.a"
_RESOLVER = Path("tensorflow", "lite", "micro", "micro_mutable_op_resolver.h")
_DOWNLOADS = Path("tensorflow", "lite", "micro", "tools", "make", "downloads")
#: Headers of other projects: folder of each, as the make downloads them and as generated source trees hold them.
_THIRD_PARTY = ("flatbuffers/include", "gemmlowp", "ruy")
_ADDS = re.compile(r"\bAdd(\w+)\s*\([^{}]*\)\s*\{\s*return\s+AddBuiltin\(\s*BuiltinOperator_(\w+)")
#: What changes the layout of the library's structures: its make has it for every target.
_DEFINES = ("TF_LITE_STATIC_MEMORY",)
_MAKE = (
    "make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic TARGET_ARCH=cortex-m4+fp"
    " OPTIMIZED_KERNEL_DIR=cmsis_nn microlite"
)
_HOW = f"clone github.com/tensorflow/tflite-micro, run `{_MAKE}` in it, and name that folder"
_DIGITS = 12
_PER_LINE = 16


@dataclass(frozen=True)
class TflmLibrary:
    """A folder of TensorFlow Lite Micro's sources with its library.

    Attributes:
        root: The folder.
        archive: The library within it.
        include: Folders of headers.
        adders: Function of MicroMutableOpResolver by kind of operator, such as AddConv2D for CONV_2D.
        version: Kernels and hash of the library.
    """

    root: Path
    archive: Path
    include: tuple[Path, ...]
    adders: Mapping[str, str] = field(repr=False)
    version: str

    @classmethod
    def find(cls, root: str | Path | None, core: str, option: str = "--tflm-root") -> TflmLibrary:
        """Look at a folder that the user names.

        Args:
            root: A checkout of tflite-micro in which `microlite` was made for the core.
            core: The board's.
            option: How the user names it, for errors.

        Raises:
            ConfigError: None is named, or it is no such folder, or it does not hold one library for this core.
        """
        if root is None:
            raise ConfigError("no library of TensorFlow Lite Micro is named", where=option, advice=_HOW)
        folder = Path(root)
        header = folder / _RESOLVER
        try:
            adders = {kind: f"Add{name}" for name, kind in _ADDS.findall(header.read_text(encoding="utf-8"))}
        except OSError as error:
            raise ConfigError(
                f"no folder of TensorFlow Lite Micro: {_RESOLVER.name}: {error.strerror}",
                where=f"{option} {folder}",
                advice=_HOW,
            ) from error
        archive = _archive(folder, core, option)
        parents = [folder / _DOWNLOADS, folder / "third_party"]
        third_party = [parent / name for name in _THIRD_PARTY for parent in parents if (parent / name).is_dir()]
        kernels = "cmsis_nn" if "cmsis_nn" in archive.parent.parent.name else "reference"
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:_DIGITS]
        version = f"TensorFlow Lite Micro, kernels {kernels}, {_ARCHIVE} {digest}"
        return cls(folder, archive, (folder, *third_party), adders, version)

    @property
    def runtime(self) -> Runtime:
        """For `build_image`."""
        return Runtime("engine_tflm.cc", self.include, _DEFINES, self.archive, self.version)


def _archive(root: Path, core: str, option: str) -> Path:
    """The one library that runs on the core."""
    found = sorted({*root.glob(f"gen/*/lib/{_ARCHIVE}"), *root.glob(f"lib/{_ARCHIVE}"), *root.glob(_ARCHIVE)})
    family = core.removesuffix("f")  # cortex-m4f: make names the part and its floating-point unit apart
    # A library whose folder names no core is the user's own choice; code for an M4 runs on an M7 as well.
    for pattern in (rf"{family}\+s?fp", r"cortex-m4\+s?fp", r"^(?!.*cortex-m)"):
        fitting = [path for path in found if re.search(pattern, path.relative_to(root).as_posix())]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(path.relative_to(root).as_posix() for path in fitting)
            raise ConfigError(
                f"several libraries for {core}: {names}", where=f"{option} {root}", advice="remove all but one"
            )
    there = ", ".join(path.relative_to(root).as_posix() for path in found) or "none"
    what = f"no {_ARCHIVE} for {core} in gen/*/lib; there: {there}"
    raise ConfigError(what, where=f"{option} {root}", advice=f"run `{_MAKE}` there")


@dataclass(frozen=True)
class TflmModel:
    """A model for the interpreter: the file as it is, and the operators it needs.

    Attributes:
        files: model.h and model.cc.
        arena_bytes: None: the board says.
        input_bytes: Of one input.
        output_bytes: Of one output.
        macs: Multiply-accumulate operations of one inference: the interpreter leaves none out.
        arena_least_bytes: Less is not enough: what TensorFlow Lite Micro's planner needs for the tensors alone.
    """

    files: Mapping[str, str] = field(repr=False)
    input_bytes: int
    output_bytes: int
    macs: int
    arena_least_bytes: int
    arena_bytes: int | None = None

    def write(self, directory: Path) -> list[Path]:
        """Write the files into a directory, which is made where it is not there; return those to be compiled.

        Raises:
            BuildError: The directory cannot be written to.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                (directory / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise BuildError(f"cannot be written to: {error.strerror}", where=str(directory)) from error
        return [directory / "model.cc"]


def tflm_model(model: bytes, library: TflmLibrary, *, where: str | None = None) -> TflmModel:
    """Prepare a model for the interpreter.

    Args:
        model: A .tflite model with one int8 input and one int8 output.
        library: Whose operators there are.
        where: What to call the model in an error.

    Raises:
        UnsupportedOp: The library has no function that registers one of the operators.
        ConversionError: The file is no such model.
    """
    try:
        graph = read_graph(model)
        ends = [_int8_end(graph, ends, what) for ends, what in ((graph.inputs, "input"), (graph.outputs, "output"))]
        adders = _adders(graph, library)
    except ConversionError as error:
        error.where = error.where or where
        raise
    input_bytes, output_bytes = (graph.tensors[end].size_bytes for end in ends)
    quantization = graph.tensors[ends[1]].quantization
    if quantization is None:
        raise ConversionError("the output is not quantised", where=where)
    scale, zero = quantization.scale[0], quantization.zero_point[0]
    header = f"""\
/* Generated by tinynas: a model for TensorFlow Lite Micro. */
#ifndef MODEL_H
#define MODEL_H

#include "tensorflow/lite/micro/micro_op_resolver.h"

#define MODEL_INPUT_BYTES {input_bytes}
#define MODEL_OUTPUT_BYTES {output_bytes}
#define MODEL_OUTPUT_SCALE {scale:.9e}f
#define MODEL_OUTPUT_ZERO {zero}
#define MODEL_OPERATORS {len(graph.ops)}

extern const unsigned char model_data[];
/* The operators that the model needs. To be called once. */
const tflite::MicroOpResolver *model_operators(void);

#endif
"""
    calls = "\n".join(f"    added = added && operators->{adder}() == kTfLiteOk;" for adder in adders)
    source = f"""\
/* Generated by tinynas: a model for TensorFlow Lite Micro. */
#include "model.h"

#include <new>

#include "{_RESOLVER.as_posix()}"

using Operators = tflite::MicroMutableOpResolver<{len(adders)}>;
alignas(Operators) static unsigned char storage[sizeof(Operators)];

const tflite::MicroOpResolver *model_operators(void) {{
    Operators *operators = ::new (storage) Operators;
    bool added = true;
{calls}
    return added ? operators : nullptr;
}}

alignas(16) extern const unsigned char model_data[] = {{
{_bytes(model)}
}};
"""
    return TflmModel(
        files={"model.h": header, "model.cc": source},
        input_bytes=input_bytes,
        output_bytes=output_bytes,
        macs=graph.macs,
        arena_least_bytes=arena_head_bytes(graph),
    )


def _int8_end(graph: Graph, ends: tuple[int, ...], what: str) -> int:
    if len(ends) != 1:
        raise ConversionError(f"a model with one {what} is expected, not {len(ends)}")
    if (dtype := graph.tensors[ends[0]].dtype) != "int8":
        raise ConversionError(f"an int8 {what} is expected, not {dtype}", advice="convert with int8 inputs and outputs")
    return ends[0]


def _adders(graph: Graph, library: TflmLibrary) -> list[str]:
    """Functions that register the model's operators, each once."""
    kinds = dict.fromkeys(op.kind for op in graph.ops)
    if missing := [kind for kind in kinds if kind not in library.adders]:
        raise UnsupportedOp(f"this TensorFlow Lite Micro has no {', '.join(missing)}")
    return [library.adders[kind] for kind in kinds]


def _bytes(data: bytes) -> str:
    return "\n".join(
        "    " + "".join(f"{byte}," for byte in data[at : at + _PER_LINE]) for at in range(0, len(data), _PER_LINE)
    )
