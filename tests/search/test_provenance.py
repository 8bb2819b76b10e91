import importlib.metadata
import subprocess

import pytest

from tinynas.search import describe_changes, provenance


def test_everything_needed_to_repeat_a_search_is_named():
    origin = provenance(source="csv:walks", dataset_fingerprint="d", board_fingerprint="b", seed=7)
    assert (origin["dataset_fingerprint"], origin["board_fingerprint"], origin["seed"]) == ("d", "b", 7)
    assert origin["packages"]["tensorflow"] == importlib.metadata.version("tensorflow")
    assert origin["python"].count(".") == 2


def test_a_dataset_s_folder_is_remembered_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {"dataset_fingerprint": "d", "board_fingerprint": "b", "seed": 7}
    assert provenance(source="csv:my walks", **known)["dataset_folder"] == str(tmp_path / "my walks")
    assert provenance(source="csv:/data/x", **known)["dataset_folder"] == "/data/x"
    assert provenance(source="synthetic", **known)["dataset_folder"] is None


def test_so_is_the_library_of_the_interpreter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {"source": "synthetic", "dataset_fingerprint": "d", "board_fingerprint": "b", "seed": 7}
    assert provenance(**known)["tflm_root"] is None
    assert provenance(**known, tflm_root="tflite-micro")["tflm_root"] == str(tmp_path / "tflite-micro")


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)])
def test_without_git_the_revision_is_unknown(monkeypatch, error):
    def run(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    assert provenance(source="csv:walks", dataset_fingerprint="d", board_fingerprint="b", seed=7)["revision"] is None


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", version)
    origin = provenance(source="csv:walks", dataset_fingerprint="d", board_fingerprint="b", seed=7)
    assert set(origin["packages"].values()) == {None}


def test_what_differs_from_the_machine_a_study_began_on_is_said():
    origin = provenance(source="csv:walks", dataset_fingerprint="d", board_fingerprint="b", seed=7)
    assert describe_changes(origin) == ()
    assert describe_changes({}) == ()
    packages = {**origin["packages"], "tensorflow": "2.3.4", "scipy": None}
    moved = {**origin, "processor": "Intel 8086", "packages": packages}
    processor = origin["processor"] or "not installed"
    installed = importlib.metadata.version("tensorflow")
    assert describe_changes(moved) == (
        f"processor is {processor}, the study began with Intel 8086",
        f"tensorflow is {installed}, the study began with 2.3.4",
    )
