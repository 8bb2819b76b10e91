"""The text of a compiled model: what a reader finds in it, and what a linker."""

import re
import shutil
import subprocess
import threading
from ctypes import c_int32

import numpy as np
import pytest

from tests._tools import require
from tests.deploy._building import RELU, Model
from tests.deploy._models import BUILDERS
from tests.deploy.compiler._library import library, needs_compiler, pointer
from tinynas.deploy import compile_model, read_graph

NAMES = ["tcn_last_step", "keyword_spotting", "branches", "mean_image", "softmax", "concat_channels"]


def text(name, **options):
    compiled = compile_model(BUILDERS[name](np.random.default_rng(0)), name="net", **options)
    return compiled, compiled.files["net.h"], compiled.files["net.c"]


@pytest.mark.parametrize("name", NAMES)
def test_the_header_states_what_the_compiler_does(name):
    compiled, header, _ = text(name)
    stated = {key: int(value) for key, value in re.findall(r"#define NET_(\w+) (\d+)", header)}
    assert stated["INPUT_BYTES"] == compiled.input_bytes
    assert stated["OUTPUT_BYTES"] == compiled.output_bytes
    assert stated["ARENA_BYTES"] == max(compiled.arena_bytes, 4)
    assert stated["MACS"] == compiled.macs
    assert compiled.arena_lower_bound <= compiled.arena_bytes


@pytest.mark.parametrize("name", NAMES)
def test_each_operator_has_a_comment_with_shapes_and_macs(name):
    _, header, source = text(name)
    count = int(re.search(r"#define NET_OPERATORS (\d+)", header).group(1))
    constants = source.split("static void step(", 1)[0]
    titles = re.findall(r"^/\* (\d+) ([A-Z0-9_]+): (.*) \*/$", constants, flags=re.MULTILINE)
    assert len(titles) == count
    kinds = [op.kind for op in read_graph(BUILDERS[name](np.random.default_rng(0))).ops]
    for number, kind, said in titles:
        assert kinds[int(number)] == kind
        assert re.fullmatch(r"\d+ x \d+( and \d+ x \d+)* -> \d+ x \d+, .*rows(, \d+ MACs)?", said)
    macs = [int(n) for _, _, said in titles for n in re.findall(r"(\d+) MACs", said)]
    assert sum(macs) == int(re.search(r"#define NET_MACS (\d+)", header).group(1))


def test_the_switch_between_flash_and_speed():
    sizes = {}
    for optimise in ("speed", "size"):
        compiled, _, source = text("tcn_last_step", optimise=optimise)
        assert ("#define TN_SPECIALISE" in source) == (optimise == "speed")
        sizes[optimise] = compiled.arena_bytes, compiled.weights_bytes, compiled.macs
    assert sizes["speed"] == sizes["size"]


def test_the_text_depends_on_the_model_alone():
    assert text("branches")[0].files == text("branches")[0].files
    other = compile_model(BUILDERS["branches"](np.random.default_rng(1)), name="net")
    assert other.files["net.h"] != text("branches")[1]


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("optimise", ["speed", "size"])
def test_nothing_but_the_arena_is_written_to_and_nothing_called(optimise, tmp_path):
    require("nm")
    nm = shutil.which("nm")
    cc = shutil.which("gcc") or shutil.which("clang")
    for name in NAMES:
        compiled = compile_model(BUILDERS[name](np.random.default_rng(0)), optimise=optimise)
        [source] = compiled.write(tmp_path / name)
        done = tmp_path / f"{name}.o"
        # Without what a shared library would need: constants hold addresses.
        subprocess.run([cc, "-std=c11", "-Os", "-fno-pic", "-fno-pie", "-c", source, "-o", done], check=True)
        printed = subprocess.run([nm, done], capture_output=True, text=True, check=True).stdout
        listed = [line.split()[-2:] for line in printed.splitlines()]
        assert {symbol for kind, symbol in listed if kind == "U"} <= {"memcpy", "memset", "__stack_chk_fail"}
        assert [symbol.split(".")[0] for kind, symbol in listed if kind in "bBdDC"] == ["arena"]
        assert {symbol for kind, symbol in listed if kind == "T"} == {
            "model_invoke", "model_invoke_in", "model_prepare", "model_result",
        }  # fmt: skip


@needs_compiler
def test_two_threads_with_arenas_of_their_own(tmp_path):
    m = Model(np.random.default_rng(0))
    x = m.input(1, 24, 24, 8)
    for _ in range(3):
        x = m.conv(x, 16, (3, 3), activation=RELU)
    compiled = compile_model(m.pack(x), optimise="size")
    lib = library(compiled, tmp_path)
    rng = np.random.default_rng(1)
    inputs = rng.integers(-128, 128, (4, compiled.input_bytes)).astype(np.int8)
    wanted, outputs = np.zeros((2, 4, compiled.output_bytes), np.int8)
    for x, y in zip(inputs, wanted, strict=True):
        lib.model_invoke(pointer(x), pointer(y))

    def work(i):
        arena = (c_int32 * (compiled.arena_bytes // 4 + 1))()
        for _ in range(20):
            lib.model_invoke_in(arena, pointer(inputs[i]), pointer(outputs[i]))  # without the interpreter's lock

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(outputs, wanted)
    assert len({y.tobytes() for y in wanted}) == 4


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on the PATH")
@pytest.mark.parametrize("stride", [None, 4])
def test_cpp_may_include_the_header(stride, tmp_path):
    m = Model(np.random.default_rng(0))
    x = m.conv(m.input(1, 1, 12, 3), 4, (1, 3), same=False)
    compiled = compile_model(m.pack(m.strided_slice(x, (0, 0, 9, 0), (1, 1, 10, 4))), name="net", stream_stride=stride)
    compiled.write(tmp_path)
    (tmp_path / "main.cpp").write_text('#include "net.h"\nint main() { return NET_OUTPUT_BYTES == 4 ? 0 : 1; }\n')
    command = [
        "g++",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-I",
        tmp_path,
        tmp_path / "main.cpp",
        "-o",
        tmp_path / "x",
    ]
    subprocess.run(command, check=True)
    assert subprocess.run([tmp_path / "x"], check=False).returncode == 0
