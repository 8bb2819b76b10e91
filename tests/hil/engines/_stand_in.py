"""A folder that looks like TensorFlow Lite Micro's with its library made; the library computes one model only.

It stands in for the interpreter: same names, same linkage, same traps (an input that is written over, two functions of
the logger in one file, constructors, headers that need a hosted library). What it computes is the compiled model.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests._tools import needs
from tinynas.deploy import compile_model, read_graph
from tinynas.hil.image import Toolchain

__all__ = ["ARENA_BYTES", "CORTEX_M4", "needs_cxx", "stand_in"]

SOURCES = Path(__file__).with_name("stand_in")
CORTEX_M4 = "cortex_m_generic_cortex-m4+fp_default_cmsis_nn_gcc"
ARENA_BYTES = 20_000
#: Of the schema, as the stand-in's header has them.
_CODES = dict(
    re.findall(r"BuiltinOperator_(\w+) = (\d+)", (SOURCES / "tensorflow/lite/schema/schema_generated.h").read_text())
)


needs_cxx = needs("arm-none-eabi-g++")


def stand_in(
    root: Path,
    model: bytes,
    *,
    name: str = CORTEX_M4,
    arena_bytes: int = ARENA_BYTES,
    operators: Sequence[str] = (),
    fault: str | None = None,
    release: bool = False,
    core: str = "cortex-m4f",
    toolchain: Toolchain | None = None,
) -> Path:
    """Make the folder.

    Args:
        root: Where; made where it is not there.
        model: What the library computes.
        name: Folder of the library in `gen/`.
        arena_bytes: What the interpreter wants.
        operators: Further kinds that it asks for.
        fault: STAND_IN_FAILS, STAND_IN_HALTS or STAND_IN_ABORTS; None: nothing goes wrong.
        release: As BUILD_TYPE=release has it: without messages.
        core: What it is compiled for.
        toolchain: By what.
    """
    gcc = toolchain or Toolchain.detect("gcc")
    shutil.copytree(SOURCES, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.cc"))
    kinds = dict.fromkeys([*(op.kind for op in read_graph(model).ops), *operators])
    compiled = compile_model(model, name="stand_in")
    build = root / "gen" / name / "obj"
    sources = [*compiled.write(build), *sorted(SOURCES.glob("*.cc"))]
    lines = {
        "ARENA": f"{arena_bytes}u",
        "OPERATORS": ", ".join(_CODES[kind] for kind in kinds),
        "EVENTS": str(len(read_graph(model).ops)),
    }
    text = "".join(f"#define WANTED_{key} {value}\n" for key, value in lines.items())
    (build / "config.h").write_text(text + (f"#define {fault}\n" if fault else ""))
    include = [root, root / "third_party" / "flatbuffers" / "include", build]
    defines = ["TF_LITE_STATIC_MEMORY", *(["TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG"] if release else [])]
    objects = []
    for source in sources:
        objects.append(build / f"{source.stem}.o")
        gcc.compile(source, objects[-1], core=core, include=include, defines=defines)
    archive = root / "gen" / name / "lib" / "libtensorflow-microlite.a"
    archive.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["arm-none-eabi-ar", "rcs", archive, *objects], check=True)
    return root
