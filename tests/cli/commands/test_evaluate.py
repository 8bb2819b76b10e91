"""`tinynas evaluate`, as a user runs it."""

import json
import shutil

import numpy as np
import pytest

from tests.cli.commands.test_data import write_walks
from tinynas.cli import main
from tinynas.odometry import absolute_trajectory_error


def run(capsys, *args):
    code = main(["evaluate", *map(str, args)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def others(tmp_path):
    folder = tmp_path / "walks"
    folder.mkdir()
    write_walks(folder)
    return folder


def test_recordings_never_seen_are_judged_beside_standing_still(finished, others, tmp_path, capsys):
    code, out, _ = run(capsys, finished.folder, "--dataset", f"csv:{others}", "--json", "--tum", tmp_path / "tum")
    assert code == 0
    found = json.loads(out)
    assert set(found["baselines"]) == {"zero", "mean", "compass"}
    assert [recording["name"] for recording in found["recordings"]] == ["walk0", "walk1", "walk2"]
    for recording in found["recordings"]:
        promised = {"name", "velocity_rmse", "ate_m", "rte_m", "length_m", "standing_still"}
        assert promised <= set(recording)
        # The files tell the same errors as the figures: standing still never leaves the first true position.
        true, predicted = (
            np.loadtxt(tmp_path / "tum" / f"{recording['name']}.{kind}.tum") for kind in ("true", "predicted")
        )
        ate = np.sqrt(((true[:, 1:3] - predicted[:, 1:3]) ** 2).sum(axis=1).mean())
        assert recording["ate_m"] == pytest.approx(ate, abs=1e-5)
        still = absolute_trajectory_error(np.tile(true[:1, 1:3], (len(true), 1)), true[:, 1:3])
        assert recording["standing_still"]["ate_m"] == pytest.approx(still, abs=1e-5)
        assert recording["length_m"] == pytest.approx(
            np.linalg.norm(np.diff(true[:, 1:3], axis=0), axis=1).sum(), abs=1e-3
        )
    rmse = np.array([recording["velocity_rmse"] for recording in found["recordings"]])
    assert rmse.min() <= found["velocity_rmse"] <= rmse.max()


def test_one_file_and_the_model_beside_its_study(finished, others, capsys):
    code, out, _ = run(capsys, finished.folder / "best.tflite", "--dataset", f"csv:{others / 'walk1.csv'}", "--json")
    assert code == 0
    (recording,) = json.loads(out)["recordings"]
    assert recording["name"] == "walk1"
    code, out, _ = run(capsys, finished.folder, "--dataset", f"csv:{others}", "--json")
    assert recording["velocity_rmse"] == next(
        r["velocity_rmse"] for r in json.loads(out)["recordings"] if r["name"] == "walk1"
    )


def test_its_own_data_give_the_figures_of_the_search(finished, capsys):
    code, out, err = run(capsys, finished.folder, "--dataset", "synthetic", "--json")
    assert code == 0
    assert "only the test recordings" in err
    assert json.loads(out)["velocity_rmse"] == pytest.approx(json.loads(finished.out)["test"]["error_int8"], rel=1e-6)
    assert json.loads(out)["baselines"]["compass"] == pytest.approx(
        json.loads(finished.out)["test"]["baselines"]["compass"], rel=1e-6
    )


def test_a_table_for_people(finished, others, capsys):
    code, out, _ = run(capsys, finished.folder, "--dataset", f"csv:{others}")
    assert code == 0
    assert out.splitlines()[0].split()[0] == "recording"
    assert "standing still" in out.splitlines()[-1]


def test_what_cannot_be_judged_says_what_to_do(finished, others, tmp_path, capsys):
    code, _, err = run(capsys, tmp_path, "--dataset", f"csv:{others}")
    assert (code, "no study" in err) == (2, True)
    alone = tmp_path / "alone.tflite"
    shutil.copy(finished.folder / "best.tflite", alone)
    code, _, err = run(capsys, alone, "--dataset", f"csv:{others}")
    assert (code, "no study beside it" in err) == (2, True)
    stranger = tmp_path / "copy"
    shutil.copytree(finished.folder, stranger)
    (stranger / "best.tflite").write_bytes(b"another")
    code, _, err = run(capsys, stranger / "best.tflite", "--dataset", f"csv:{others}")
    assert (code, "none of the study" in err) == (2, True)
    code, _, err = run(capsys, finished.folder, "--dataset", "csv:nowhere")
    assert (code, "does not exist" in err) == (2, True)
