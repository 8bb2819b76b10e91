"""Many compiled models in one program: one build and one run check them all, on the host and on a virtual Cortex-M."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests._tools import require
from tinynas.deploy import TflmInterpreter, dequantize, quantize, read_graph
from tinynas.deploy.compiler import CompiledModel, compile_model
from tinynas.deploy.compiler.passes.lower import lower

__all__ = ["SANITISED", "Bundle", "bundle", "expected", "int8_inputs"]

Bytes = npt.NDArray[np.int8]

SANITISED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror")

# Every inference in blocks of exactly the sizes that the headers state: what is read or written beside them is caught.
# The arena starts out full of what the model must not rely on.
_RUN = """
static int run_{name}(void) {{
    int8_t *in = malloc({upper}_INPUT_BYTES), *out = malloc({upper}_OUTPUT_BYTES);
    void *arena = malloc({upper}_ARENA_BYTES);
    int bad = !in || !out || !arena || fread(in, 1, {upper}_INPUT_BYTES, stdin) != {upper}_INPUT_BYTES;
    if (!bad) {{
        memset(arena, 0x5A, {upper}_ARENA_BYTES);
        memset(out, 0x5A, {upper}_OUTPUT_BYTES);
        {name}_invoke_in(arena, in, out);
        bad = fwrite(out, 1, {upper}_OUTPUT_BYTES, stdout) != {upper}_OUTPUT_BYTES;
    }}
    free(arena);
    free(out);
    free(in);
    return bad;
}}
"""
_MAIN = """
int main(int argc, char **argv) {{
    for (long i = argc > 1 ? strtol(argv[1], NULL, 10) : 1; i > 0; i--) {{
        if ({calls}) {{
            return 1;
        }}
    }}
    return 0;
}}
"""


@dataclass(frozen=True)
class Bundle:
    """Models m0, m1, ... and a model.h and model.c that run all of them on inputs one after the other.

    Attributes:
        directory: Where the files are.
        compiled: The models.
    """

    directory: Path
    compiled: tuple[CompiledModel, ...]

    @property
    def sources(self) -> list[Path]:
        """C files to build a `model_invoke` from."""
        return [self.directory / "model.c", *self._models()]

    @property
    def output_bytes(self) -> int:
        """Of all models together."""
        return sum(c.output_bytes for c in self.compiled)

    def build(self, compiler: str = "gcc", flags: Sequence[str] = SANITISED) -> Path:
        """An executable for this machine; skips the test where the compiler, or its sanitizers, are not there."""
        require(compiler)
        probe, target = self.directory / "probe.c", self.directory / f"run-{compiler}"
        probe.write_text("int main(void) { return 0; }\n")
        if subprocess.run([compiler, *flags, probe, "-o", target], capture_output=True, check=False).returncode:
            pytest.skip(f"{compiler} does not link {' '.join(flags)}")
        command = [compiler, *_STRICT, *flags, self.directory / "main.c", *self._models(), "-o", target]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return target

    def run(self, executable: Path, inputs: Sequence[Bytes]) -> list[Bytes]:
        """Outputs (n, bytes) of every model for its inputs (n, bytes)."""
        data = np.concatenate(inputs, axis=1)
        done = subprocess.run([executable, str(len(data))], input=data.tobytes(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return self.split(np.frombuffer(done.stdout, np.int8).reshape(len(data), -1))

    def split(self, outputs: Bytes) -> list[Bytes]:
        """Outputs of every model from those of all, one after the other."""
        ends = accumulate((c.output_bytes for c in self.compiled), initial=0)
        assert outputs.shape[1] == self.output_bytes
        return [outputs[:, start:end] for start, end in pairwise(ends)]

    def _models(self) -> list[Path]:
        return [self.directory / name for c in self.compiled for name in c.sources]


def bundle(models: Sequence[bytes], optimise: str, directory: Path) -> Bundle:
    """Compile models and write the files of a program that runs them all.

    Args:
        models: .tflite files.
        optimise: See `compile_model`.
        directory: Where to write; the files of `bundle` are all that is in it.
    """
    compiled = tuple(compile_model(model, name=f"m{i}", optimise=optimise) for i, model in enumerate(models))
    for one in compiled:
        one.write(directory)
    names = [f"m{i}" for i in range(len(compiled))]
    headers = "".join(f'#include "{name}.h"\n' for name in names)
    sizes = [sum(getattr(c, f"{side}_bytes") for c in compiled) for side in ("input", "output")]
    calls = "".join(
        f"    {n}_invoke(in, out);\n    in += {n.upper()}_INPUT_BYTES;\n    out += {n.upper()}_OUTPUT_BYTES;\n"
        for n in names
    )
    directory.joinpath("model.h").write_text(
        f"#include <stdint.h>\n#define MODEL_INPUT_BYTES {sizes[0]}\n#define MODEL_OUTPUT_BYTES {sizes[1]}\n"
        "void model_invoke(const int8_t *in, int8_t *out);\n"
    )
    directory.joinpath("model.c").write_text(
        f'#include "model.h"\n{headers}void model_invoke(const int8_t *in, int8_t *out) {{\n{calls}}}\n'
    )
    runs = "".join(_RUN.format(name=name, upper=name.upper()) for name in names)
    main = _MAIN.format(calls=" || ".join(f"run_{name}()" for name in names))
    directory.joinpath("main.c").write_text(
        f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{headers}{runs}{main}"
    )
    return Bundle(directory, compiled)


def int8_inputs(model: bytes, rng: np.random.Generator, n: int) -> Bytes:
    """Inputs (n, bytes) of a model; the first two of the extreme values."""
    graph = read_graph(model)
    x = rng.integers(-128, 128, (n, int(np.prod(graph.tensors[graph.inputs[0]].shape)))).astype(np.int8)
    x[0], x[1] = -128, 127
    return x


def expected(model: bytes, inputs: Bytes) -> Bytes:
    """TFLM's outputs (n, bytes); through the real numbers where the model's edges are floats."""
    graph = read_graph(model)
    _, source, target = lower(graph)
    x = inputs.reshape(len(inputs), *graph.tensors[graph.inputs[0]].shape[1:])
    if graph.tensors[graph.inputs[0]].dtype == "float32":
        x = dequantize(x, graph.tensors[source])
    y = TflmInterpreter(model).run(x)
    if graph.tensors[graph.outputs[0]].dtype == "float32":
        y = quantize(y, graph.tensors[target])
    return y.reshape(len(inputs), -1)
