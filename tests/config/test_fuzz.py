"""Mutants of configurations and board files: values, or a ConfigError (or another error of tinynas) with the place.

The full count is behind the marker `exhaustive`.
"""

from __future__ import annotations

import time

import pytest

from tests._mutate import mutants
from tinynas.board import load_board
from tinynas.config import load_config
from tinynas.errors import ConfigError, TinynasError
from tinynas.resources import resource

COUNTS = [100, pytest.param(5000, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
DEADLINE_S = 5.0

FULL = b"""\
board: nucleo_f446re
mode: hil
trials: 24
seed: 7
dataset: {source: "csv:walks", window: 200, stride: 20, use_mag: false, modes: [hand, pocket]}
space: &space
  filters: [2, 64]
  kernel_size: [2, 16]
  dilations: [1, 2, 4, 8]
  blocks: [1, 3]
training: {epochs: 20, learning_rate: 6.0e-3, batch_size: 128, patience: 8}
objective: {limits: {sram_bytes: 64 KiB, flash_bytes: 262144}, penalty: 10.0}
tuner: {initial_random: 10, only_feasible: true}
hil: {link: virtual, probe: "0671"}
"""


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", ["config", "board"])
def test_mutants_are_values_or_errors_with_a_place(tmp_path, kind, count):
    path = tmp_path / "mutant.yaml"
    sound = FULL if kind == "config" else resource("boards", "nucleo_f446re.yaml").read_bytes()
    load = load_config if kind == "config" else load_board
    path.write_bytes(sound)
    load(str(path))
    places = []
    for mutant in mutants(sound, count, seed=3):
        path.write_bytes(mutant)
        started = time.process_time()
        try:
            load(str(path))
        except TinynasError as error:
            places.append(str(error.where))
        assert time.process_time() - started < DEADLINE_S
    assert len(places) > count // 4
    assert all("mutant.yaml" in place for place in places)


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ("trials: !!bool abc", "trials", "not a value that YAML's bool can hold, found 'abc'"),
        (
            "training: {learning_rate: 1" + ":59" * 400 + ".5}",
            "training.learning_rate",
            "not a value that YAML's float",
        ),
        ("trials: 0x" + "f" * 5000, "trials", "found a number with too many digits"),
        ("training: {learning_rate: 0x" + "f" * 5000 + "}", "training.learning_rate", "number"),
        ("seed: " + "9" * 5000, "seed", "seed"),
        ("seed: !!int abc", "seed", "YAML's int"),
        ("dataset: {window: !!float []}", "", "my.yaml"),
        ("objective: {limits: {sram_bytes: 64 KB}}", "objective.limits.sram_bytes", "a whole number of B, KiB or MiB"),
        ("objective: {limits: {sram_bytes: 0 KiB}}", "objective.limits.sram_bytes", "greater than or equal to 1"),
        ("trials: &a [*a]", "trials", "found a list"),
    ],
)
def test_values_that_yaml_or_python_stumble_over(tmp_path, line, key, message):
    path = tmp_path / "my.yaml"
    path.write_text(line + "\n")
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(str(path))
    assert str(caught.value.where).startswith(f"{path}:{key}" if key else str(path))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("size", [70_000, 10_000_000])
def test_a_long_line_is_refused_at_once(tmp_path, size):
    path = tmp_path / "my.yaml"
    path.write_text("trials: " + "9" * size)
    with pytest.raises(ConfigError, match=r"my\.yaml: larger than 64 KiB"):
        load_config(str(path))


@pytest.mark.parametrize("value", ["9" * 60_000, "1" + ":59" * 20_000, "0x" + "f" * 60_000, "[" + "1," * 30_000 + "]"])
def test_what_a_file_may_hold_is_refused_in_time(tmp_path, value):
    path = tmp_path / "my.yaml"
    path.write_text("trials: " + value)
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"my\.yaml:trials"):
        load_config(str(path))
    assert time.process_time() - started < DEADLINE_S


def test_sizes_are_written_as_in_board_files(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("objective: {limits: {sram_bytes: 64 KiB, flash_bytes: 1 MiB}}\n")
    objective = load_config(str(path)).objective
    assert (objective.limits.sram_bytes, objective.limits.flash_bytes) == (65_536, 1_048_576)
