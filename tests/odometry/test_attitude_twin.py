"""The C filter and its twin in Python give the same bits; what the compiled one is built from."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests._tools import needs
from tinynas.odometry import read_oxiod
from tinynas.odometry.attitude import (
    AttitudeOptions,
    compute_gains,
    compute_magnetometer_gains,
    initialise,
    load_replay,
    replay_twin,
)
from tinynas.resources import resource

from .test_attitude import FIELD, G, tumble


@pytest.fixture(scope="module")
def compiled():
    replay = load_replay()
    if replay is None:
        pytest.skip("not installed: a C compiler")
    return replay


def walk(seed, n, rate_hz, *, wild):
    """Samples of a device that tumbles, rests, falls and passes magnets; `wild` ones are of no device at all."""
    generator = np.random.default_rng(seed)
    if wild:
        scales = generator.choice([0.0, 1e-30, 1e-3, 1.0, 50.0, 1e4], 3)
        return [(generator.normal(0, 1, (n, 3)) * scale).astype(np.float32) for scale in scales]
    truth, rate = tumble(n / 100 + 1, seed)
    truth, rate = truth[:n], rate[:n] * (rate_hz / 100)
    force = truth.inv().apply(G) + generator.normal(0, 0.5, (n, 3))
    field = truth.inv().apply(FIELD) + generator.normal(0, 0.3, (n, 3)) + generator.normal(0, 20, 3)
    field[n // 3 : n // 2] *= 1.4
    force[n // 2 : n // 2 + 5] = 0
    return [array.astype(np.float32) for array in (force, rate, field)]


def same_bits(a, b):
    return np.array_equal(a.view(np.uint32), b.view(np.uint32))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate_hz=st.sampled_from([25.0, 100.0, 199.7]),
    wild=st.booleans(),
    has_mag=st.booleans(),
    hard_iron=st.sampled_from(["none", "online"]),
    tolerance=st.sampled_from([0.0, 0.15]),
    tilt_time_s=st.sampled_from([0.2, 3.0]),
)
def test_compiled_and_python_agree_bit_for_bit(
    compiled, seed, rate_hz, wild, has_mag, hard_iron, tolerance, tilt_time_s
):
    options = AttitudeOptions(
        hard_iron=hard_iron, field_tolerance=tolerance, tilt_time_s=tilt_time_s, heading_time_s=1.0, rest_s=0.05
    )
    force, rate, field = walk(seed, 400, rate_hz, wild=wild)
    learning = compute_magnetometer_gains(rate_hz, options) if hard_iron == "online" else None
    known = np.random.default_rng(seed).normal(0, 5, 3).astype(np.float32)
    inputs = (compute_gains(rate_hz, options), learning, known, force, rate, field if has_mag else None)
    for c, python in zip(compiled(*inputs), replay_twin(*inputs), strict=True):
        assert same_bits(c, python)
        assert np.isfinite(c).all()


def test_agree_over_minutes(compiled):
    force, rate, field = walk(7, 9000, 100.0, wild=False)
    inputs = (compute_gains(100.0), compute_magnetometer_gains(100.0), np.zeros(3, np.float32), force, rate, field)
    for c, python in zip(compiled(*inputs), replay_twin(*inputs), strict=True):
        assert same_bits(c, python)


def test_agree_on_every_real_recording(compiled, oxiod_subset):
    for recording in (recording for part in read_oxiod(oxiod_subset) for recording in part):
        inputs = [getattr(recording, name).astype(np.float32) for name in ("accel", "gyro", "mag")]
        inputs = (compute_gains(100.0), compute_magnetometer_gains(100.0), np.zeros(3, np.float32), *inputs)
        for c, python in zip(compiled(*inputs), replay_twin(*inputs), strict=True):
            assert same_bits(c, python), recording.name


def test_without_a_compiler_the_twin_serves(monkeypatch):
    load_replay.cache_clear()
    monkeypatch.setenv("TINYNAS_NATIVE", "0")
    assert load_replay() is None
    load_replay.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("compiler", [pytest.param(name, marks=needs(name)) for name in ("gcc", "clang")])
@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_no_optimisation_changes_a_bit(compiled, compiler, level, tmp_path):
    """Bits do not depend on the compiler or its level: nothing is contracted, reordered or kept in wider registers."""
    with_files = tmp_path / "odometry"
    shutil.copytree(str(resource("firmware", "odometry")), with_files)
    library = tmp_path / "odometry.so"
    sources = [str(with_files / f"{name}.c") for name in ("attitude", "field", "magnetometer", "replay")]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wdouble-promotion", "-Wfloat-conversion", "-pedantic"]
    options = ["-std=c11", level, "-ffp-contract=off", "-shared", "-fPIC", f"-I{tmp_path}"]
    subprocess.run([compiler, *options, *warnings, *sources, "-o", str(library)], check=True)
    undefined = subprocess.run(["nm", "-D", "-u", str(library)], capture_output=True, text=True, check=True).stdout
    assert not {"sqrtf", "sqrt", "malloc", "fabsf"} & set(undefined.split())

    from tinynas.odometry.attitude import native

    other = native._bind(ctypes.CDLL(str(library)))
    force, rate, field = walk(11, 2000, 100.0, wild=False)
    inputs = (compute_gains(100.0), compute_magnetometer_gains(100.0), np.zeros(3, np.float32), force, rate, field)
    for a, b in zip(compiled(*inputs), other(*inputs), strict=True):
        assert same_bits(a, b)


def test_gains_as_c_are_the_very_numbers():
    gains = compute_gains(100.0)
    lines = initialise(gains, "gains").splitlines()
    assert lines[0] == "static const attitude_gains gains = {"
    assert lines[1] == "    .step_s = 0.01f,"
    for line, value in zip(lines[1:-1], vars(gains).values(), strict=True):
        assert np.float32(line.split("=")[1].strip(" ,f")) == value


def test_gains_follow_the_rate():
    slow, fast = compute_gains(50.0), compute_gains(200.0)
    assert slow.tilt_stiffness == pytest.approx(16 * fast.tilt_stiffness)
    assert slow.tilt_stiffness == pytest.approx(2 / 9 * 0.02**2)  # (sqrt(2) / 3 s * 20 ms)^2
    assert slow.tilt_damping == pytest.approx(2 / 3 * 0.02)
    assert (slow.start_samples, fast.start_samples) == (500, 2000)
    assert slow.heading_gain == pytest.approx(1 - np.exp(-0.02 / 10))
