from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import CARRYING_MODES, SyntheticOptions, WindowSpec, load_dataset, make_windows, synthesize
from tinynas.odometry.gait import draw_pedestrian, walk
from tinynas.odometry.phone import EarthField, PhoneSensors, measure

G = 9.80665

motions = st.builds(
    lambda seed, mode, rate_hz: (
        walk(
            draw_pedestrian(np.random.default_rng(seed)),
            CARRYING_MODES[mode],
            duration_s=8.0,
            rate_hz=rate_hz,
            rng=np.random.default_rng(seed + 1),
        ),
        rate_hz,
    ),
    seed=st.integers(0, 10_000),
    mode=st.sampled_from(sorted(CARRYING_MODES)),
    rate_hz=st.sampled_from([50.0, 100.0, 200.0]),
)


@settings(max_examples=20, deadline=None)
@given(case=motions)
def test_integrating_the_true_angular_rate_gives_the_attitude(case):
    motion, rate_hz = case
    attitude = Rotation.from_quat(motion.orientation)
    middle = (motion.gyro[1:] + motion.gyro[:-1]) / 2
    turned = attitude[0]
    for step in Rotation.from_rotvec(middle / rate_hz):
        turned = turned * step
    # Second order in the sample interval; a sign or frame error is a turn of radians.
    assert (turned.inv() * attitude[-1]).magnitude() < 0.03 * (100 / rate_hz) ** 2 + 1e-3


@settings(max_examples=20, deadline=None)
@given(case=motions)
def test_integrating_the_true_specific_force_twice_gives_the_position(case):
    motion, rate_hz = case
    world = Rotation.from_quat(motion.orientation).apply(motion.accel) - [0, 0, G]
    position = motion.position[:2].copy()
    velocity = (position[1] - position[0]) * rate_hz
    track = [position[0], position[1]]
    for accel in world[1:-1]:
        velocity = velocity + accel / rate_hz
        track.append(track[-1] + velocity / rate_hz)
    np.testing.assert_allclose(track, motion.position, atol=1e-6)


def test_a_person_who_stands_feels_gravity_alone():
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=0.0)
    mode = dataclasses.replace(CARRYING_MODES["handheld"], wobble_deg=0.0, lever_m=(0.0, 0.0, 1.0))
    motion = walk(person, mode, duration_s=10.0, rate_hz=100.0, rng=np.random.default_rng(1))
    np.testing.assert_allclose(np.linalg.norm(motion.accel, axis=1), G, rtol=1e-6)
    assert np.linalg.norm(motion.position - motion.position[0], axis=1).max() < 1e-6


def test_gait_is_seen_in_the_vertical_force_at_the_step_frequency():
    person = dataclasses.replace(draw_pedestrian(np.random.default_rng(0)), speed_m_s=1.2, walk_ratio_m_s=0.4)
    motion = walk(person, CARRYING_MODES["handheld"], duration_s=60.0, rate_hz=100.0, rng=np.random.default_rng(4))
    vertical = Rotation.from_quat(motion.orientation).apply(motion.accel)[:, 2] - G
    power = np.abs(np.fft.rfft(vertical)) ** 2
    peak_hz = np.fft.rfftfreq(len(vertical), 0.01)[power.argmax()]
    assert 1.2 < peak_hz < 2.4  # sqrt(1.2 / 0.4) = 1.73 at the preferred speed
    assert 0.5 < vertical.std() < 4.0


def test_noise_free_sensors_read_the_truth_and_the_field_points_north_and_down():
    motion = walk(
        draw_pedestrian(np.random.default_rng(0)),
        CARRYING_MODES["pocket"],
        duration_s=5.0,
        rate_hz=100.0,
        rng=np.random.default_rng(1),
    )
    perfect = PhoneSensors(**{field.name: 0.0 for field in dataclasses.fields(PhoneSensors)})
    field = EarthField(indoor_ut=0.0)
    accel, gyro, mag = measure(motion, 100.0, np.random.default_rng(2), sensors=perfect, field=field)
    np.testing.assert_allclose(accel, motion.accel)
    np.testing.assert_allclose(gyro, motion.gyro)
    world = Rotation.from_quat(motion.orientation).apply(mag)
    np.testing.assert_allclose(np.linalg.norm(mag, axis=1), 49.0)
    assert world[0, 2] == pytest.approx(-49 * np.sin(np.radians(66.5)))
    assert np.degrees(np.arctan2(world[0, 1], world[0, 0])) == pytest.approx(60.0)


