"""The learning task: splits, normalisation, targets, and searches on other data than the default."""

import gzip
import shutil

import numpy as np
import pytest

from tinynas.errors import ConfigError, DatasetError
from tinynas.odometry import SyntheticOptions, load_dataset
from tinynas.search import load_task
from tinynas.study import Study


def write_table(recording, path):
    """A recording as a user of data.md would write it, in other units than our own."""
    columns = {"time_ms": recording.time_s * 1e3}
    for axis, name in enumerate("xyz"):
        columns[f"accel_{name}_g"] = recording.accel[:, axis] / 9.80665
        columns[f"gyro_{name}_deg_s"] = np.degrees(recording.gyro[:, axis])
        columns[f"mag_{name}_uT"] = recording.mag[:, axis]
        columns[f"position_{name}_cm"] = recording.position[:, axis] * 100
    text = ",".join(columns) + "\n"
    text += "".join(",".join(f"{value:.9g}" for value in row) + "\n" for row in zip(*columns.values(), strict=True))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A folder of the user's own recordings, with split lists."""
    folder = tmp_path_factory.mktemp("walks")
    data = load_dataset(
        "synthetic", seed=3, synthetic=SyntheticOptions(n_train=2, n_valid=1, n_test=1, duration_s=15.0)
    )
    for split, recordings in (("Train", data.train), ("Valid", data.valid), ("Test", data.test)):
        names = [f"{split.lower()}{i}.csv" + (".gz" if i else "") for i in range(len(recordings))]
        for name, recording in zip(names, recordings, strict=True):
            write_table(recording, folder / name)
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    return folder


def test_splits_share_no_recording_and_normalisation_knows_the_training_split_only(configure, tasks):
    task = tasks(configure())
    assert (task.channels, task.outputs) == (9, 2)
    assert not set(task.train.names) & set(task.valid.names + task.test.names)
    inputs = task.inputs(task.train)
    np.testing.assert_allclose(inputs.mean(axis=(0, 1)), 0.0, atol=1e-3)
    np.testing.assert_allclose(inputs.std(axis=(0, 1)), 1.0, atol=1e-2)
    assert np.abs(task.inputs(task.valid).mean(axis=(0, 1))).max() > 0.01


def test_training_windows_and_evaluation_windows_have_their_own_strides(configure, tasks):
    task = tasks(configure(dataset={"evaluation_stride": 7}))
    assert np.diff(task.train.start[:3]).tolist() == [40, 40]
    assert np.diff(task.valid.start[:3]).tolist() == np.diff(task.test.start[:3]).tolist() == [7, 7]


def test_representative_windows_are_drawn_from_the_training_split_without_replacement(configure, tasks):
    task = tasks(configure())
    drawn = task.representative(10, np.random.default_rng(1))
    training = {window.tobytes() for window in task.inputs(task.train)}
    assert len({window.tobytes() for window in drawn}) == 10
    assert {window.tobytes() for window in drawn} <= training
    everything = task.representative(10**6, np.random.default_rng(1))
    assert {window.tobytes() for window in everything} == training
    np.testing.assert_array_equal(drawn, task.representative(10, np.random.default_rng(1)))


def test_baselines_are_those_of_zero_and_of_the_training_mean(configure, tasks):
    task = tasks(configure())
    zero = np.sqrt(np.mean(np.sum(task.test.targets.astype(float) ** 2, axis=1)))
    off = task.test.targets.astype(float) - task.train.targets.astype(float).mean(axis=0)
    assert task.baselines()["zero"]["test"] == pytest.approx(zero, rel=1e-5)
    assert task.baselines()["mean"]["test"] == pytest.approx(np.sqrt(np.mean(np.sum(off**2, axis=1))), rel=1e-5)


def test_without_the_magnetometer_there_are_six_channels(configure, tasks):
    assert tasks(configure(dataset={"use_mag": False})).channels == 6


def test_a_window_longer_than_every_recording(configure):
    with pytest.raises(DatasetError, match=r"training split a window of 1501 .*longest has 1500") as caught:
        load_task(configure(dataset={"window": 1501}))
    assert caught.value.where == "dataset.window (recording handheld/train00)"


@pytest.mark.parametrize(
    ("dataset", "key"),
    [
        ({"source": "bogus", "synthetic": None}, "dataset.source"),
        ({"modes": ["foo"]}, "dataset.modes"),
        ({"modes": []}, "dataset.modes"),
    ],
)
def test_what_the_configuration_gets_wrong_is_named_by_its_key(configure, dataset, key):
    with pytest.raises(DatasetError) as caught:
        load_task(configure(dataset=dataset))
    assert caught.value.where == key


