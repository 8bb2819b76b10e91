"""The user's TensorFlow Lite Micro: what is found in a folder, and what a model becomes for it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.deploy._models import BUILDERS
from tests.hil._images import small_model
from tests.hil.engines._stand_in import CORTEX_M4, SOURCES
from tinynas.deploy import Model, arena_head_bytes, read_graph
from tinynas.errors import ConfigError, ConversionError, HostError, UnsupportedOp
from tinynas.hil.engines import TflmLibrary, tflm_model

ARCHIVE = "libtensorflow-microlite.a"


@pytest.fixture
def root(tmp_path):
    """A folder with headers and no library."""
    return Path(shutil.copytree(SOURCES, tmp_path / "tflite-micro"))


def archive(*more: bytes, machine=40) -> bytes:
    """The beginnings of an archive of objects for Arm, with some symbols."""
    header = b"!<arch>\n" + b"/               0           0     0     0       4         `\n____"
    return header + b"a.o/".ljust(60) + b"\x7fELF\1\1\1".ljust(18, b"\0") + bytes([machine, 0]) + b"".join(more)


FULL = archive(b"_Z11MicroPrintfPKcz arm_convolve_s8")


def put(root, place, content=FULL):
    path = root / place / ARCHIVE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def built(root, name):
    return put(root, f"gen/{name}/lib")


def test_a_folder_as_the_make_leaves_it(root):
    path = built(root, CORTEX_M4)
    library = TflmLibrary.find(root, "cortex-m4f")
    assert library.archive == path
    assert library.defines == ("TF_LITE_STATIC_MEMORY",)
    assert library.include == (root, root / "third_party" / "flatbuffers" / "include")
    assert re.fullmatch(rf"TensorFlow Lite Micro, kernels cmsis_nn, {ARCHIVE} [0-9a-f]{{12}}", library.version)


def test_headers_that_the_make_has_downloaded(root):
    built(root, CORTEX_M4)
    downloads = root / "tensorflow/lite/micro/tools/make/downloads"
    for name in ("flatbuffers/include", "gemmlowp", "ruy"):
        (downloads / name).mkdir(parents=True)
    shutil.rmtree(root / "third_party")
    include = TflmLibrary.find(root, "cortex-m4f").include
    assert include == (root, downloads / "flatbuffers/include", downloads / "gemmlowp", downloads / "ruy")


def test_operators_are_read_from_the_header(root):
    built(root, CORTEX_M4)
    assert TflmLibrary.find(root, "cortex-m4f").adders == {
        "ADD": "AddAdd",
        "CONV_2D": "AddConv2D",
        "EXPAND_DIMS": "AddExpandDims",
        "FULLY_CONNECTED": "AddFullyConnected",  # whose function has an argument with a default
        "RESHAPE": "AddReshape",
        "TANH": "AddTanh",
    }


def test_another_library_is_another_version(root):
    put(root, f"gen/{CORTEX_M4}/lib", archive(b"one"))
    one = TflmLibrary.find(root, "cortex-m4f").version
    put(root, f"gen/{CORTEX_M4}/lib", archive(b"two"))
    assert TflmLibrary.find(root, "cortex-m4f").version != one


@pytest.mark.parametrize(
    ("core", "there", "chosen"),
    [
        ("cortex-m4f", ["m4+fp", "m7+fp"], "m4+fp"),
        ("cortex-m7f", ["m4+fp", "m7+fp"], "m7+fp"),
        ("cortex-m7f", ["m4+fp"], "m4+fp"),  # an M7 executes all that an M4 does
        ("cortex-m4f", ["m4+fp", "m4"], "m4+fp"),  # the other one is for an M4 without floating-point unit
        ("cortex-m4f", ["m4+fp", "m4+sfp"], "m4+fp"),  # arguments in other registers
        ("cortex-m33f", ["m4+fp", "m0plus"], "m4+fp"),
        ("cortex-m0plus", ["m4+fp", "m0plus"], "m0plus"),
    ],
)
def test_which_of_several(root, core, there, chosen):
    names = {part: f"cortex_m_generic_cortex-{part}_default_gcc" for part in there}
    for name in names.values():
        built(root, name)
    library = TflmLibrary.find(root, core)
    assert library.archive.parent.parent.name == names[chosen]


def test_what_was_built_is_read_from_the_library(root):
    put(root, "lib", archive(b"_Z11MicroPrintfPKcz"))
    assert "kernels reference, lib" in TflmLibrary.find(root, "cortex-m4f").version
    put(root, "lib", archive(b"arm_convolve_s8"))
    library = TflmLibrary.find(root, "cortex-m4f")
    assert "kernels cmsis_nn, without messages" in library.version
    assert library.defines == ("TF_LITE_STATIC_MEMORY", "TF_LITE_STRIP_ERROR_STRINGS", "NDEBUG")


@pytest.mark.parametrize("place", ["lib", ".", "gen/my own/lib"])
def test_a_library_of_no_core_in_particular(root, place):
    path = put(root, place)
    assert TflmLibrary.find(root, "cortex-m4f").archive == path


@pytest.mark.parametrize(
    "there",
    [
        [],
        *([f"cortex_m_generic_cortex-{part}_default_gcc"] for part in ("m7+fp", "m4", "m4+sfp")),
        ["linux_x86_64_gcc"],
    ],
)
def test_no_library_for_the_core(root, there):
    for name in there:
        put(root, f"gen/{name}/lib", archive(machine=62 if "linux" in name else 40))
    with pytest.raises(ConfigError, match="cortex-m4f in gen/") as error:
        TflmLibrary.find(root, "cortex-m4f")
    assert (there or ["none"])[0] in error.value.message
    assert "TARGET_ARCH=cortex-m4+fp" in str(error.value.advice)


def test_two_libraries_for_the_core(root):
    built(root, CORTEX_M4)
    built(root, CORTEX_M4.replace("default", "release"))
    with pytest.raises(ConfigError, match=r"several .*_default_.*, .*_release_") as error:
        TflmLibrary.find(root, "cortex-m4f", "hil.tflm_root")
    assert error.value.where == f"hil.tflm_root {root}"


@pytest.mark.parametrize("content", [b"", b"!<arch>\n", b"\x7fELF"])
def test_what_is_no_archive_is_no_library(root, content):
    put(root, "lib", content)
    with pytest.raises(ConfigError, match=f"there: lib/{ARCHIVE}"):
        TflmLibrary.find(root, "cortex-m4f")


def test_a_library_that_cannot_be_read(root):
    (root / "lib" / ARCHIVE).mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        TflmLibrary.find(root, "cortex-m4f")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("micro_mutable_op_resolver.h", b"\xff class", "no operators in it"),
        ("debug_log.h", b"void DebugLog(const char* s);", "older than September 2023"),
    ],
)
def test_headers_of_another_time(root, name, content, what):
    built(root, CORTEX_M4)
    (root / "tensorflow/lite/micro" / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name}: {what}"):
        TflmLibrary.find(root, "cortex-m4f")


@pytest.mark.parametrize("root", [None, ""])
def test_no_folder_is_named(root):
    with pytest.raises(ConfigError, match="is named") as error:
        TflmLibrary.find(root, "cortex-m4f")
    assert error.value.where == "--tflm-root"
    assert "tflite-micro" in str(error.value.advice)
    assert "microlite" in str(error.value.advice)


@pytest.mark.parametrize("what", ["nothing", "another folder", "a file"])
def test_no_such_folder(tmp_path, what):
    path = tmp_path / "root"
    if what == "another folder":
        path.mkdir()
    elif what == "a file":
        path.touch()
    with pytest.raises(ConfigError, match="no folder of TensorFlow Lite Micro"):
        TflmLibrary.find(path, "cortex-m4f")


@pytest.fixture
def library(root):
    built(root, CORTEX_M4)
    return TflmLibrary.find(root, "cortex-m4f")


def test_a_model_for_the_interpreter(library):
    content = small_model()
    graph, model = read_graph(content), tflm_model(content, library)
    assert (model.input_bytes, model.output_bytes, model.arena_bytes) == (56, 64, None)
    assert (model.macs, model.arena_least_bytes) == (graph.macs, arena_head_bytes(graph))
    source = model.files["model.cc"]
    assert bytes(map(int, re.findall(r"\b(\d+),", source.split("model_data[] =")[1]))) == content
    assert source.count("AddConv2D()") == source.count("() == kTfLiteOk") == 1
    assert "MicroMutableOpResolver<1>" in source
    assert f"#define MODEL_OPERATORS {len(graph.ops)}\n" in model.files["model.h"]


def test_each_kind_of_operator_is_registered_once(library):
    source = tflm_model(BUILDERS["add_series"](np.random.default_rng(0)), library).files["model.cc"]
    assert source.count("AddAdd()") == 1


def test_the_same_model_gives_the_same_files(library):
    assert tflm_model(small_model(), library).files == tflm_model(small_model(), library).files


def test_an_operator_that_the_library_has_not(library):
    with pytest.raises(UnsupportedOp, match="no SOFTMAX") as error:
        tflm_model(Model(BUILDERS["softmax"](np.random.default_rng(0)), "my.tflite"), library)
    assert error.value.where == "my.tflite"


def test_a_model_that_keeps_a_state_is_refused(library):
    lstm = (Path(__file__).parents[2] / "deploy" / "interpreters" / "models" / "lstm.tflite").read_bytes()
    with pytest.raises(UnsupportedOp, match=r"operator 0 \(UNIDIRECTIONAL_SEQUENCE_LSTM\): the model keeps a state"):
        tflm_model(lstm, library)


def test_float_ends_are_refused(library):
    with pytest.raises(ConversionError, match="an int8 input is expected, not float32"):
        tflm_model(BUILDERS["float_edges"](np.random.default_rng(0)), library)


def test_no_model_at_all(library):
    with pytest.raises(ConversionError) as error:
        tflm_model(Model(b"TFL3", "my.tflite"), library)
    assert "my.tflite" in str(error.value)


def test_a_folder_that_cannot_be_written_to(library, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot write"):
        tflm_model(small_model(), library).write(tmp_path / "file")
