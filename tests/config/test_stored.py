"""Configurations that earlier versions left in studies."""

import pytest

from tinynas.config import Config, config_of_study
from tinynas.errors import ConfigError

#: What 0.1.0 stored of a search with one limit.
FIRST = {
    "trials": 30,
    "seed": 0,
    "mode": "proxy",
    "dataset": {"source": "synthetic", "window": 200, "stride": 20, "evaluation_stride": 10, "target": "velocity"},
    "training": {"epochs": 20, "batch_size": 128, "learning_rate": 0.006, "patience": 8},
    "objective": {"l1": 1.0, "l2": 0.01, "l3": 0.01, "penalty": 10.0, "sram_max_bytes": 9000, "flash_max_bytes": None},
}


def test_a_study_of_the_first_version_means_what_it_meant():
    config = config_of_study(FIRST, "study")
    assert config.dataset.frame == "body"
    assert (config.training.augment.yaw, config.training.augment.noise) == (False, 0.0)
    assert (config.training.learning_rate, config.training.patience) == (0.006, 8)
    assert (config.objective.limits.sram_bytes, config.objective.limits.flash_bytes) == (9000, None)
    assert config.final.candidates == 0


def test_limits_of_time_moved_too():
    found = config_of_study({"mode": "hil", "objective": {"latency_max_us": 500.0, "sram_max_bytes": None}}, "study")
    assert found.objective.limits.latency_us == 500.0


def test_todays_is_left_as_it_is_and_what_was_given_is_not_touched():
    stored = Config(seed=4).to_dict()
    before = repr(stored)
    assert config_of_study(stored, "study") == Config(seed=4)
    assert repr(stored) == before


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"objective": {"sram_max": 1}}, "objective.sram_max"),
        ({"objective": 3}, "objective"),
        ({"dataset": []}, "data"),
    ],
)
def test_what_no_version_wrote_is_refused(values, where):
    with pytest.raises(ConfigError) as caught:
        config_of_study(values, "study")
    assert caught.value.where.startswith(f"study:config:{where}")
