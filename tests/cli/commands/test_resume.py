"""`tinynas resume`, after searches that were killed in earnest."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from tinynas.board import load_board
from tinynas.cli import main
from tinynas.cli.commands.resume import _with_library
from tinynas.config import load_config
from tinynas.search import load_task
from tinynas.study import Study

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


def suggestions(folder):
    """What an uninterrupted search and one that was resumed must agree in."""
    with Study.open(folder, readonly=True) as study:
        return [(t.id, t.state, t.seed, t.params, t.objective, t.artefacts.get("tflite")) for t in study.trials()]


@pytest.fixture
def stop(config_file, command):
    """Run a command and send it a signal some seconds after it reported a trial; returns code and both outputs."""

    def run(args, sign, after, delay=0.0):
        # A shell's job in the background ignores Ctrl-C, and so would the search that it begins.
        kept = signal.signal(signal.SIGINT, signal.default_int_handler)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        try:
            started = subprocess.Popen(command(*args), **pipes)
        finally:
            signal.signal(signal.SIGINT, kept)
        with started as process:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if line.startswith(after):
                    time.sleep(delay)
                    process.send_signal(sign)
                    break
            out, err = process.communicate(timeout=60)
        return process.returncode, out, "".join(lines) + err

    return run


@pytest.fixture
def search_args(config_file, tmp_path):
    return ["search", "--board", "nucleo_f446re", "--config", config_file, "--out", tmp_path / "study"]


@pytest.mark.slow
def test_killed_twice_it_ends_with_the_same_suggestions(stop, search_args, tmp_path, finished, capfd):
    folder = tmp_path / "study"
    code, *_ = stop(search_args, signal.SIGKILL, "[1/4]", delay=0.4)
    assert code == -signal.SIGKILL
    code, _, err = stop(["resume", folder], signal.SIGKILL, "[3/4]", delay=0.2)
    assert code == -signal.SIGKILL
    assert "[1/4]" not in err  # what is finished is not done again
    assert main(["resume", str(folder), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["trials"] == 4
    assert suggestions(folder) == suggestions(finished.folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in (1, 2, 3))])
def test_killed_at_random_moments_it_ends_with_the_same_suggestions(stop, search_args, tmp_path, finished, capfd, seed):
    rng, folder = np.random.default_rng(seed), tmp_path / "study"
    stop(search_args, signal.SIGKILL, "ST NUCLEO", delay=rng.uniform(1.5, 6.0))
    for _ in range(2):
        if (folder / "study.db").exists():
            stop(["resume", folder], signal.SIGKILL, "ST NUCLEO", delay=rng.uniform(1.5, 4.0))
    capfd.readouterr()
    assert main(["resume", str(folder), "--json"]) == 0
    assert suggestions(folder) == suggestions(finished.folder)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_is_130_says_how_to_go_on_and_leaves_a_report(stop, search_args, tmp_path, finished, sign):
    folder = tmp_path / "study"
    # Where nobody goes on with it, it is long: a busy computer may be late with the signal.
    trials = 4 if sign == signal.SIGTERM else 40
    code, out, err = stop([*search_args, "--trials", trials], sign, f"[1/{trials}]", delay=0.1)
    assert (code, out) == (130, "")
    assert f"go on with: tinynas resume {folder}" in err
    assert "Traceback" not in err
    assert suggestions(folder)[:1] == suggestions(finished.folder)[:1]
    with Study.open(folder, readonly=True) as study:
        assert 1 <= len(study.trials()) < trials
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "best.tflite").exists()
    if sign == signal.SIGTERM:
        assert main(["resume", str(folder)]) == 0
        assert suggestions(folder) == suggestions(finished.folder)


def test_a_finished_study_stays_as_it_is(finished, tmp_path, capfd):
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder, folder)
    assert main(["resume", str(folder), "--json"]) == 0
    captured = capfd.readouterr()
    before, after = json.loads(finished.out), json.loads(captured.out)
    assert "finished already: 4 of 4" in captured.err
    for outcome in (before, after):
        del outcome["study"], outcome["seconds"]
    assert after == before
    assert suggestions(folder) == suggestions(finished.folder)


def test_a_folder_that_is_no_study(tmp_path, capfd):
    assert main(["resume", str(tmp_path)]) == 1
    assert "not a study" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["resume", str(tmp_path / "nowhere")]) == 1
    assert main(["resume"]) == 2


@pytest.fixture
def begun(tmp_path, config_file):
    """The folder of a study that was begun with some data, and has no trial yet."""

    def create(source, fingerprint):
        config = load_config(config_file).with_options(dataset=source).to_dict()
        board = load_board("nucleo_f446re").to_dict()
        origin = {"dataset_fingerprint": fingerprint}
        Study.create(tmp_path / "study", config=config, board=board, provenance=origin).close()
        return str(tmp_path / "study")

    return create


def test_data_that_changed_are_refused(begun, capfd):
    assert main(["resume", begun("synthetic", "of other recordings")]) == 1
    err = capfd.readouterr().err
    assert "the data of synthetic are not those that the study began with" in err
    assert "hint: restore the dataset" in err


@pytest.mark.slow
def test_from_another_folder_the_data_are_found_again(stop, tmp_path, config_file, walks, monkeypatch, capfd):
    home, elsewhere = walks.parent, tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(home)
    source = f"csv:{walks.name}"
    args = ["--board", "nucleo_f446re", "--config", config_file, "--dataset", source, "--out", tmp_path / "study"]
    code, *_ = stop(["search", *args, "--trials", "2"], signal.SIGKILL, "[1/2]")
    assert code == -signal.SIGKILL
    monkeypatch.chdir(elsewhere)
    assert main(["resume", str(tmp_path / "study"), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["trials"] == 2


def test_from_another_folder_the_interpreters_library_is_found_again(tmp_path, config_file, monkeypatch):
    options = replace(load_config(config_file).hil, tflm_root="tflite-micro")
    config = replace(load_config(config_file), hil=options)
    (tmp_path / "home" / "tflite-micro").mkdir(parents=True)
    known = {"board": load_board("nucleo_f446re").to_dict(), "config": config.to_dict()}
    origin = {"tflm_root": str(tmp_path / "home" / "tflite-micro")}
    with Study.create(tmp_path / "study", **known, provenance=origin) as study:
        monkeypatch.chdir(tmp_path)
        assert _with_library(config, study).hil.tflm_root == origin["tflm_root"]
        monkeypatch.chdir(tmp_path / "home")
        assert _with_library(config, study) == config


def test_data_that_are_gone_are_2(begun, capfd):
    assert main(["resume", begun("csv:gone", "of what was there")]) == 2
    assert "gone" in capfd.readouterr().err


def test_a_study_of_a_search_that_was_killed_before_its_first_trial(begun, config_file, capfd):
    fingerprint = load_task(load_config(config_file)).dataset.fingerprint
    folder = begun("synthetic", fingerprint)
    assert main(["report", folder]) == 0
    assert "none that fits" in capfd.readouterr().out


def test_a_study_in_use_is_refused(finished, tmp_path, capfd):
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder, folder)
    with Study.open(folder):
        assert main(["resume", str(folder)]) == 1
    assert "in use" in capfd.readouterr().err
