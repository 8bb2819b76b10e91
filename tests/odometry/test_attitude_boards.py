"""The filter on virtual boards: bits, cycles and memory."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hil.emulator._programs import emulated
from tinynas.odometry import read_oxiod
from tinynas.odometry.attitude import (
    compute_gains,
    compute_magnetometer_gains,
    initialise,
    load_replay,
    replay_twin,
)

from .test_attitude_twin import walk

pytestmark = emulated

FILES = ("core/string.c", *(f"odometry/{name}.c" for name in ("attitude", "field", "magnetometer")))

# Takes samples (accel, gyro, mag) one by one; keeps a hash of all rotations (FNV-1a on words) and the slowest sample.
PROGRAM = """
#include "odometry/attitude.h"
#include "odometry/magnetometer.h"
#include "gains.h"
extern const uint32_t input[];
attitude state;
magnetometer iron;
uint32_t hash, slowest, total, bytes = 0;
static uint32_t now(void) { return *(volatile uint32_t *)0xE0001004; }
void program(void) {
    const uint32_t samples = input[0];
    const float (*rows)[9] = (const float (*)[9])(input + 1);
    attitude_start(&state, &gains);
    magnetometer_start(&iron, 0);
    hash = 2166136261u;
    slowest = total = 0;
    for (uint32_t n = 0; n < samples; n++) {
        const uint32_t began = now();
        const float *const row = rows[n], *const b = state.gyro_bias;
        const float turning[3] = {row[3] - b[0], row[4] - b[1], row[5] - b[2]};
        float field[3];
        magnetometer_update(&iron, &learning, turning, row + 6, field);
        attitude_update(&state, &gains, row, row + 3, field);
        const uint32_t took = now() - began;
        slowest = took > slowest ? took : slowest;
        total += took;
        for (int i = 0; i < 9; i++) {
            uint32_t bits;
            __builtin_memcpy(&bits, state.rotation + i, 4);
            hash = (hash ^ bits) * 16777619u;
        }
    }
}
"""


def fnv(words):
    value = 2166136261
    for word in words.tolist():
        value = (value ^ word) * 16777619 & 0xFFFFFFFF
    return value


def run_on(board, rows):
    board.run(np.concatenate([np.array([len(rows)], np.uint32), rows.reshape(-1).view(np.uint32)]))


@pytest.fixture(scope="module", params=["nucleo_f446re", "nucleo_f746zg"])
def board(request, tmp_path_factory):
    from ._boards import Board

    gains = initialise(compute_gains(100.0), "gains") + initialise(compute_magnetometer_gains(100.0), "learning")
    folder = tmp_path_factory.mktemp(request.param)
    return Board(request.param, folder, {"gains.h": gains, "program.c": PROGRAM}, FILES)


@pytest.mark.slow
def test_a_board_computes_the_bits_of_the_host_in_less_than_2000_cycles(board):
    force, rate, field = walk(21, 3000, 100.0, wild=False)
    run_on(board, np.concatenate([force, rate, field], axis=1))
    inputs = (compute_gains(100.0), compute_magnetometer_gains(100.0), np.zeros(3, np.float32), force, rate, field)
    rotations, learned = (load_replay() or replay_twin)(*inputs)
    assert board.read("hash", np.uint32)[0] == fnv(rotations.view(np.uint32).reshape(-1))
    np.testing.assert_array_equal(board.read("iron", np.float32)[:3], learned[:3])
    np.testing.assert_array_equal(board.read("state", np.float32)[9:12], learned[3:])
    assert board.read("slowest", np.uint32)[0] < 2000
    assert board.read("total", np.uint32)[0] / 3000 < 1600
    assert board.read("state", np.uint8).size + board.read("iron", np.uint8).size < 400  # bytes of SRAM


@pytest.mark.slow
def test_a_board_computes_the_bits_of_the_host_on_every_real_recording(board, oxiod_subset):
    """The first 30 s of each: start-up, calibration and walking."""
    for recording in (recording for part in read_oxiod(oxiod_subset) for recording in part):
        force, rate, field = (getattr(recording, name)[:3000].astype(np.float32) for name in ("accel", "gyro", "mag"))
        run_on(board, np.concatenate([force, rate, field], axis=1))
        inputs = (compute_gains(100.0), compute_magnetometer_gains(100.0), np.zeros(3, np.float32), force, rate, field)
        rotations, _ = (load_replay() or replay_twin)(*inputs)
        assert board.read("hash", np.uint32)[0] == fnv(rotations.view(np.uint32).reshape(-1)), recording.name
