"""The program from samples to a path: against the host's own filter, windows, network and sum."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from tests._tools import needs
from tests.deploy._building import Model as Building
from tests.hil.emulator._programs import emulated
from tests.odometry._boards import Board
from tests.odometry.test_attitude_twin import walk
from tinynas.deploy import Model, PathSettings, Quantization, compile_path, infer
from tinynas.errors import ConversionError
from tinynas.odometry import AttitudeOptions, Recording, WindowSpec, quarter_turn, trajectory
from tinynas.odometry.attitude import compute_gains, compute_magnetometer_gains, initialise, replay_attitude
from tinynas.odometry.windows import Normalization

WINDOW, STRIDE, RATE_HZ = 60, 10, 100.0
ONLINE = AttitudeOptions(hard_iron="online")
SCALING = Normalization(np.array([0, 0, 9.8, 0, 0, 0]), np.array([2.5, 2.5, 2.0, 0.6, 0.6, 0.5]))


FIXED = Normalization(np.concatenate([SCALING.mean, np.zeros(9)]), np.concatenate([SCALING.std, np.full(9, 0.6)]))


def network(seed=3, zero_in=0, channels=6, scale_out=0.02):
    """A small network whose velocities are about 1 m/s."""
    m = Building(np.random.default_rng(seed))
    x = m.input(1, WINDOW, channels, scale=0.03)
    m.tensors[x] = replace(m.tensors[x], quantization=Quantization((0.03,), (zero_in,)))
    m.rms[x] /= 12  # most samples are small against the few largest: weights suit those
    y = m.conv(m.expand_dims(x, 1), 6, (1, 5), same=False, activation=1)
    y = m.conv(y, 2, (1, WINDOW - 4), same=False, affine=(scale_out, -3))
    return m.pack(m.strided_slice(y, (0, 0, -1, 0), (0, 0, 0, 0), None, 0b110, 0b1001, 0b1001))


def settings(**changes):
    gains = initialise(compute_gains(RATE_HZ, ONLINE), "gains")
    learning = initialise(compute_magnetometer_gains(RATE_HZ, ONLINE), "learning")
    mean, std = SCALING.mean.tolist(), SCALING.std.tolist()
    return replace(PathSettings(RATE_HZ, STRIDE, mean, std, gains, learning), **changes)


def host_path(model, force, rate, field, *, turns=1, stride=STRIDE, options=ONLINE):
    """Velocities and path by the package's own windows, kernels and sum."""
    rotations = replay_attitude(force, rate, field, RATE_HZ, options).rotations.astype(np.float64)
    inputs = np.concatenate([np.einsum("nij,nj->ni", rotations, v) for v in (force, rate)], axis=1)
    starts = np.arange(0, len(force) - WINDOW + 1, stride)
    windows = SCALING.apply(np.stack([inputs[s : s + WINDOW] for s in starts]))
    velocity = np.zeros((len(starts), 2))
    for quarter in range(0, 4, 4 // turns):
        angle = quarter * np.pi / 2
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).round()
        turned = windows.copy()
        for axis in (0, 3):
            turned[:, :, axis : axis + 2] = windows[:, :, axis : axis + 2] @ turn.T
        velocity += infer(model, turned.astype(np.float32), reference=True) @ turn / turns
    n = len(force)
    still = Recording("still", RATE_HZ, np.arange(n) / RATE_HZ, force, rate, None, np.zeros((n, 3)), None,
                      np.ones(n, bool))  # fmt: skip
    return velocity, trajectory(velocity, starts, WindowSpec(WINDOW, stride), still).predicted


