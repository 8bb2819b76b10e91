"""`tinynas compile`, as a user runs it."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests._tools import needs
from tests.deploy.candidates import filled
from tests.deploy.test_path import MAIN, network
from tests.odometry.test_attitude_twin import walk
from tinynas.cli import main
from tinynas.config import Config, Deploy
from tinynas.cost import lower
from tinynas.deploy import compile_model, pack, read_graph
from tinynas.network import TCN
from tinynas.odometry import DatasetOptions
from tinynas.study import Study, TrialState

SCALING = {"mean": [0, 0, 9.8, 0, 0, 0], "std": [2.5, 2.5, 2.0, 0.6, 0.6, 0.5]}
NET = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)


@pytest.fixture(scope="module")
def content():
    return pack(filled(lower(NET)))


@pytest.fixture
def model(tmp_path, content):
    path = tmp_path / "walk.tflite"
    path.write_bytes(content)
    return path


@pytest.fixture
def searched(tmp_path):
    """The model of a finished search in a north or level frame, in its study's folder."""

    def make(frame="north", **dataset):
        folder = tmp_path / "study"
        config = Config(dataset=DatasetOptions(window=60, evaluation_stride=20, **dataset), deploy=Deploy(turns=2))
        with Study.create(folder, config=config.to_dict(), board={}, provenance={}) as study:
            trial = study.propose(params={}, architecture={}, key="one", seed=0)
            files = {TrialState.TRAINED: {"weights": b""}, TrialState.CONVERTED: {"tflite": network()}}
            for state in ("costed", "trained", "converted", "measured"):
                study.advance(trial.id, TrialState(state), artefacts=files.get(TrialState(state)))
            study.advance(trial.id, TrialState.DONE, objective=0.1, feasible=True)
            study.set_summary({"normalization": SCALING, "rate_hz": 100.0, "frame": frame})
        (folder / "best.tflite").write_bytes(network())
        return folder / "best.tflite"

    return make


def fails(capsys, *args):
    """Exit code and message of a command that ends with an error, and prints nothing else."""
    code = main([str(arg) for arg in ("compile", *args)])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "unexpected" not in captured.err
    return code, captured.err


def test_the_files_are_those_of_the_compiler(tmp_path, model, content, capsys):
    out = tmp_path / "new" / "c"
    assert main(["compile", str(model), "--out", str(out)]) == 0
    expected = compile_model(content).files
    assert {path.name: path.read_text() for path in out.iterdir()} == dict(expected)
    capsys.readouterr()


def test_name_and_optimise_reach_the_compiler(tmp_path, model, content, capsys):
    assert main(["compile", str(model), "--out", str(tmp_path / "c"), "--name", "walk", "--optimise", "size"]) == 0
    text = (tmp_path / "c" / "walk.c").read_text()
    assert text == compile_model(content, name="walk", optimise="size").files["walk.c"]
    assert text != compile_model(content, name="walk", optimise="speed").files["walk.c"]
    assert "walk.c" in capsys.readouterr().out


def test_piped_output_is_plain_and_complete(tmp_path, model, content, capsys):
    assert main(["compile", str(model), "--out", str(tmp_path / "c")]) == 0
    out = capsys.readouterr().out
    title, *lines = out.splitlines()
    assert title == f"{model} compiled to {tmp_path / 'c'}"
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in lines)
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in lines)
    compiled = compile_model(content)
    assert facts["to compile"] == "model.c"
    assert facts["to include"] == "model.h"
    assert facts["input, output"] == "60 and 2 bytes"
    assert facts["arena"] == (
        f"{compiled.arena_bytes:,} bytes, of which {compiled.arena_lower_bound:,} are needed at one time"
    )
    assert facts["constants"] == f"{compiled.weights_bytes:,} bytes"
    assert facts["MACs"].startswith(f"{compiled.macs:,} of the model's {compiled.model_macs:,} (")


