"""docs/compiler.md: every example builds and runs, and says what the compiler does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests._tools import needs, require
from tests.deploy._building import RELU, Model
from tinynas.deploy import TflmInterpreter, compile_model, dequantize, quantize, read_graph
from tinynas.deploy.compiler import SUPPORTED
from tinynas.deploy.tables import SOFTMAX_MAX_DEPTH
from tinynas.study import Study

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "compiler.md").read_text(encoding="utf-8")
INTRODUCTION = TEXT.split("\n## ", 1)[0]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)
TOOLS = ("gcc", "clang", "cmake", "arm-none-eabi-gcc")
ENTRY = "import sys; from tinynas.cli import main; sys.exit(main(sys.argv[1:]))"
PATH_TO_MEASURED = ("costed", "trained", "converted", "measured")

needs_gcc = needs("gcc")


def section(title):
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def make_study(folder, model, scale):
    """A study that has found the model, as a search leaves it behind."""
    with Study.create(folder, config={}, board={}, provenance={}) as study:
        trial = study.propose(params=None, architecture={}, key="k", seed=0)
        for state in PATH_TO_MEASURED:
            study.advance(trial.id, state)
        study.advance(trial.id, "done", objective=0.0, feasible=True, artefacts={"tflite": model})
        study.set_summary({"normalization": scale})
    folder.joinpath("best.tflite").write_bytes(model)


def causal_network(rng):
    """A dilated network that estimates two numbers from its last time step, and of 200 samples sees the latest 53."""
    m = Model(rng)
    x = m.expand_dims(m.input(1, 200, 9), 1)
    for dilation in (1, 1, 8, 16):
        x = m.pad(x, [(0, 0), (0, 0), (2 * dilation, 0), (0, 0)])
        x = m.conv(x, 4, (1, 3), dilation=(1, dilation), same=False, activation=RELU)
    x = m.strided_slice(x, (0, 0, -1, 0), (0, 0, 0, 0), None, 0b110, 0b1001, 0b1001)
    return m.pack(m.dense(x, 2))


class Run:
    """What was left behind by following the page from its beginning to its end."""

    def __init__(self, folder):
        self.folder = folder
        rng = np.random.default_rng(5)
        self.model = causal_network(rng)
        self.mean, self.std = rng.normal(0, 5, 9), rng.uniform(0.5, 20, 9)
        self.window = (self.mean + self.std * rng.normal(size=(200, 9))).astype(np.float32)
        (folder / "studies").mkdir()
        make_study(folder / "studies" / "walks", self.model, {"mean": self.mean.tolist(), "std": self.std.tolist()})
        (folder / "bin").mkdir()
        command = folder / "bin" / "tinynas"
        command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{ENTRY}' \"$@\"\n")
        command.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        self.names = {}
        self.printed = [self.follow(kind, text) for kind, text in BLOCKS]

    def follow(self, kind, text):
        if kind == "python":
            exec(compile(text, "docs/compiler.md", "exec"), self.names)
        elif kind == "sh":
            if all(shutil.which(tool) for tool in TOOLS if re.search(rf"^{re.escape(tool)} ", text, re.MULTILINE)):
                command = ["sh", "-e", "-c", text]
                done = subprocess.run(
                    command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
                )
                assert (done.returncode, done.stderr) == (0, ""), text
                return done.stdout
        else:
            name = re.search(r"[\w.]+\.\w+", text.splitlines()[0]).group()
            self.folder.joinpath(name).write_text(text)
        return ""

    def velocity(self, executable):
        """What one of the programs makes of the window."""
        numbers = " ".join(f"{x:.9g}" for x in self.window.reshape(-1).tolist())
        done = subprocess.run([self.folder / executable], input=numbers, capture_output=True, text=True, check=True)
        return [float(line) for line in done.stdout.split()]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    before = Path.cwd()
    os.chdir(folder)  # the page's Python works in the reader's folder
    try:
        yield Run(folder)
    finally:
        os.chdir(before)


@pytest.mark.slow
@needs_gcc
def test_raw_samples_become_the_velocity_that_tflm_computes(run):
    require("tflite_micro")
    interpreter = TflmInterpreter(run.model)
    graph = read_graph(run.model)
    source, target = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    standardised = ((run.window - run.mean) / run.std).astype(np.float32)
    expected = dequantize(interpreter.run(quantize(standardised[None], source)), target)
    assert run.velocity("walk") == pytest.approx(expected.reshape(-1).tolist(), rel=1e-6)
    assert len(set(run.velocity("walk"))) == 2


@pytest.mark.parametrize(("executable", "tool"), [("walk-clang", "clang"), ("build/walk", "cmake")])
@needs_gcc
def test_every_way_of_building_gives_the_same_program(run, executable, tool):
    require(tool)
    assert run.velocity(executable) == run.velocity("walk")


@needs_gcc
def test_the_streaming_form_ends_with_the_window(run):
    velocities = run.velocity("live-walk")
    assert velocities[-2:] == run.velocity("walk")
    assert len(velocities) == 2 * 8  # at samples 60, 80, ... 200: the first 53 fill the field
    assert run.names["live"].macs < run.names["compiled"].macs


@needs_gcc
def test_without_an_arena_there_is_none(run):
    require("nm")
    listed = subprocess.run(["nm", run.folder / "model.o"], capture_output=True, text=True, check=True).stdout
    assert " T model_invoke_in\n" in listed
    assert "model_invoke\n" not in listed
    assert not re.search(r" [bB] ", listed)


@needs_gcc
def test_the_profile_has_a_line_for_each_operator(run):
    [printed] = [out for (_, text), out in zip(BLOCKS, run.printed, strict=True) if "./profile" in text]
    header = compile_model(run.model).files["model.h"]
    assert len(printed.splitlines()) == int(re.search(r"MODEL_OPERATORS (\d+)", header).group(1))
    assert all(re.fullmatch(r" *\d+  \d+ [A-Z0-9_]+: .*rows.*", line) for line in printed.splitlines())


def test_the_board_needs_no_library(run):
    require("arm-none-eabi-gcc")
    listed = subprocess.run(
        ["arm-none-eabi-nm", "-u", run.folder / "model-m4.o"], capture_output=True, text=True, check=True
    ).stdout
    assert set(listed.split()) <= {"U", "memcpy", "memset"}


def test_the_sample_of_the_output_has_its_lines(run):
    shown = re.findall(r"^ {4}([a-z]\S*(?: \S+)?|MACs)  +\S", INTRODUCTION, flags=re.MULTILINE)
    printed = run.printed[0].splitlines()
    assert re.split(r" compiled to ", printed[0]) == ["studies/walks/best.tflite", "model"]
    assert [re.split(r"  +", line)[0] for line in printed[1:]] == shown


def test_the_options_and_the_keys_are_those_of_the_command(run):
    tinynas = run.folder / "bin" / "tinynas"
    model = run.folder / "studies" / "walks" / "best.tflite"
    asked = subprocess.run([tinynas, "compile", "--help"], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^  (--\w+)", asked, flags=re.MULTILINE)) - {"--help"}
    assert {re.match(r"--\w+", row).group() for row in re.findall(r"^\| `(--.*?)`", TEXT, re.MULTILINE)} == options
    command = [tinynas, "compile", model, "--out", run.folder / "json", "--json"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    keys = [key for row in re.findall(r"^\| (`[a-z_`, ]+`) \|", INTRODUCTION, re.MULTILINE)
            for key in re.findall(r"`(\w+)`", row)]  # fmt: skip
    assert keys == re.findall(r'^  "(\w+)"', printed, flags=re.MULTILINE)


def test_every_operator_is_listed_and_no_other():
    rows = re.findall(r"^\| (`[A-Z].*?) \|", section("Operators"), flags=re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(SUPPORTED)
    assert f"at most {SOFTMAX_MAX_DEPTH} values" in section("Operators")


def test_all_kinds_of_blocks_are_followed():
    assert {kind for kind, _ in BLOCKS} == {"sh", "python", "c", "cmake"}
    assert TEXT.count("```") == 2 * len(BLOCKS)
