"""A finished network, out of its study: how it is fed on recordings and on a board."""

import dataclasses

import numpy as np
import pytest

from tinynas.deploy import compile_path
from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import Normalization, SyntheticOptions, load_recordings
from tinynas.search import load_task, open_trained


@pytest.fixture(scope="module")
def mounted(tmp_path_factory, configure, search):
    """A network of a device that is always mounted alike, looked at from two directions."""
    folder = tmp_path_factory.mktemp("mounted") / "study"
    search(folder, configure(trials=1, dataset={"frame": "north", "mounting": "fixed"}, deploy={"turns": 2}))
    return open_trained(folder)


def test_a_network_that_sees_the_devices_axes_is_searched_judged_and_compiled(mounted):
    assert mounted.normalization.mean.shape == (15,)
    recordings = load_recordings("synthetic", seed=3, synthetic=SyntheticOptions(1, 1, 1, 10.0))
    assert np.isfinite(mounted.judge(recordings).velocity.joint)
    program = compile_path(mounted.model, mounted.path_settings())
    text = program.files["path_settings.h"]
    for line in (".channels = 15,", ".turns = 2,", ".stride = 10,", ".window = 64,", ".learning = &learning,"):
        assert f"    {line}\n" in text
    assert program.input_bytes == 64 * 15


def test_stride_and_turns_can_be_others_on_the_board(mounted):
    settings = mounted.path_settings(stride=5, turns=4)
    assert (settings.stride, settings.turns) == (5, 4)
    calibrated = dataclasses.replace(mounted.config.dataset.attitude, hard_iron="none")
    dataset = dataclasses.replace(mounted.config.dataset, attitude=calibrated)
    known = dataclasses.replace(mounted, config=dataclasses.replace(mounted.config, dataset=dataset))
    assert known.path_settings().learning is None


def test_a_path_needs_velocities_in_a_frame(mounted):
    for changes in ({"frame": "body"}, {"frame": None}):
        with pytest.raises(ConfigError, match="a path needs a level or north frame"):
            dataclasses.replace(mounted, **changes).path_settings()


def test_the_devices_axes_never_change_in_the_body_frame(configure):
    with pytest.raises(ConfigError, match="the device's axes never change"):
        configure(dataset={"frame": "body", "mounting": "fixed"})
    config = configure(dataset={"frame": "auto", "mounting": "fixed", "use_mag": False})
    task = load_task(config)  # level
    assert task.channels == 15
    assert isinstance(task.normalization, Normalization)
    without = dataclasses.replace(
        task.dataset,
        **{
            split: tuple(dataclasses.replace(one, mag=None, orientation=None) for one in getattr(task.dataset, split))
            for split in ("train", "valid", "test")
        },
    )
    from tinynas.search.task import make_task

    with pytest.raises(DatasetError, match="which these data are learned in") as caught:
        make_task(without, config)
    assert caught.value.where == "dataset.mounting"