def test_a_model_without_products_has_no_share(tmp_path, content, capsys):
    graph = read_graph(content)
    reshape = next(op for op in graph.ops if op.kind == "RESHAPE")
    bare = type(graph)(graph.tensors, (reshape,), (reshape.inputs[0],), (reshape.outputs[0],))
    (tmp_path / "bare.tflite").write_bytes(pack(bare))
    assert main(["compile", str(tmp_path / "bare.tflite"), "--out", str(tmp_path / "c")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["MACs", "0"]


def test_json_has_the_promised_names(tmp_path, model, content, capsys):
    out = tmp_path / "c"
    assert main(["compile", str(model), "--out", str(out), "--name", "walk", "--json"]) == 0
    compiled = compile_model(content, name="walk")
    assert json.loads(capsys.readouterr().out) == {
        "sources": [str(out / "walk.c")],
        "header": str(out / "walk.h"),
        "arena_bytes": compiled.arena_bytes,
        "arena_lower_bound_bytes": compiled.arena_lower_bound,
        "weights_bytes": compiled.weights_bytes,
        "macs": compiled.macs,
        "model_macs": compiled.model_macs,
        "input_bytes": 60,
        "output_bytes": 2,
    }


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc on the PATH")
def test_the_sources_of_the_json_build(tmp_path, model, capsys):
    assert main(["compile", str(model), "--out", str(tmp_path / "c"), "--json"]) == 0
    sources = json.loads(capsys.readouterr().out)["sources"]
    build = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-c", *sources, "-o", tmp_path / "model.o"]
    assert subprocess.run(build, capture_output=True, text=True, check=False).stderr == ""


def test_compiling_again_replaces_what_was_compiled(tmp_path, model, capsys):
    for optimise in ("speed", "size"):
        assert main(["compile", str(model), "--out", str(tmp_path / "c"), "--optimise", optimise]) == 0
    expected = compile_model(model.read_bytes(), optimise="size").files["model.c"]
    assert (tmp_path / "c" / "model.c").read_text() == expected
    capsys.readouterr()


@pytest.mark.parametrize("name", ["main.c", "main.h"])
def test_a_file_of_the_users_own_is_not_replaced(name, tmp_path, model, capsys):
    own = tmp_path / name
    own.write_bytes(b"/* caf\xe9 */\n")
    code, message = fails(capsys, model, "--out", tmp_path, "--name", "main")
    assert code == 2
    assert str(own) in message
    assert own.read_bytes() == b"/* caf\xe9 */\n"
    assert not (tmp_path / "tinynas_kernels.h").exists()


@pytest.mark.parametrize(("kept", "said"), [(0, "this is not a .tflite model"), (300, "the .tflite model is damaged")])
def test_what_is_no_model(kept, said, tmp_path, model, content, capsys):
    model.write_bytes(content[:kept])
    code, message = fails(capsys, model, "--out", tmp_path / "c")
    assert code == 1
    assert message.startswith(f"error: {model}: {said}")
    assert not (tmp_path / "c").exists()


def test_a_refused_operator_is_named(tmp_path, model, content, capsys):
    graph = read_graph(content)
    at = next(i for i, op in enumerate(graph.ops) if op.kind == "RESHAPE")
    op = graph.ops[at]
    ops = [*graph.ops[:at], type(op)("SHAPE", op.inputs[:1], op.outputs), *graph.ops[at + 1 :]]
    model.write_bytes(pack(type(graph)(graph.tensors, tuple(ops), graph.inputs, graph.outputs)))
    code, message = fails(capsys, model, "--out", tmp_path / "c")
    assert code == 1
    assert re.match(rf"error: {re.escape(str(model))}: operator {at} \(SHAPE\), tensor \d+ \(", message)
    assert "docs/compiler.md" in message


def test_no_such_model(tmp_path, capsys):
    code, message = fails(capsys, tmp_path / "none.tflite", "--out", tmp_path / "c")
    assert code == 2
    assert f"{tmp_path / 'none.tflite'}: no such file" in message


def test_a_folder_as_model(tmp_path, capsys):
    code, message = fails(capsys, tmp_path, "--out", tmp_path / "c")
    assert code == 2
    assert "is a folder, not a file" in message


def test_a_file_as_folder(tmp_path, model, capsys):
    code, message = fails(capsys, model, "--out", model)
    assert code == 2
    assert f"--out {model}: is not a folder" in message
    assert read_graph(model.read_bytes())  # and still is a model


def test_a_folder_that_cannot_be_made(tmp_path, model, capsys):
    code, message = fails(capsys, model, "--out", model / "c")
    assert code == 1
    assert str(model / "c") in message


@pytest.mark.parametrize("name", ["2fast", "a-b", "", "Walk", "../walk"])
def test_a_name_that_is_none_in_c(name, tmp_path, model, capsys):
    code, message = fails(capsys, model, "--out", tmp_path / "c", "--name", name)
    assert code == 2
    assert message.startswith(f"error: --name {name}: ")
    assert not (tmp_path / "c").exists()


def test_the_streaming_form_is_shown_next_to_the_window_form(tmp_path, model, content, capsys):
    stream, window = compile_model(content, stream_stride=4), compile_model(content)
    out = tmp_path / "c"
    assert main(["compile", str(model), "--out", str(out), "--stream", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["arena_bytes"], found["macs"]) == (stream.arena_bytes, stream.macs)
    assert (found["window_form"]["arena_bytes"], found["window_form"]["macs"]) == (window.arena_bytes, window.macs)
    assert "model_push" in (out / "model.h").read_text()
    assert main(["compile", str(model), "--out", str(out), "--stream", "4"]) == 0
    text = capsys.readouterr().out
    assert f"{stream.macs:,} an output; the window form computes {window.macs:,}" in text


def test_a_stride_that_is_none(tmp_path, model, capsys):
    code, message = fails(capsys, model, "--out", tmp_path / "c", "--stream", "0")
    assert (code, message.startswith("error: --stream 0: ")) == (2, True)


@pytest.mark.parametrize("name", ["tn_matrix", "int", "stdint"])
def test_a_name_that_is_taken(name, tmp_path, model, capsys):
    code, message = fails(capsys, model, "--out", tmp_path / "c", "--name", name)
    assert code == 2
    assert repr(name) in message


def test_out_has_to_be_named(model, capsys):
    assert main(["compile", str(model)]) == 2
    assert "--out" in capsys.readouterr().err


def test_tensorflow_is_not_loaded(tmp_path, model):
    program = (
        "import sys; from tinynas.cli import main; code = main(sys.argv[1:]);"
        "sys.exit(code or int('tensorflow' in sys.modules))"
    )
    command = [sys.executable, "-c", program, "compile", model, "--out", tmp_path / "c"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


class TestPath:
    def test_the_program_is_fed_as_the_study_says(self, searched, tmp_path, capsys):
        assert main(["compile", str(searched()), "--out", str(tmp_path / "c"), "--path", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["path"] == {"frame": "north", "mounting": "free", "rate_hz": 100.0, "stride": 20, "turns": 2}
        assert found["header"] == str(tmp_path / "c" / "path_settings.h")
        assert found["input_bytes"] == 360
        text = (tmp_path / "c" / "path_settings.h").read_text()
        for line in (".window = 60,", ".stride = 20,", ".turns = 2,", ".north = 1,", ".learning = &learning,"):
            assert f"    {line}\n" in text
        assert ".mean = {0.0f, 0.0f, 9.8f, 0.0f, 0.0f, 0.0f}," in text

    @needs("gcc")
    def test_the_sources_walk(self, searched, tmp_path, capsys):
        model = searched("level")
        options = ["--path", "--name", "walker", "--turns", "4", "--stride", "30", "--optimise", "size"]
        assert main(["compile", str(model), "--out", str(tmp_path / "c"), *options]) == 0
        assert "a velocity every 0.3 s, the mean of 4 directions" in capsys.readouterr().out

        sources = [str(path) for path in (tmp_path / "c").rglob("*.c")]
        (tmp_path / "main.c").write_text(MAIN.replace("MODEL_INPUT_BYTES", "WALKER_INPUT_BYTES"))
        build = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path / 'c'}", *sources]
        subprocess.run([*build, str(tmp_path / "main.c"), "-o", str(tmp_path / "walk")], check=True)
        rows = np.concatenate(walk(7, 150, 100.0, wild=False), axis=1)
        done = subprocess.run([str(tmp_path / "walk")], input=rows.tobytes(), capture_output=True, check=True)
        found = np.frombuffer(done.stdout, np.float32).reshape(-1, 4)
        assert len(found) == 4
        assert np.isfinite(found).all()

    def test_only_a_study_knows_how_a_network_is_fed(self, model, tmp_path, capsys):
        code, message = fails(capsys, model, "--out", tmp_path / "c", "--path")
        assert code == 2
        assert "the model has no study beside it" in message

    def test_a_network_of_the_body_frame_makes_no_path(self, searched, tmp_path, capsys):
        model = searched("body")
        code, message = fails(capsys, model, "--out", tmp_path / "c", "--path")
        assert code == 2
        assert message.startswith(f"error: {model}: the network reads the body frame and predicts velocity")
        assert not (tmp_path / "c").exists()

    @pytest.mark.parametrize(
        ("options", "where"), [(["--turns", "2"], "--turns"), (["--path", "--stream", "10"], "--stream 10")]
    )
    def test_options_that_mean_nothing_together(self, options, where, model, tmp_path, capsys):
        code, message = fails(capsys, model, "--out", tmp_path / "c", *options)
        assert code == 2
        assert message.startswith(f"error: {where}: ")
