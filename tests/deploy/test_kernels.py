"""The C kernels against TensorFlow Lite's definitions, byte for byte: portable, sanitised, on Cortex-M4 and M7."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tinynas.errors import ToolchainMissing
from tinynas.resources import resource

from .kernel_cases import KINDS, cases

DRIVER = Path(__file__).with_name("kernel_driver.c")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WARNINGS = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wno-unused-function", "-Werror"]
BUILDS = {
    "gcc": ["gcc", "-O2"],
    "clang": ["clang", "-O2"],
    "specialised": ["gcc", "-O2", "-DTN_SPECIALISE"],
    "sanitised": ["gcc", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}
CORES = [("cortex-m4", ()), ("cortex-m4", ("TN_SPECIALISE",)), ("cortex-m7", ())]


@pytest.fixture(scope="module")
def headers(tmp_path_factory):
    """Folder with the kernels, as the compiler ships them."""
    folder = tmp_path_factory.mktemp("kernels")
    for header in resource("firmware", "kernels").iterdir():
        folder.joinpath(header.name).write_bytes(header.read_bytes())
    return folder


@pytest.fixture(scope="module", params=BUILDS)
def program(request, headers, tmp_path_factory):
    """The driver, built without a warning; skips where there is no such compiler."""
    compiler, *flags = BUILDS[request.param]
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} on the PATH")
    target = tmp_path_factory.mktemp("driver") / "driver"
    command = [compiler, *flags, *WARNINGS, "-DON_HOST", f"-I{headers}", str(DRIVER), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def wrong(kind, drawn, outputs):
    """First case whose bytes differ, in words, or None."""
    for index, (case, got) in enumerate(zip(drawn, outputs, strict=True)):
        if got[: len(case.expected)] != case.expected:
            return f"{kind.__name__} {index}: {got[: len(case.expected)].hex()} instead of {case.expected.hex()}"
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_give_the_bytes_of_their_definition(program, kind):
    drawn = cases(kind, 80, seed=0)
    stream = b"".join(struct.pack("<ii", len(c.data), len(c.expected)) + c.data for c in drawn)
    done = subprocess.run([str(program)], input=stream, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    outputs, at = [], 0
    for case in drawn:
        outputs.append(done.stdout[at : at + len(case.expected)])
        at += len(case.expected)
    assert wrong(kind, drawn, outputs) is None


@pytest.mark.emulator
@pytest.mark.parametrize(("cpu", "defines"), CORES)
def test_dsp_kernels_give_the_same_bytes(headers, tmp_path, monkeypatch, cpu, defines):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import _cortex

    drawn = [(kind, case) for kind in KINDS for case in cases(kind, 40, seed=1)]
    input_bytes, output_bytes = (max(map(len, column)) for column in zip(*((c.data, c.expected) for _, c in drawn)))
    tmp_path.joinpath("model.h").write_text(
        f"#include <stdint.h>\n#define MODEL_INPUT_BYTES {input_bytes}\n#define MODEL_OUTPUT_BYTES {output_bytes}\n"
        "void model_invoke(const int8_t *in, int8_t *out);\n"
    )
    inputs = [case.data.ljust(input_bytes, b"\0") for _, case in drawn]
    try:
        report = _cortex.run([DRIVER], [headers, tmp_path], inputs, output_bytes, cpu=cpu, defines=defines)
    except ToolchainMissing as e:
        pytest.skip(str(e))
    for (kind, case), out in zip(drawn, report.outputs, strict=True):
        assert wrong(kind, [case], [out]) is None