def test_a_magnetometer_that_is_not_there_is_named_by_key_and_recording(configure, tables):
    folder = tables.parent / "without"
    shutil.copytree(tables, folder)
    for path in folder.glob("*.csv*"):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = text.replace(b"mag_", b"unused_", 3)
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    with pytest.raises(DatasetError) as caught:
        load_task(configure(dataset={"use_mag": True}).with_options(dataset=f"csv:{folder}"))
    assert caught.value.where == "dataset.use_mag (recording train0)"


def test_an_option_of_the_synthetic_set_with_another_dataset(configure, tables):
    with pytest.raises(DatasetError, match="synthetic"):
        load_task(configure(dataset={"source": f"csv:{tables}"}))


def test_a_window_too_short_for_its_target(configure):
    assert configure(dataset={"window": 2}).dataset.window == 2
    with pytest.raises(ConfigError, match="at least 3 samples") as caught:
        configure(dataset={"window": 2, "target": "speed_heading"})
    assert caught.value.where == "settings.yaml:dataset.window"


def test_the_user_s_own_tables_end_to_end(search, configure, tables, tmp_path):
    config = configure(trials=1).with_options(dataset=f"csv:{tables}")
    [trial] = search(tmp_path / "study", config)
    assert trial.state == "done"
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [row["name"] for row in study.summary["test"]["recordings"]] == ["test0"]


def test_the_user_s_own_tables_are_the_same_task_as_the_recordings_they_were_written_from(configure, tables, tasks):
    own = load_task(configure().with_options(dataset=f"csv:{tables}"))
    simulated = tasks(configure())
    np.testing.assert_allclose(own.train.targets, simulated.train.targets, atol=1e-4)
    np.testing.assert_allclose(own.inputs(own.test), simulated.inputs(simulated.test), atol=1e-3)


def test_speed_and_heading_end_to_end(search, configure, tmp_path):
    """Without a magnetometer, as phones and shoes without a fixed frame need it."""
    dataset = {"target": "speed_heading", "use_mag": False}
    [trial] = search(tmp_path / "study", configure(trials=1, dataset=dataset))
    assert trial.state == "done"
    assert trial.architecture["channels"] == 6
    with Study.open(tmp_path / "study", readonly=True) as study:
        summary = study.summary
        assert np.isfinite(summary["test"]["recordings"][0]["ate_m"])
        assert summary["test"]["error_int8"] < 3 * summary["baselines"]["zero"]["test"]


def test_in_the_level_frame_the_drift_of_its_yaw_is_reported_recording_by_recording(configure, tasks):
    level, north = (tasks(configure(dataset={"frame": frame})) for frame in ("level", "north"))
    assert set(level.yaw_drifts("test")) == {recording.name for recording in level.dataset.test}
    assert all(0 < drift < 90 for drift in level.yaw_drifts("test").values())
    assert north.yaw_drifts("test") == {}


def test_a_refit_learns_the_validation_recordings_as_well_in_epochs_of_the_same_length(configure, tasks):
    task = tasks(configure(dataset={"frame": "north"}))
    alone, both = task.training_data(), task.training_data(refit=True)
    # Windows of 64 samples that begin every 40 samples, of one validation recording without gaps.
    [recording] = task.dataset.valid
    assert recording.valid.all()
    more = (len(recording) - 64) // 40 + 1
    assert (alone.total, both.total) == (len(task.train), len(task.train) + more)
    assert alone.windows == both.windows == len(task.train)
    assert (alone.held_out, both.held_out) == (True, False)
    first = task.inputs(task.valid)[0]
    assert np.array_equal(both.inputs[len(task.train)], first)
    assert not (alone.inputs == first).all(axis=(1, 2)).any()


def test_simulated_walkers_are_in_training_and_nowhere_else(configure, tasks):
    alone, beside = tasks(configure()), tasks(configure(dataset={"simulated": 2, "frame": "north"}))
    north = tasks(configure(dataset={"frame": "north"}))
    assert alone.simulated is None
    assert beside.train.names == north.train.names
    np.testing.assert_array_equal(beside.normalization.std, north.normalization.std)
    more, less = beside.training_data(), north.training_data()
    assert more.total == more.windows == less.total + len(beside.simulated)
    np.testing.assert_array_equal(more.inputs[: less.total], less.inputs)
    np.testing.assert_array_equal(more.valid_inputs, less.valid_inputs)


def test_simulated_walkers_ask_for_a_frame(configure):
    with pytest.raises(DatasetError, match=r"dataset\.simulated: .*level or north"):
        load_task(configure(dataset={"simulated": 2, "frame": "body"}))
