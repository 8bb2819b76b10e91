"""`tinynas export`, as a user runs it."""

import json
import subprocess
import zipfile

import numpy as np
import pytest

from tests._tools import needs
from tests.cli.commands._library import make_study
from tests.deploy.test_path import WINDOW, network
from tinynas.cli import main
from tinynas.odometry import SyntheticOptions, synthesize


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("walks") / "study")


def run(capsys, *arguments):
    code = main(["export", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@needs("gcc")
def test_the_best_network_walks_the_simulators_walk_in_c(study, tmp_path, capsys):
    code, out, _ = run(capsys, study, "--out", tmp_path / "lib", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["trial"], found["format"]) == (1, "c")
    folder = tmp_path / "lib"
    assert sorted(found["files"]) == sorted(str(path) for path in folder.rglob("*") if path.is_file())
    sources = [*folder.glob("src/*.c"), *folder.glob("src/odometry/*.c"), folder / "example/replay.c"]
    command = ["gcc", "-std=c11", "-O2", f"-I{folder}/src", *map(str, sources), "-lm", "-o", str(tmp_path / "replay")]
    subprocess.run(command, check=True, timeout=120)
    with (folder / "walk/samples.csv").open() as samples:
        done = subprocess.run(
            [str(tmp_path / "replay"), str(folder / "walk/path.csv")], stdin=samples, check=False, timeout=60
        )
    assert done.returncode == 0
    # The walk is the simulator's own recording, to the last digit of a single float.
    recording = synthesize(SyntheticOptions(1, 1, 1, 30.0, rate_hz=100.0), seed=0).test[0]
    written = np.loadtxt(folder / "walk/samples.csv", delimiter=",", skiprows=1, dtype=np.float32)
    np.testing.assert_array_equal(written, np.hstack([recording.accel, recording.gyro]).astype(np.float32))
    path = np.loadtxt(folder / "walk/path.csv", delimiter=",", skiprows=1)
    assert path[0, 0] == pytest.approx((WINDOW - 1) / 100)
    np.testing.assert_allclose(np.cumsum(path[:, 1:3] * 0.1, axis=0), path[:, 3:], atol=1e-3)


def test_documents_say_where_it_comes_from_and_no_path_of_the_machine(study, tmp_path, capsys):
    assert run(capsys, study, "--out", tmp_path / "lib", "--trial", "0", "--name", "step_meter")[0] == 0
    origin = json.loads((tmp_path / "lib/provenance.json").read_text())
    assert (origin["trial"], origin["study"], origin["search"]) == (0, "study", {"seed": 0, "tinynas": "0.1.0"})
    assert origin["example_walk"].startswith("the built-in simulator: ")
    for path in (tmp_path / "lib").rglob("*"):
        assert path.is_dir() or b"/home/somebody" not in path.read_bytes()
    card = (tmp_path / "lib/model_card.md").read_text()
    assert "a level frame" in card
    assert "| trial | 0 |" in card
    assert (tmp_path / "lib/src/step_meter.h").is_file()


def test_a_walk_of_ones_own_is_resampled_to_the_networks_rate(study, tmp_path, capsys):
    from tests.cli.commands.test_data import write_walks

    (tmp_path / "walks").mkdir()
    write_walks(tmp_path / "walks")
    options = ("--walk", f"csv:{tmp_path / 'walks'}", "--stride", 20, "--turns", 4)
    assert run(capsys, study, "--out", tmp_path / "lib", *options)[0] == 0
    settings = (tmp_path / "lib/src/path_settings.h").read_text()
    assert "    .turns = 4,\n" in settings
    assert "    .stride = 20,\n" in settings
    path = np.loadtxt(tmp_path / "lib/walk/path.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(np.diff(path[:, 0]), 0.2, atol=1e-6)
    assert json.loads((tmp_path / "lib/provenance.json").read_text())["example_walk"] == "csv: walk0"


def test_the_bare_network_and_the_other_forms(study, tmp_path, capsys):
    assert run(capsys, study, "--out", tmp_path / "tflite", "--format", "tflite")[0] == 0
    assert (tmp_path / "tflite/model.tflite").read_bytes() == network(seed=4)
    assert run(capsys, study, "--out", tmp_path / "arduino", "--format", "arduino")[0] == 0
    assert (tmp_path / "arduino/library.properties").read_text().startswith("name=Odometer\nversion=1.0.0\n")
    code, out, _ = run(capsys, study, "--out", tmp_path / "p", "--format", "cmsis-pack", "--library-version", "3.2.1")
    assert code == 0
    assert zipfile.ZipFile(tmp_path / "p/tinynas.odometer.3.2.1.pack").testzip() is None
    assert "CMSIS pack of trial 1" in out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--trial", "2"), 1, "trial 2 has no network: it is infeasible (SRAM 900000"),
        (("--trial", "7"), 1, "there is no trial 7"),
        (("--trial", "-1"), 2, "--trial -1: is neither best nor the number"),
        (("--name", "Odo"), 2, "--name Odo: is not a name"),
        (("--name", "oDo"), 2, "--name oDo: 'oDo' is no prefix for names in C"),
        (("--name", "stdio"), 2, "--name stdio: 'stdio' is no prefix for names in C"),
        (("--name", "path"), 2, "--name path: the library's own sources have taken 'path'"),
        (("--library-version", "1.0"), 2, "is not a version"),
        (("--format", "tflite", "--stride", "3"), 2, "--stride: tflite is the bare network"),
        (("--stride", "61"), 1, "a stride of 61 samples for a window of 60"),
        (("--walk", "csv:/nowhere"), 2, "/nowhere"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(options, code, words, study, tmp_path, capsys):
    found, _, err = run(capsys, study, "--out", tmp_path / "lib", *options)
    assert (found, words in " ".join(err.split())) == (code, True), err
    assert not (tmp_path / "lib").exists()


def test_studies_without_a_path_are_refused(tmp_path, capsys):
    body = make_study(tmp_path / "body", frame="body")
    code, _, err = run(capsys, body, "--out", tmp_path / "lib")
    assert (code, "a path needs a level or north frame" in err) == (2, True)
    unfinished = make_study(tmp_path / "unfinished", finished=False)
    code, _, err = run(capsys, unfinished, "--out", tmp_path / "lib")
    assert (code, "the study has not ended" in err) == (1, True)
    code, _, err = run(capsys, tmp_path, "--out", tmp_path / "lib")
    assert (code, "there is no study in this folder" in err) == (2, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.md").write_text("mine")
    code, _, err = run(capsys, body, "--out", tmp_path / "mine")
    assert (code, "what it holds was not exported" in err) == (2, True)


def test_the_keras_model_is_the_searched_network(finished, tmp_path, capsys):
    import keras

    from tinynas.network import Architecture, predict
    from tinynas.search import open_trained
    from tinynas.search.store import unpack_weights
    from tinynas.study import Study

    assert run(capsys, finished.folder, "--out", tmp_path / "k", "--format", "keras")[0] == 0
    model = keras.saving.load_model(tmp_path / "k/model.keras")
    trained = open_trained(finished.folder)
    with Study.open(finished.folder, readonly=True) as opened:
        trial = opened.trial(trained.trial)
        weights = unpack_weights(opened.artefact(trial.artefacts["weights"]))
    scale = trained.normalization
    windows = np.random.default_rng(1).normal(scale.mean, scale.std, (5, 64, len(scale.mean)))
    expected = predict(Architecture.from_dict(trial.architecture), weights, scale.apply(windows.astype(np.float32)))
    np.testing.assert_allclose(model.predict(windows, verbose=0), expected, atol=2e-5)