def board_windows(model, force, rate, field, chosen):
    """The windows of int8 as the board fills them: in single floats, one operation after the other."""
    rotations = replay_attitude(force, rate, field, RATE_HZ, ONLINE).rotations
    r = [rotations[:, i, j] for i in range(3) for j in range(3)]
    channels = [
        r[3 * i] * v[:, 0] + r[3 * i + 1] * v[:, 1] + r[3 * i + 2] * v[:, 2] for v in (force, rate) for i in range(3)
    ]
    if len(chosen.mean) == 15:
        channels += [r[3 * i + axis] for axis in range(3) for i in range(3)]
    source = Model.of(model).input.quantization
    gain = (1.0 / (np.asarray(chosen.std) * source.scale[0])).astype(np.float32)
    steps = np.rint((np.stack(channels, axis=1) - np.float32(chosen.mean)) * gain) + source.zero_point[0]
    zero = source.zero_point[0]
    reach = 127 - abs(zero)
    low, high = (zero - reach, zero + reach) if chosen.turns > 1 else (-128, 127)
    samples = np.clip(steps, low, high).astype(np.int8)
    starts = range(0, len(samples) - WINDOW + 1, chosen.stride)
    return np.stack([samples[start : start + WINDOW] for start in starts])


def host_velocities(model, windows, turns):
    """The mean over turned windows of int8, as `average_turns` makes it of real numbers."""
    source, target = Model.of(model).input.quantization, Model.of(model).output.quantization
    real = (windows.astype(np.float32) - source.zero_point[0]) * np.float32(source.scale[0])
    total = np.zeros((len(windows), 2), int)
    for quarter in range(0, 4, 4 // turns):
        found = infer(model, quarter_turn(real, quarter), reference=True)
        total += quarter_turn(np.rint(found / target.scale[0]), -quarter, width=2).astype(int)
    return total.astype(np.float32) * (np.float32(target.scale[0]) / np.float32(turns))


PROGRAM = """
#include "path_settings.h"
extern const uint32_t input[];
path walk;
uint32_t inferences, filter_cycles, other_cycles;
static int8_t window[MODEL_INPUT_BYTES] __attribute__((aligned(4)));
static uint32_t now(void) { return *(volatile uint32_t *)0xE0001004; }
void program(void) {
    const float (*rows)[9] = (const float (*)[9])(input + 2);
    if (!input[1]) {
        path_start(&walk, &settings, window);
    }
    for (uint32_t n = 0; n < input[0]; n++) {
        const uint32_t began = now();
        if (path_push(&walk, &settings, rows[n], rows[n] + 3, rows[n] + 6)) {
            inferences++;
        } else {
            const uint32_t took = now() - began;
            filter_cycles = took > filter_cycles ? took : filter_cycles;
        }
    }
}
"""

MAIN = """
#include <stdio.h>
#include "path_settings.h"
static path walk;
static int8_t window[MODEL_INPUT_BYTES] __attribute__((aligned(4)));
int main(void) {
    float row[9];
    path_start(&walk, &settings, window);
    while (fread(row, sizeof row, 1, stdin) == 1) {
        if (path_push(&walk, &settings, row, row + 3, row + 6)) {
            fwrite(walk.velocity, sizeof walk.velocity, 1, stdout);
            fwrite(walk.position, sizeof walk.position, 1, stdout);
        }
    }
    return 0;
}
"""


def run_on_host(program, rows, folder):
    sources = program.write(folder)
    (folder / "main.c").write_text(MAIN)
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", f"-I{folder}"]
    subprocess.run(["gcc", *options, *map(str, [*sources, folder / "main.c"]), "-o", str(folder / "run")], check=True)
    done = subprocess.run([str(folder / "run")], input=rows.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(-1, 4)


@pytest.mark.slow
@needs("gcc")
@pytest.mark.parametrize("turns", [1, 2, 4])
def test_the_program_walks_where_the_host_walks(turns, tmp_path):
    samples = walk(31, 3000, RATE_HZ, wild=False)
    rows = np.concatenate(samples, axis=1)
    model = network()
    found = run_on_host(compile_path(model, settings(turns=turns)), rows, tmp_path)
    velocity, position = host_path(model, *(array.astype(np.float64) for array in samples), turns=turns)
    assert len(found) == len(velocity)
    # An input at the edge of a step may fall to either side of it: float64 there, float32 here.
    assert (np.abs(found[:, :2] - velocity) < 1e-6).mean() > 0.97
    assert np.abs(found[:, :2] - velocity).max() < 0.021
    np.testing.assert_allclose(found[-1, 2:], position[-1] - position[0], atol=0.01)


@pytest.mark.slow
@needs("gcc")
@pytest.mark.parametrize(
    ("turns", "scaling", "zero"), [(1, SCALING, -7), (2, FIXED, 9), (4, SCALING, 0), (4, FIXED, -5)]
)
def test_every_velocity_is_the_hosts_to_the_last_bit(turns, scaling, zero, tmp_path):
    samples = walk(34, 1500, RATE_HZ, wild=False)
    model = network(seed=5, zero_in=zero, channels=len(scaling.mean))
    # A quarter of the scale: many values are at the ends of int8, of which one has no negative.
    chosen = settings(turns=turns, mean=scaling.mean.tolist(), std=(scaling.std / 4).tolist())
    found = run_on_host(compile_path(model, chosen), np.concatenate(samples, axis=1), tmp_path)
    windows = board_windows(model, *samples, chosen)
    assert (windows == windows.min()).sum() > 1000
    np.testing.assert_array_equal(found[:, :2], host_velocities(model, windows, turns))


@needs("gcc")
def test_a_level_path_never_reads_the_magnetometer(tmp_path):
    force, rate, field = walk(32, 800, RATE_HZ, wild=False)
    program = compile_path(network(), settings(north=False))
    found = [run_on_host(program, np.concatenate([force, rate, mag], axis=1), tmp_path) for mag in (field, 0 * field)]
    np.testing.assert_array_equal(*found)
    velocity, _ = host_path(network(), force.astype(np.float64), rate.astype(np.float64), None)
    assert (np.abs(found[0][:, :2] - velocity) < 1e-6).mean() > 0.97


def test_refuses_models_that_are_not_fed_by_a_filter():
    with pytest.raises(ConversionError, match=r"\(1, window, 6\)"):
        compile_path(network(channels=9), settings())
    with pytest.raises(ConversionError, match="of 6 channels, where the model has 15"):
        compile_path(network(channels=15), settings())
    with pytest.raises(ConversionError, match="stride of 61"):
        compile_path(network(), settings(stride=61))
    with pytest.raises(ConversionError, match="share a scale without offset"):
        compile_path(network(), settings(turns=4, std=[1.0, 2.0, 1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(ConversionError, match="share a scale without offset"):
        compile_path(network(), settings(turns=2, mean=[0.0, 0.1, 9.8, 0.0, 0.0, 0.0]))
    with pytest.raises(ConversionError, match="3 turns"):
        compile_path(network(), settings(turns=3))


@pytest.mark.parametrize(
    "board",
    [pytest.param("nucleo_f446re", marks=emulated), pytest.param("nucleo_f746zg", marks=[*emulated, pytest.mark.slow])],
)
def test_a_replayed_recording_ends_where_the_host_ends(board, tmp_path):
    samples = walk(33, 3200, RATE_HZ, wild=False)
    model = network(seed=4, scale_out=0.08)
    program = compile_path(model, settings(stride=20))
    files = {name: text for name, text in program.files.items() if "/" not in name} | {"program.c": PROGRAM}
    odometry = [name for name in program.sources if "/" in name]
    virtual = Board(board, tmp_path, files, ["core/string.c", *odometry])
    rows = np.concatenate(samples, axis=1)
    virtual.run(np.concatenate([np.array([len(rows), 0], np.uint32), rows.reshape(-1).view(np.uint32)]))
    velocity, position = host_path(model, *(array.astype(np.float64) for array in samples), stride=20)
    assert np.linalg.norm(np.diff(position, axis=0), axis=1).sum() > 100
    assert virtual.read("inferences", np.uint32)[0] == len(velocity)
    found = virtual.read("walk", np.float32)[-2:]
    assert np.linalg.norm(found - (position[-1] - position[0])) < 0.01
    assert virtual.read("filter_cycles", np.uint32)[0] < 2500
