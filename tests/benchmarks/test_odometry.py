"""The odometry benchmark: what is resumed, and whose recordings are learned and tested."""

import json
import sys

import numpy as np
import odometry
import pytest

from tinynas.odometry import Dataset, SyntheticOptions, load_dataset


@pytest.fixture
def data(monkeypatch):
    """Ten seconds each of a hand and of a trolley, in every part."""
    size = SyntheticOptions(n_train=2, n_valid=2, n_test=2, duration_s=10.0, modes=["handheld", "trolley"])
    made = load_dataset("synthetic", synthetic=size)
    monkeypatch.setattr(odometry, "load_dataset", lambda *_, **__: made)
    return made


def run(line, rmse, seed):
    zero = {"zero": 0.8, "mean": 0.8}
    return {"rmse_int8": rmse, "ate_ratio": 0.5, "baselines": zero, "cpu_s": 3.0, "tflite_bytes": 1, "seed_": seed}


def test_what_the_file_holds_is_not_trained_again(monkeypatch, tmp_path, capsys):
    trained = []

    def fake(line, task, epochs, seed):
        trained.append((line.what, epochs, seed))
        if len(trained) == 3:
            raise KeyboardInterrupt
        return run(line, 0.1 * (seed + 1), seed)

    monkeypatch.setattr(odometry, "limit_threads", lambda _: None)
    monkeypatch.setattr(odometry, "_run", fake)
    monkeypatch.setattr(odometry, "_task", lambda *_: object())
    out = tmp_path / "odometry.json"
    monkeypatch.setattr(
        sys, "argv", ["odometry.py", "--lines", "tied", "tied-5", "--seeds", "0", "1", "--out", str(out)]
    )
    with pytest.raises(KeyboardInterrupt):
        odometry.main()
    assert len(json.loads(out.read_text())["runs"]) == 2
    odometry.main()
    assert [entry[1:] for entry in trained] == [(20, 0), (20, 1), (5, 0), (5, 0), (5, 1)]
    table = capsys.readouterr().out
    assert "0.150 +- 0.071" in table
    assert table.count("0.50 +- 0.00") == 2


def test_a_transfer_tests_on_the_other_way_of_carrying_alone(data):
    found = odometry._carried("any", "trolley", "handheld")
    assert isinstance(found, Dataset)
    assert {recording.mode for recording in found.train + found.valid} == {"trolley"}
    assert {recording.mode for recording in found.test} == {"handheld"}
    assert len(found.test) == sum(recording.mode == "handheld" for recording in data.recordings)


def test_a_pair_is_judged_by_the_mean_of_two_networks_trained_apart(monkeypatch, data):
    members = {0: np.float32([1.0, 3.0]), 1: np.float32([3.0, -1.0])}
    trained = []

    def member(line, task, epochs, seed, number):
        trained.append((seed, number))
        return odometry._Member(bytes([number]), 0.2 + 0.1 * number, 5.0)

    def predict(model, inputs, turns):
        return np.tile(members[model[0]], (len(inputs), 1))

    monkeypatch.setattr(odometry, "_member", member)
    monkeypatch.setattr(odometry, "predict_deployed", predict)
    line = odometry.LINES["pair"]
    task = odometry.make_task(data, odometry._config(line, "any", 100))
    found = odometry._run(line, task, 1, 7)
    assert trained == [(7, 0), (7, 1)]
    assert found["rmse_int8"] == pytest.approx(np.sqrt(np.mean(np.sum((task.test.targets - [2.0, 1.0]) ** 2, axis=1))))
    assert found["valid_float"] == pytest.approx(0.25)
    assert (found["cpu_s"], found["tflite_bytes"]) == (10.0, 2)