def test_sensor_noise_has_the_density_of_the_data_sheet():
    still = np.zeros((20_000, 3))
    motion = dataclasses.replace(
        walk(draw_pedestrian(np.random.default_rng(0)), CARRYING_MODES["trolley"], duration_s=200.0, rate_hz=100.0,
             rng=np.random.default_rng(0)), accel=still, gyro=still,
    )  # fmt: skip
    accel, gyro, _ = measure(motion, 100.0, np.random.default_rng(3), sensors=PhoneSensors(), field=EarthField())
    # Rounding to the sensor's resolution adds lsb^2 / 12.
    expected = np.hypot(180e-6 * G * np.sqrt(50), G / 4096 / np.sqrt(12))
    assert accel.std(axis=0) == pytest.approx([expected] * 3, rel=0.05)
    assert np.degrees(gyro.std(axis=0)) == pytest.approx(
        [np.hypot(0.007 * np.sqrt(50), 1 / 16.4 / 12**0.5)] * 3, rel=0.05
    )


def test_the_default_set_is_as_documented():
    data = load_dataset("synthetic")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [10, 3, 3]
    assert all(recording.duration_s == 120.0 for recording in data.recordings)
    assert {recording.mode for recording in data.test} == {"handheld", "pocket", "trolley"}
    length = [np.linalg.norm(np.diff(r.position[::100, :2], axis=0), axis=1) for r in data.recordings]
    speed = np.array([steps.mean() for steps in length])
    assert ((speed > 0.5) & (speed < 1.6)).all()
    assert any((steps < 0.05).any() for steps in length)  # people stop
    rest = [np.linalg.norm(r.accel, axis=1).mean() for r in data.recordings]
    assert rest == pytest.approx([G] * 16, rel=0.08)


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


def test_a_simple_learner_beats_the_trivial_predictors():
    """Ridge regression on level-frame features of unseen people: the set must be learnable, and not trivially so."""
    data = load_dataset("synthetic", synthetic=SyntheticOptions(n_train=6, duration_s=60.0))
    parts = [make_windows(recordings, WindowSpec(200, 20)) for recordings in (data.train, data.test)]
    features = [_compass_features(windows.inputs.astype(float)) for windows in parts]
    weights = np.linalg.lstsq(
        np.vstack([features[0], np.eye(features[0].shape[1])]),
        np.vstack([parts[0].targets, np.zeros((features[0].shape[1], 2))]),
        rcond=None,
    )[0]
    error = np.sqrt(((features[1] @ weights - parts[1].targets) ** 2).sum(axis=1).mean())
    zero = np.sqrt((parts[1].targets ** 2).sum(axis=1).mean())
    assert 0.1 * zero < error < 0.65 * zero


def _compass_features(inputs):
    """Compass direction of the phone's top edge (held upright: its back), alone and times the strength of the gait."""
    up = inputs[:, :, :3].mean(axis=1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    mag = inputs[:, :, 6:].mean(axis=1)
    north = mag - (mag * up).sum(axis=1, keepdims=True) * up
    north /= np.linalg.norm(north, axis=1, keepdims=True)
    west = np.cross(up, north)
    upright = np.abs(up[:, 1:2]) > 0.8
    # Upright in a pocket the screen looks back or ahead: tilt -80 turns the phone's z against the heading.
    ahead = np.where(upright, np.sign(up[:, 1:2]) * [0.0, 0.0, -1.0], [0.0, 1.0, 0.0])
    compass = np.stack([(north * ahead).sum(axis=1), (west * ahead).sum(axis=1)], axis=1)
    gait = np.linalg.norm(inputs[:, :, :3], axis=2).std(axis=1, keepdims=True)
    return np.hstack([compass, compass * gait, compass * gait**2, compass * upright, np.ones_like(gait)])


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
        code = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(value).items() if k != "name"}
        assert set(table) == set(code)
        for key, figure in code.items():
            assert table[key] == (pytest.approx(figure, rel=1e-3) if isinstance(figure, float) else figure), key
