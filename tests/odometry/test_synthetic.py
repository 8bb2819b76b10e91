from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import CARRYING_MODES, SyntheticOptions, WindowSpec, load_dataset, make_windows, synthesize
from tinynas.odometry.simulator import EarthField, PhoneSensors

G = 9.80665


@pytest.mark.slow
def test_the_default_set_is_as_documented():
    data = load_dataset("synthetic")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [48, 8, 8]
    assert all(recording.duration_s == 50.0 for recording in data.recordings)
    assert {recording.mode for recording in data.test} == {"handheld", "pocket", "swinging", "trolley"}
    length = [np.linalg.norm(np.diff(r.position[::100, :2], axis=0), axis=1) for r in data.recordings]
    speed = np.array([steps.mean() for steps in length])
    assert ((speed > 0.4) & (speed < 1.2)).all()
    assert any((steps < 0.05).any() for steps in length)  # people stop
    # Over a whole recording the person gets nowhere near far enough for the mean force to be more than gravity.
    for r in data.recordings:
        force = Rotation.from_quat(r.orientation.copy()).apply(r.accel.copy()).mean(axis=0)
        assert force == pytest.approx([0, 0, G], abs=0.7)


SMALL = {"n_train": 2, "n_valid": 1, "n_test": 1, "duration_s": 5.0}


def test_a_seed_gives_the_same_data_and_another_seed_another():
    size = SyntheticOptions(**SMALL)
    prints = [load_dataset("synthetic", seed=seed, synthetic=size).fingerprint for seed in (5, 5, 6)]
    assert prints[0] == prints[1] != prints[2]


def test_more_recordings_leave_the_others_as_they_were():
    few, many = (synthesize(SyntheticOptions(**{**SMALL, "n_train": n})) for n in (2, 4))
    for one, other in zip(few.train, many.train, strict=False):
        assert (one.accel == other.accel).all()
    assert (few.test[0].mag == many.test[0].mag).all()
    assert not np.allclose(few.train[0].position, few.test[0].position)


def test_options_rate_and_modes():
    data = load_dataset("synthetic", modes=["bag", "swinging"], synthetic=SyntheticOptions(**{**SMALL, "rate_hz": 50}))
    assert (data.rate_hz, len(data.train[0])) == (50.0, 250)
    assert [recording.mode for recording in data.train] == ["bag", "swinging"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_trian": 3}, r"synthetic\.n_trian: unknown key.*did you mean 'n_train'"),
        ({"colour": 3}, "known: duration_s"),
        ({"n_train": 0}, r"synthetic\.n_train: 0 is not a whole number"),
        ({"n_test": True}, "n_test"),
        ({"n_valid": 1.5}, "n_valid"),
        ({"duration_s": 0.01}, "duration_s"),
        ({"duration_s": float("nan")}, "duration_s"),
        ({"duration_s": "long"}, "duration_s"),
        ({"rate_hz": 5}, "rate_hz"),
        ({"modes": []}, "modes"),
        ({"modes": "pocket"}, "modes"),
        ({"modes": ["rocket"]}, "no mode 'rocket'.*handheld"),
    ],
)
def test_bad_options_are_refused_by_name(options, message):
    with pytest.raises((ConfigError, DatasetError), match=message) as caught:
        SyntheticOptions(**options)
    assert caught.value.where.startswith("dataset.synthetic.")


def test_bad_seeds_and_modes_are_refused():
    with pytest.raises(DatasetError, match=r"^seed: "):
        load_dataset("synthetic", seed=-1)
    for modes in (["plane"], [], "pocket"):
        with pytest.raises(DatasetError, match="mode") as caught:
            load_dataset("synthetic", modes=modes)
        assert caught.value.where == "dataset.modes"
    with pytest.raises(DatasetError, match="no mode 'plane'") as caught:
        load_dataset("synthetic", synthetic=SyntheticOptions(modes=["plane"]))
    assert caught.value.where == "dataset.synthetic.modes"


def test_test_recordings_hold_the_phone_as_no_training_recording_does():
    data = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=15, n_valid=5, n_test=5, duration_s=20.0,
                                                                modes=list(CARRYING_MODES)))  # fmt: skip
    for recording in data.recordings:
        known = [
            Rotation.from_euler("ZXY", [side * yaw - 90, tilt, side * roll], degrees=True)
            for tilt, roll, yaw in CARRYING_MODES[recording.mode].grips
            for side in (1, -1)
        ]
        nearest_deg = min(np.degrees((grip.inv() * _hold(recording)).magnitude()) for grip in known)
        assert nearest_deg > 50 if "test" in recording.name else nearest_deg < 35


def _hold(recording):
    velocity = np.gradient(recording.position[:, :2], axis=0)
    heading = Rotation.from_rotvec(np.arctan2(velocity[:, 1], velocity[:, 0])[:, None] * [0, 0, 1.0])
    walking = np.linalg.norm(velocity, axis=1) * recording.rate_hz > 0.4
    return (heading.inv() * Rotation.from_quat(recording.orientation.copy()))[walking].mean()


def test_the_phase_of_the_gait_alone_tells_where_people_go():
    """The set must be learnable from what real walkers show, and not trivially so: no compass is used here."""
    data = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=1, n_valid=1, modes=["handheld", "pocket"]))
    windows = make_windows(data.test, WindowSpec(200, 20))
    direction = np.array([_push(data.test[k], row) for k, row in zip(windows.recording, windows.start, strict=True)])
    speed = np.linalg.norm(windows.targets, axis=1)
    agreement = (direction * windows.targets).sum(axis=1)[speed > 0.5] / speed[speed > 0.5]
    assert 0.85 < agreement.mean() < 0.999
    assert (agreement < 0).mean() < 0.05


def _push(recording, row, window=200):
    """Direction in which the acceleration is a quarter of a step ahead of the vertical one."""
    attitude = Rotation.from_quat(recording.orientation[row : row + window].copy())
    accel = attitude.apply(recording.accel[row : row + window].copy()) - [0, 0, G]
    spectrum = np.fft.rfft(accel * np.hanning(window)[:, None], axis=0)[2:6]  # 1 to 2.5 Hz
    push = (spectrum[:, 2:].conj() * spectrum[:, :2]).imag.sum(axis=0)
    return push / np.linalg.norm(push)


def test_documented_parameters_are_those_of_the_code():
    path = Path(__file__).parents[2] / "datasets" / "synthetic.yaml"
    documented = yaml.safe_load(path.read_text())
    defaults = {
        "size": SyntheticOptions(),
        "sensors": PhoneSensors(),
        "earth_field": EarthField(),
        **{f"mode {name}": mode for name, mode in CARRYING_MODES.items()},
    }
    for section, value in defaults.items():
        table = documented["modes"][section[5:]] if section.startswith("mode ") else documented[section]
        code = {k: _as_yaml(v) for k, v in dataclasses.asdict(value).items() if k != "name"}
        assert set(table) == set(code)
        for key, figure in code.items():
            assert table[key] == (pytest.approx(figure, rel=1e-3) if isinstance(figure, float) else figure), key


def _as_yaml(value):
    return [_as_yaml(item) for item in value] if isinstance(value, tuple) else value
