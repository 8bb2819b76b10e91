"""A small search that TensorBoard and MLflow are told of, read back with the real libraries."""

import math

import pytest

from tests.search.conftest import SETTINGS, Watcher, merged
from tinynas.config import config_from_mapping
from tinynas.errors import ConfigError
from tinynas.search import run_search
from tinynas.study import Study

pytestmark = pytest.mark.slow
EPOCHS, TRIALS = 2, 2


@pytest.fixture(scope="module")
def searched(tmp_path_factory, tasks, board):
    """The study of a search with both listeners, and the folder that they wrote into."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("listened")
    changes = {
        "trials": TRIALS,
        "training": {"epochs": EPOCHS},
        "listeners": [
            f"tensorboard:{folder / 'runs'}",
            f"mlflow:sqlite:///{folder / 'mlflow.db'}",
            "mlflow:nowhere://x",
        ],
    }
    config = config_from_mapping(merged(SETTINGS, changes), "test")
    study = Study.create(folder / "walks", config=config.to_dict(), board=board.to_dict(), provenance={"seed": 3})
    with study:
        run_search(study, config, board, tasks(config), Watcher())
        yield study, folder


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(event.step, event.value) for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}, read


def test_tensorboard_has_a_curve_and_the_figures_of_each_trial(searched):
    study, folder = searched
    for trial in study.trials():
        found, _ = scalars(folder / "runs" / "walks" / f"trial-{trial.id:04d}")
        assert [step for step, _ in found["validation_rmse"]] == list(range(EPOCHS))
        assert found["error_int8"] == [(0, pytest.approx(trial.metrics["error_int8"]))]
        assert found["sram_bytes"] == [(0, trial.measurement["sram_bytes"])]
        assert found["objective"] == [(0, pytest.approx(trial.objective))]


def test_tensorboard_has_the_search_as_a_whole(searched):
    study, folder = searched
    found, _ = scalars(folder / "runs" / "walks" / "search")
    assert [step for step, _ in found["objective"]] == [trial.id for trial in study.trials()]
    assert found["best_objective"][-1] == (TRIALS - 1, pytest.approx(min(t.objective for t in study.trials())))


def test_tensorboard_has_the_table_of_hyperparameters(searched):
    from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    study, folder = searched
    for trial in study.trials():
        _, read = scalars(folder / "runs" / "walks" / f"trial-{trial.id:04d}")
        content = {tag: HParamsPluginData.FromString(data) for tag, data in read.PluginTagToContent("hparams").items()}
        chosen = content["_hparams_/session_start_info"].session_start_info.hparams
        assert chosen["filters"].number_value == trial.params["filters"]
        assert set(chosen) == set(trial.params)
        assert content["_hparams_/session_end_info"].session_end_info.status == STATUS_SUCCESS


def test_mlflow_has_the_study_with_its_trials_below_it(searched):
    from mlflow.tracking import MlflowClient

    study, folder = searched
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tinynas: nucleo_f446re on synthetic")
    runs = client.search_runs([experiment.experiment_id])
    (whole,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert whole.info.status == "FINISHED"
    assert whole.data.params["dataset.window"] == "64"
    assert whole.data.metrics["best_trial"] == study.best().id
    assert whole.data.metrics["test_error_int8"] == pytest.approx(study.summary["test"]["error_int8"])
    below = {run.data.tags["tinynas.trial"]: run for run in runs if run is not whole}
    assert sorted(below) == [str(trial.id) for trial in study.trials()]
    for trial in study.trials():
        run = below[str(trial.id)]
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert (run.info.status, run.data.tags["tinynas.state"]) == ("FINISHED", "done")
        assert run.data.params["filters"] == str(trial.params["filters"])
        assert run.data.metrics["error_int8"] == pytest.approx(trial.metrics["error_int8"])
        curve = client.get_metric_history(run.info.run_id, "validation_rmse")
        assert [point.step for point in curve] == list(range(EPOCHS))
        assert all(math.isfinite(point.value) for point in curve)


def test_a_search_that_goes_on_goes_on_in_the_same_runs(searched):
    from mlflow.tracking import MlflowClient

    from tinynas.search.listeners.interface import Watched
    from tinynas.search.listeners.mlflow import MLflow

    study, folder = searched
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tinynas: nucleo_f446re on synthetic").experiment_id
    before = len(client.search_runs([experiment]))
    again = MLflow(uri, Watched.of(study))
    again.state(study.trial(0))
    again.close(None)
    runs = client.search_runs([experiment])
    assert len(runs) == before
    (whole,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert whole.info.status == "KILLED"


def test_the_search_is_none_the_worse_for_a_listener_that_fails(searched):
    """One of the three cannot even begin."""
    study, _ = searched
    assert study.summary["best_trial"] == study.best().id
    assert len(study.trials()) == TRIALS


def test_unknown_listeners_and_missing_libraries_are_told_at_once(monkeypatch):
    from tinynas.search.listeners import broadcast

    for text, what in (("tensorbord", "no listener 'tensorbord'"), ("mlflow:", "names no place")):
        with pytest.raises(ConfigError, match=what) as caught:
            config_from_mapping({"listeners": [text]}, "my.yaml")
        assert caught.value.where == "my.yaml:listeners"
    monkeypatch.setattr(broadcast, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"mlflow is not installed \(pip install 'tinynas\[mlflow\]'\)"):
        broadcast.check_listeners(config_from_mapping({"listeners": ["mlflow:runs"]}, "my.yaml"))
