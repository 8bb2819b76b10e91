"""What PIT's process returns is rebuilt, converted and scored; another program stands in for the process."""

import json
import sys
from pathlib import Path

import _pit_arm
import numpy as np
import pytest

from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.search import load_task

CONFIG = {
    "dataset": {
        "window": 40,
        "frame": "level",
        "target": "velocity",
        "synthetic": {"n_train": 2, "n_valid": 1, "n_test": 1, "duration_s": 20.0},
    },
    "conversion": {"calibration_windows": 8},
    "training": {"batch_size": 32},
}
# One block of unlike widths, with a dilation and a projection, and one that keeps its input's width.
NETWORK = """
import json, sys
from pathlib import Path
import numpy as np

folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
windows = np.load(folder / "windows.npz")
rng = np.random.default_rng(0)


def convolve(x, kernel, bias, dilation):
    y = np.tile(bias, (len(x), x.shape[1], 1))
    for tap, part in enumerate(kernel[::-1]):
        late = x[:, : x.shape[1] - tap * dilation]
        y[:, tap * dilation :] += late @ part
    return y


x = samples = windows["valid_inputs"][:6]
for number in range(len(job["strengths"])):
    x, found = samples, {}
    for block, inner, outer, dilation in ((0, 7, 4, 1), (1, 5, 4, 4)):
        residual = x
        widths = {"conv1": (3, x.shape[2], inner, dilation), "conv2": (2, inner, outer, 2 * dilation)}
        if x.shape[2] != outer:
            widths["projection"] = (1, x.shape[2], outer, 8)
        for part, (taps, before, after, apart) in widths.items():
            kernel, bias = rng.normal(0, 0.4, (taps, before, after)), rng.normal(0, 0.2, after)
            name = f"block{block}/{part}"
            found |= {f"{name}/kernel": kernel.astype("f4"), f"{name}/bias": bias.astype("f4")}
            found[f"{name}/dilation"] = np.array(apart)
            if part == "projection":
                residual = convolve(residual, kernel, bias, 1)
            else:
                x = np.maximum(convolve(x, kernel, bias, apart), 0)
        x = np.maximum(x + residual, 0)
    head = rng.normal(0, 0.4, (4, 2))
    found |= {"head/kernel": head.astype("f4"), "head/bias": np.float32([0.1, -0.1])}
    predicted = x[:, -1] @ head + [0.1, -0.1] + WRONG
    found |= {"samples": samples, "predicted": predicted.astype("f4")}
    found |= {"strength": np.array(0.5), "cpu_s": np.array(2.0 + number)}
    np.savez(folder / f"network-{number}.npz", **found)
"""


@pytest.fixture(scope="module")
def search():
    config = config_from_mapping(CONFIG, "test")
    return config, load_board("nucleo_f446re"), load_task(config)


@pytest.fixture
def run(search, tmp_path, monkeypatch):
    def call(program, **wishes):
        monkeypatch.setattr(_pit_arm, "PROGRAM", tmp_path / "program.py")
        _pit_arm.PROGRAM.write_text(program)
        how = {"python": Path(sys.executable), "seed": 3, "cpu_s": 9.0, "folder": tmp_path, "strengths": (0.1, 1.0)}
        return _pit_arm.run_pit(*search, **{**how, **wishes})

    return call


def test_networks_are_scored_and_kept(run, search, tmp_path):
    config, _, task = search
    rows = run(NETWORK.replace("WRONG", "0"))
    assert [row["strength"] for row in rows] == [0.1, 1.0]
    assert 2.0 < rows[0]["cpu_s"] < rows[1]["cpu_s"] - 1.0
    for row in rows:
        assert row["layers"] == [
            ["block0/conv1", 3, 7, 1],
            ["block0/conv2", 2, 4, 2],
            ["block0/projection", 1, 4, 8],
            ["block1/conv1", 3, 5, 4],
            ["block1/conv2", 2, 4, 8],
        ]
        # Kernels and biases: 3*6*7+7, 2*7*4+4, 6*4+4, 3*4*5+5, 2*5*4+4, 4*2+2.
        assert row["parameters"] == 133 + 60 + 28 + 65 + 44 + 10
        assert row["feasible"]
        assert row["sram_bytes"] > 0 < row["macs"]
        assert row["flash_bytes"] > row["parameters"]
        assert 0 < row["objective"] + 0.02 == pytest.approx(row["error_int8"], abs=0.02)
        assert row["test_error_int8"] > 0
    job = json.loads((tmp_path / "pit-3-9s" / "job.json").read_text())
    assert (job["batch_size"], job["seed"], job["cpu_s"], job["yaw"]) == (32, 3, 9.0, True)
    assert run("raise SystemExit('not again')") == rows
    (tmp_path / "pit-3-9s.json").unlink()
    again = run("raise SystemExit('not again')")
    assert [row["error_int8"] for row in again] == [row["error_int8"] for row in rows]
    with pytest.raises(RuntimeError, match="not again"):
        run("raise SystemExit('not again')", seed=4)
    assert not list(tmp_path.rglob("windows.npz"))
    assert task.train.target_turns
    assert config.training.batch_size == 32


def test_windows_are_those_of_our_training(run, search, tmp_path):
    _, _, task = search
    look = "import shutil, sys; shutil.copy(sys.argv[1] + '/windows.npz', sys.argv[1] + '/seen'); sys.exit('enough')"
    with pytest.raises(RuntimeError, match="enough"):
        run(look)
    with np.load(tmp_path / "pit-3-9s" / "seen") as seen:
        assert np.array_equal(seen["inputs"], task.inputs(task.train))
        scale = task.train.targets.std()
        np.testing.assert_allclose(seen["targets"] * scale, task.train.targets, rtol=1e-4)
        np.testing.assert_allclose(seen["valid_targets"] * scale, task.valid.targets, rtol=1e-4)


def test_a_network_that_computes_something_else_is_refused(run, tmp_path):
    with pytest.raises(RuntimeError, match=r"misses torch's outputs by 0\.00"):
        run(NETWORK.replace("WRONG", "0.003"))
    assert not (tmp_path / "pit-3-9s.json").exists()


def test_the_seed_covers_the_window_and_is_too_large(search):
    config, board, task = search
    shape = _pit_arm.seed_shape(config, board, task)
    assert (shape["taps"], shape["dilations"]) == (9, [1, 4])
    limits = {"objective": {"limits": {"flash_bytes": 95_000}}, "space": {"kernel_size": [3, 4], "filters": [2, 30]}}
    small = _pit_arm.seed_shape(config_from_mapping({**CONFIG, **limits}, "test"), board, task)
    assert (small["taps"], small["dilations"]) == (3, [1, 4, 16])
    assert small["filters"] in range(12, 30, 4)
