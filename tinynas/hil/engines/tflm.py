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

from tinynas.deploy import Graph, Model, arena_head_bytes, check_stateless
from tinynas.errors import ConfigError, ConversionError, UnsupportedOp
from tinynas.hil.image import Runtime
from tinynas.hostfaults import explain_host_fault

__all__ = ["TflmLibrary", "TflmModel", "tflm_model"]

_ARCHIVE = "libtensorflow-microlite.a"
_RESOLVER = Path("tensorflow", "lite", "micro", "micro_mutable_op_resolver.h")
_LOGGER = Path("tensorflow", "lite", "micro", "debug_log.h")
_DOWNLOADS = Path("tensorflow", "lite", "micro", "tools", "make", "downloads")
#: Headers of other projects: folder of each, as the make downloads them and as generated source trees hold them.
_THIRD_PARTY = ("flatbuffers/include", "gemmlowp", "ruy")
_ADDS = re.compile(r"\bAdd(\w+)\s*\([^{}]*\)\s*\{\s*return\s+AddBuiltin\(\s*BuiltinOperator_(\w+)")
#: What changes the layout of the library's structures: its make has it for every target.
_DEFINES = ("TF_LITE_STATIC_MEMORY",)
#: Of BUILD_TYPE=release, in which MicroPrintf is no function that headers could call.
_RELEASE = ("TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG")
_MESSAGES, _CMSIS_NN = b"_Z11MicroPrintfPKcz", b"arm_convolve"  # symbols
_MAKE = (
    "make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic TARGET_ARCH=cortex-m4+fp"
    " OPTIMIZED_KERNEL_DIR=cmsis_nn microlite"
)
_HOW = f"clone github.com/tensorflow/tflite-micro, run `{_MAKE}` in it, and name that folder"
_ARM = 40  # EM_ARM
_DIGITS = 12
_PER_LINE = 16


@dataclass(frozen=True)
class TflmLibrary:
    """A folder of TensorFlow Lite Micro's sources with its library.

    Attributes:
        root: The folder.
        archive: The library within it.
        include: Folders of headers.
        defines: What it was compiled with and its headers depend on.
        adders: Function of MicroMutableOpResolver by kind of operator, such as AddConv2D for CONV_2D.
        version: Kernels and hash of the library.
    """

    root: Path
    archive: Path
    include: tuple[Path, ...]
    defines: tuple[str, ...]
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
        if root in (None, ""):
            raise ConfigError("no library of TensorFlow Lite Micro is named", where=option, advice=_HOW)
        folder = Path(root).expanduser()
        where = f"{option} {root}"
        adders = _adders_of(folder, where)
        archive, code = _archive(folder, core, where)
        parents = [folder / _DOWNLOADS, folder / "third_party"]
        third_party = [parent / name for name in _THIRD_PARTY for parent in parents if (parent / name).is_dir()]
        kernels = "cmsis_nn" if _CMSIS_NN in code else "reference"
        silent = _MESSAGES not in code
        digest = hashlib.sha256(code).hexdigest()[:_DIGITS]
        version = f"TensorFlow Lite Micro, kernels {kernels}{', without messages' * silent}, {_ARCHIVE} {digest}"
        return cls(folder, archive, (folder, *third_party), (*_DEFINES, *_RELEASE * silent), adders, version)

    @property
    def runtime(self) -> Runtime:
        """For `build_image`."""
        return Runtime("tflm", "engine_tflm.cc", self.include, self.defines, self.archive, self.version)


def _adders_of(folder: Path, where: str) -> Mapping[str, str]:
    """What the header of the resolver and that of the logger say of their version."""
    try:
        text, logger = ((folder / name).read_text("utf-8", errors="replace") for name in (_RESOLVER, _LOGGER))
    except OSError as error:
        raise ConfigError(
            f"no folder of TensorFlow Lite Micro: {error.strerror}: {error.filename or ''}", where=where, advice=_HOW
        ) from error
    adders = {kind: f"Add{name}" for name, kind in _ADDS.findall(text)}
    if not adders or "va_list" not in logger:
        what = "no operators in it" if not adders else "older than September 2023"
        name = _LOGGER.name if adders else _RESOLVER.name
        raise ConfigError(f"a TensorFlow Lite Micro that is not known: {name}: {what}", where=where, advice=_HOW)
    return adders


def _archive(root: Path, core: str, where: str) -> tuple[Path, bytes]:
    """The one library that runs on the core, and what is in it."""
    found = sorted({*root.glob(f"gen/*/lib/{_ARCHIVE}"), *root.glob(f"lib/{_ARCHIVE}"), *root.glob(_ARCHIVE)})
    family = core.removesuffix("f")  # cortex-m4f: make names the part and its floating-point unit apart
    # Code for an M4 runs on an M7 and an M33 as well.
    named_so = (rf"{family}\+fp", r"cortex-m4\+fp") if core.endswith("f") else (rf"{family}_",)
    # A library whose folder names no core is the user's own choice.
    for pattern in (*named_so, r"^(?!.*cortex-m)"):
        named = [path for path in found if re.search(pattern, path.relative_to(root).as_posix())]
        fitting = [(path, code) for path in named if _machine(code := _bytes_of(path, where)) == _ARM]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            names = ", ".join(path.relative_to(root).as_posix() for path, _ in fitting)
            raise ConfigError(f"several libraries for {core}: {names}", where=where, advice="remove all but one")
    there = ", ".join(path.relative_to(root).as_posix() for path in found) or "none"
    what = f"no {_ARCHIVE} for {core} in gen/*/lib; there: {there}"
    raise ConfigError(what, where=where, advice=f"run `{_MAKE}` there")


def _bytes_of(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}", where=where, advice=_HOW) from error


def _machine(archive: bytes) -> int | None:
    """What the first object of an archive is for, as ELF numbers machines; None: there is none."""
    start = archive.find(b"\x7fELF") if archive.startswith(b"!<arch>\n") else -1
    return int.from_bytes(archive[start + 18 : start + 20], "little") if start >= 0 else None


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
            HostError: The directory cannot be written to.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for name, text in self.files.items():
                (directory / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise explain_host_fault(
                error, "write the model's sources", where=str(directory), then="do it again"
            ) from error
        return [directory / "model.cc"]


def tflm_model(model: Model | bytes, library: TflmLibrary) -> TflmModel:
    """Prepare a model for the interpreter.

    Args:
        model: A .tflite model with one int8 input and one int8 output.
        library: Whose operators there are.

    Raises:
        UnsupportedOp: The library has no function that registers one of the operators, or the model keeps a state.
        ConversionError: The file is not such a model.
    """
    model = Model.of(model)
    graph = model.graph
    try:
        check_stateless(model)
        ends = [_int8_end(graph, ends, what) for ends, what in ((graph.inputs, "input"), (graph.outputs, "output"))]
        adders = _adders(graph, library)
    except ConversionError as error:
        error.where = error.where or model.name
        raise
    input_bytes, output_bytes = (graph.tensors[end].size_bytes for end in ends)
    quantization = graph.tensors[ends[1]].quantization
    if quantization is None:
        raise ConversionError("the output is not quantised", where=model.name)
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
{_bytes(model.content)}
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
        raise UnsupportedOp(
            f"this TensorFlow Lite Micro has no {', '.join(missing)}", advice=f"see {library.root / _RESOLVER}"
        )
    return [library.adders[kind] for kind in kinds]


def _bytes(data: bytes) -> str:
    return "\n".join(
        "    " + "".join(f"{byte}," for byte in data[at : at + _PER_LINE]) for at in range(0, len(data), _PER_LINE)
    )
