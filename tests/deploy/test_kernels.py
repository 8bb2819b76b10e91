"""The C kernels against TensorFlow Lite's definitions, byte for byte: portable, sanitised, on all cores."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests._tools import needs, require
from tinynas.resources import resource

from .kernel_cases import KINDS, cases, stream

DRIVER = Path(__file__).with_name("kernel_driver.c")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
WARNINGS = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
CLANG = ["clang"] if shutil.which("clang") else [sys.executable, "-m", "ziglang", "cc"]
BUILDS = {
    "gcc": ["gcc", "-O2"],
    "clang": [*CLANG, "-O2"],
    "specialised": ["gcc", "-O2", "-DTN_SPECIALISE"],
    "sanitised": ["gcc", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}
CORES = [
    *((cpu, ()) for cpu in ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33")),
    *((cpu, ("TN_SPECIALISE",)) for cpu in ("cortex-m0plus", "cortex-m4")),
]


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
    require(compiler)
    target = tmp_path_factory.mktemp("driver") / "driver"
    command = [compiler, *flags, *WARNINGS, "-DON_HOST", f"-I{headers}", str(DRIVER), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def wrong(drawn, output):
    """Which cases got other bytes, in words."""
    at, found = 0, []
    for name, case in drawn:
        got = output[at : at + len(case.expected)]
        at += len(case.expected)
        if got != case.expected:
            found.append(f"{name}: {got.hex()} instead of {case.expected.hex()}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_give_the_bytes_of_their_definition(program, kind):
    drawn = cases(kind, 150, seed=0)
    data, expected_bytes = stream(drawn), sum(len(case.expected) for case in drawn)
    header = struct.pack("<ii", len(data), expected_bytes)
    done = subprocess.run([str(program)], input=header + data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout) == expected_bytes
    assert wrong([(kind.__name__, case) for case in drawn], done.stdout) == []


@pytest.mark.slow
@pytest.mark.emulator
@needs("a cross compiler")
@needs("unicorn")
@pytest.mark.parametrize(("cpu", "defines"), CORES)
def test_kernels_on_a_core_give_the_same_bytes(headers, tmp_path, monkeypatch, cpu, defines):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import _cortex

    drawn = [(kind.__name__, case) for kind in KINDS for case in cases(kind, 150, seed=1)]
    data, expected_bytes = stream([case for _, case in drawn]), sum(len(case.expected) for _, case in drawn)
    tmp_path.joinpath("model.h").write_text(
        f"#include <stdint.h>\n#define MODEL_INPUT_BYTES {len(data)}\n#define MODEL_OUTPUT_BYTES {expected_bytes}\n"
        "void model_invoke(const int8_t *in, int8_t *out);\n"
    )
    report = _cortex.run([DRIVER], [headers, tmp_path], [data], expected_bytes, cpu=cpu, defines=defines)
    assert wrong(drawn, report.output) == []
