"""Varied training windows: what a turn, a tilt, another force and another speed make of samples and targets."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.odometry.builders import line, make_recording
from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import (
    Augmenter,
    AugmentOptions,
    Normalization,
    WindowSpec,
    change_speed,
    make_windows,
    quarter_turn,
)

G = 9.80665
SCALE = Normalization(mean=np.array([0, 0, 9.7, 0, 0, 0.1]), std=np.array([0.5, 0.5, 0.8, 0.2, 0.2, 0.4]))


def augmenter(*, turns=True, target_turns=True, **options):
    return Augmenter(AugmentOptions(**{"noise": 0.0, **options}), SCALE, turns, target_turns)


def vary(given, samples, targets, seed=1):
    """Samples (n, rows, 6) in SI units and targets, as training would see them, in SI units again."""
    varied, along = given.vary(np.random.default_rng(seed), SCALE.apply(samples), targets)
    return varied * SCALE.std + SCALE.mean, along


def walks(n=50, rows=7, seed=2):
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 1, (n, rows, 6)) + np.array([0, 0, G, 0, 0, 0])
    return samples.astype(np.float32), rng.normal(0, 1, (n, 2)).astype(np.float32)


def test_a_turn_of_the_walk_turns_force_rate_and_target_by_one_angle():
    samples, targets = walks()
    turned, along = vary(augmenter(yaw=True), samples, targets)
    angle = np.arctan2(along[:, 1], along[:, 0]) - np.arctan2(targets[:, 1], targets[:, 0])
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    for x in (0, 3):
        np.testing.assert_allclose(turned[:, :, x], cos * samples[:, :, x] - sin * samples[:, :, x + 1], atol=1e-5)
        np.testing.assert_allclose(turned[:, :, x + 1], sin * samples[:, :, x] + cos * samples[:, :, x + 1], atol=1e-5)
        np.testing.assert_allclose(turned[:, :, x + 2], samples[:, :, x + 2], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(along, axis=1), np.linalg.norm(targets, axis=1), rtol=1e-5)
    # Headings of all directions: fifty draws leave no sixth of the circle empty.
    assert len(set(np.floor((angle % (2 * np.pi)) / (np.pi / 3)))) == 6


def test_a_target_that_does_not_depend_on_heading_stays():
    samples, targets = walks()
    turned, same = vary(augmenter(yaw=True, target_turns=False), samples, targets)
    np.testing.assert_allclose(same, targets, atol=1e-6)
    assert np.abs(turned - samples).max() > 0.5


def test_yaw_is_on_by_default_where_a_frame_allows_it():
    assert augmenter().yaw
    assert not augmenter(turns=False).yaw
    assert not augmenter(yaw=False).yaw
    samples, targets = walks()
    same, untouched = vary(augmenter(turns=False), samples, targets)
    np.testing.assert_allclose(same, samples, atol=1e-5)
    np.testing.assert_allclose(untouched, targets, atol=1e-6)


def test_a_scaled_force_leaves_gravity_and_the_rate_alone():
    samples, targets = walks()
    scaled, same = vary(augmenter(yaw=False, force_scale=0.2), samples, targets)
    motion = samples[..., :3] - [0, 0, G]
    factor = (scaled[..., :3] - [0, 0, G]) / motion
    assert np.all((factor > 0.8 - 1e-3) & (factor < 1.2 + 1e-3))
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :1, :1], factor.shape), atol=2e-2)
    assert np.ptp(factor[:, 0, 0]) > 0.3
    np.testing.assert_allclose(scaled[..., 3:], samples[..., 3:], atol=1e-5)
    np.testing.assert_allclose(same, targets, atol=1e-6)


def test_a_tilt_leans_gravity_by_its_angle_and_keeps_lengths():
    at_rest = np.tile(np.float32([0, 0, G, 0, 0, 0.5]), (400, 3, 1))
    leaned, same = vary(augmenter(yaw=False, tilt_deg=3.0), at_rest, np.ones((400, 2), np.float32))
    np.testing.assert_allclose(np.linalg.norm(leaned[..., :3], axis=2), G, rtol=1e-5)
    angle = np.degrees(np.arctan2(np.hypot(leaned[:, 0, 0], leaned[:, 0, 1]), leaned[:, 0, 2]))
    # The length of two normal components of 3 degrees each.
    assert np.sqrt(np.mean(angle**2)) == pytest.approx(3.0 * np.sqrt(2), rel=0.1)
    np.testing.assert_allclose(leaned[:, 0, :3] / G, leaned[:, 0, 3:] / 0.5, atol=1e-4)
    np.testing.assert_allclose(same, 1.0, atol=1e-6)


def test_biases_are_constant_over_a_window_and_as_large_as_asked():
    samples, targets = walks(n=1000)
    moved, _ = vary(augmenter(yaw=False, accel_bias_m_s2=0.2, gyro_bias_rad_s=0.01), samples, targets)
    apart = moved - samples
    np.testing.assert_allclose(apart, np.broadcast_to(apart[:, :1], apart.shape), atol=1e-4)
    np.testing.assert_allclose(apart[:, 0].std(axis=0), [0.2] * 3 + [0.01] * 3, rtol=0.1)


def test_noise_is_white_and_as_large_as_asked_on_normalised_channels():
    samples, targets = walks(n=200, rows=50)
    given = augmenter(yaw=False, noise=0.3)
    varied, _ = given.vary(np.random.default_rng(1), SCALE.apply(samples), targets)
    noise = varied - SCALE.apply(samples)
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.3, rtol=0.05)
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1])) < 0.002


def test_the_same_seed_varies_alike():
    samples, targets = walks()
    given = augmenter(tilt_deg=2.0, noise=0.1, gyro_bias_rad_s=0.1)
    (a, b), (c, d), (e, _) = (vary(given, samples, targets, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(a, c)
    np.testing.assert_array_equal(b, d)
    assert np.abs(a - e).max() > 0.1


def test_the_same_motion_faster():
    """A sway of 1 Hz while walking at 1 m/s: at double speed 2 Hz, four times the acceleration, twice the rate."""
    time = np.arange(1001) / 100
    sway = np.sin(2 * np.pi * time)
    recording = dataclasses.replace(
        make_recording(line(1001), mag=False),
        accel=np.stack([sway, 0 * sway, G + 0 * sway], axis=1),
        gyro=np.stack([sway, 0 * sway, 0 * sway], axis=1),
        frame="north",
    )
    parts = change_speed([recording], 1.0)
    assert len(parts) == 4
    [fast] = parts[-1]
    assert len(fast) == 500
    np.testing.assert_allclose(fast.accel[:, 2], G, atol=1e-9)
    np.testing.assert_allclose(fast.accel[:, 0], 4 * np.sin(4 * np.pi * fast.time_s), atol=1e-3)
    np.testing.assert_allclose(fast.gyro[:, 0], 2 * np.sin(4 * np.pi * fast.time_s), atol=1e-3)
    np.testing.assert_allclose(
        make_windows([fast], WindowSpec(100, 100)).targets, np.tile([2.0, 0.0], (5, 1)), atol=1e-6
    )
    [slow] = parts[0]
    np.testing.assert_allclose(make_windows([slow], WindowSpec(100, 100)).targets[:, 0], 0.5, atol=1e-6)
    with pytest.raises(DatasetError, match="gravity"):
        change_speed([make_recording(line(50))], 0.25)
    assert change_speed([recording], 0.0) == []


def test_untrusted_rows_stay_untrusted_at_another_speed():
    valid = np.ones(400, bool)
    valid[200:220] = False
    recording = dataclasses.replace(make_recording(line(400), mag=False, valid=valid), frame="level")
    for [played] in change_speed([recording], 0.25):
        share = 1 - played.valid.mean()
        assert share == pytest.approx(20 / 400, abs=0.01)


@given(rows=st.integers(2, 3000), share=st.floats(0.01, 1.0))
@example(rows=16837, share=0.15)  # 16836 steps of the slowest end on the last row, but for rounding
@example(rows=16837, share=0.25)
def test_every_length_can_be_played_at_every_speed(rows, share):
    still = make_recording(line(2), mag=False)
    zero = np.zeros((rows, 3))
    recording = dataclasses.replace(
        still, time_s=np.arange(rows) / 100, accel=zero, gyro=zero, position=np.pad(line(rows), ((0, 0), (0, 1))),
        valid=np.ones(rows, bool), frame="level",
    )  # fmt: skip
    for [played] in (part for part in change_speed([recording], share) if part or rows > 2):
        speed = np.ptp(played.position[:, 0]) / np.ptp(recording.position[:, 0]) * (rows - 1) / (len(played) - 1 or 1)
        assert len(played) == pytest.approx((rows - 1) / speed, abs=1.001) or len(played) == 1


@pytest.mark.parametrize("option", [{"yaw": True}, {"time_scale": 0.2}, {"force_scale": 0.1}, {"tilt_deg": 1.0}])
def test_what_needs_gravity_is_refused_in_the_body_frame(option):
    windows = make_windows([make_recording(line(100))], WindowSpec(10, 10))
    with pytest.raises(DatasetError, match="level or north") as caught:
        AugmentOptions(**option).check(windows)
    assert caught.value.where == f"training.augment.{next(iter(option))}"
    AugmentOptions(noise=0.1, accel_bias_m_s2=0.1).check(windows)


def test_values_that_cannot_be_are_refused_at_their_key():
    with pytest.raises(ConfigError) as caught:
        AugmentOptions(time_scale=2.0)
    assert caught.value.where == "training.augment.time_scale"


def test_quarter_turns_are_turns_by_the_augmenter():
    """A drawn angle of a quarter turn and `quarter_turn` agree: both turn counter-clockwise."""

    class Quarter:
        def uniform(self, *_):
            return np.array([np.pi / 2])

    samples, targets = walks(n=1)
    matrix, offset, turn = augmenter(yaw=True).draw(Quarter(), 1)
    varied = (SCALE.apply(samples) @ matrix + offset) * SCALE.std + SCALE.mean
    np.testing.assert_allclose(varied, quarter_turn(samples, 1), atol=1e-5)
    np.testing.assert_allclose(targets @ turn[0], quarter_turn(targets, 1, width=2), atol=1e-6)


def test_the_devices_axes_turn_like_the_force():
    rng = np.random.default_rng(8)
    wide = Normalization(np.r_[SCALE.mean, np.zeros(9)], np.r_[SCALE.std, np.tile([0.6, 0.6, 0.3], 3)])
    samples = np.concatenate([walks()[0], rng.normal(0, 0.6, (50, 7, 9))], axis=2).astype(np.float32)
    samples[:, :, 6:9] = samples[:, :, :3]  # an axis along the force
    given = Augmenter(AugmentOptions(yaw=True, tilt_deg=3.0, noise=0.0), wide, True, True)
    varied, _ = given.vary(np.random.default_rng(9), wide.apply(samples), walks()[1])
    varied = varied * wide.std + wide.mean
    np.testing.assert_allclose(varied[:, :, 6:9], varied[:, :, :3], atol=1e-4)
    assert np.abs(varied[:, :, 9:12] - samples[:, :, 9:12]).max() > 0.5
    # Another force does not bend the device.
    forced = Augmenter(AugmentOptions(yaw=False, force_scale=0.2, noise=0.0), wide, True, True)
    varied, _ = forced.vary(np.random.default_rng(9), wide.apply(samples), walks()[1])
    np.testing.assert_allclose(varied[:, :, 6:] * wide.std[6:], samples[:, :, 6:], atol=1e-5)


def test_noise_is_on_by_default_and_as_large_as_asked():
    inputs, targets = np.zeros((40, 50, 6), np.float32), np.zeros((40, 2), np.float32)
    noisy, same = augmenter(yaw=False, noise=AugmentOptions().noise).vary(np.random.default_rng(0), inputs, targets)
    assert noisy.std() == pytest.approx(0.2, rel=0.05)
    assert not same.any()
    assert not inputs.any(), "the caller's windows stay as they are"
