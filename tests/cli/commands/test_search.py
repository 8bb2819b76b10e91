"""`tinynas search` as a user meets it: what it prints, what it leaves, how it refuses."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.walks import write_csv
from tinynas.cli import main
from tinynas.cli.session import check_folder, new_folder
from tinynas.errors import ConfigError
from tinynas.hil.boards import choose, discover
from tinynas.hil.image import Toolchain, toolchain
from tinynas.study import Study

SEARCH = ("search", "--board", "nucleo_f446re")
SMALL = "dataset: {synthetic: {n_train: 1, n_valid: 1, n_test: 1, duration_s: 20}}\n"


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd):
    """Run a search that is refused; returns its code and what it said. Nothing may be left behind."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        before = sorted(tmp_path.rglob("*"))
        code = main([str(arg) for arg in args])
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        assert sorted(tmp_path.rglob("*")) == before
        return code, captured.err

    return run


@pytest.mark.parametrize(
    ("section", "code", "what"),
    [
        ("{}", 4, "no such board is attached"),
        ("{link: virtual, probe: '0777'}", 2, "a virtual board has no probe"),
        ("{link: /dev/ttyNOPE, flasher: rom}", 4, "no such port"),
    ],
)
def test_a_board_out_of_reach_is_found_out_before_a_study_is_made(refused, tmp_path, monkeypatch, section, code, what):
    monkeypatch.setattr(discover, "attached_boards", lambda boards=(): [])
    monkeypatch.setattr(choose, "_APPEARS_S", 0.0)
    monkeypatch.setattr(Toolchain, "detect", lambda kind=None: None)
    (tmp_path / "hil.yaml").write_text(f"{SMALL}mode: hil\nhil: {section}\n")
    found, message = refused(*SEARCH, "--config", tmp_path / "hil.yaml")
    assert found == code
    assert what in message


def test_a_search_on_boards_needs_a_compiler(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)
    (tmp_path / "small.yaml").write_text(SMALL)
    code, message = refused(*SEARCH, "--config", "small.yaml", "--mode", "hil", "--link", "virtual")
    assert code == 1
    assert "no compiler for Cortex-M" in message


def test_json_is_one_object_with_the_promised_keys_and_nothing_else(finished):
    assert finished.code == 0
    outcome = json.loads(finished.out)
    assert {"study", "board", "trials", "infeasible", "seconds", "best", "baselines"} <= set(outcome)
    assert set(outcome["best"]) >= {
        "trial",
        "architecture",
        "objective",
        "error_int8",
        "error_float",
        "sram_bytes",
        "flash_bytes",
        "macs",
        "latency_us",
        "energy_uj",
        "source",
    }
    assert set(outcome["baselines"]) == {"zero", "mean", "compass"}
    assert outcome["study"] == str(finished.folder)
    assert (outcome["board"], outcome["trials"], outcome["infeasible"]) == ("nucleo_f446re", 4, 0)
    with Study.open(finished.folder, readonly=True) as study:
        best = study.best()
        assert outcome["best"]["trial"] == best.id
        assert outcome["best"]["objective"] == best.objective
        assert outcome["seconds"] == study.summary["seconds"]


def test_piped_progress_is_a_line_a_trial_and_no_chatter_of_libraries(finished):
    *parts, data, title = finished.err.splitlines()[:5]
    lines = finished.err.splitlines()[5:]
    assert [part.partition(":")[0] for part in parts] == ["train", "valid", "test"]
    assert data.startswith("data: 4 recordings")
    assert title == "ST NUCLEO-F446RE on synthetic: 4 trials"
    assert len(lines) == 4
    for number, line in enumerate(lines, 1):
        assert line.startswith(f"[{number}/4] trial {number - 1}: error ")
        assert re.search(r"SRAM [\d.]+ KiB, flash [\d.]+ KiB", line)
        assert " | best " in line
    assert "\x1b" not in finished.err


def test_the_folder_holds_all_that_is_promised(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names == {"study.db", "study.lock", "artefacts", "report.html", "best.tflite", "model_card.md"}
    with Study.open(finished.folder, readonly=True) as study:
        assert (finished.folder / "best.tflite").read_bytes() == study.artefact(study.best().artefacts["tflite"])
        assert study.provenance["seed"] == study.config["seed"] == 3
        assert study.config["board"] == "nucleo_f446re"
        assert study.board["name"] == "nucleo_f446re"
    assert (finished.folder / "model_card.md").read_text().startswith("#")
    assert "</html>" in (finished.folder / "report.html").read_text()


def test_it_says_which_recordings_are_for_what(finished):
    told = dict(
        line.split(": ", 1) for line in finished.err.splitlines() if line.startswith(("train:", "valid:", "test:"))
    )
    names = {split: names.split(", ") for split, names in told.items()}
    assert {split: len(names[split]) for split in names} == {"train": 2, "valid": 1, "test": 1}
    assert all("/" in name for part in names.values() for name in part)


def test_without_json_the_result_is_a_line_a_fact(config_file, tmp_path, capfd):
    options = ["--config", str(config_file), "--out", str(tmp_path / "study"), "--trials", "1", "--seed", "8"]
    assert main([*SEARCH, *options]) == 0
    captured = capfd.readouterr()
    assert captured.out.startswith("best network for nucleo_f446re: ")
    for name in ("error, validation", "error, test", "SRAM", "flash", "MACs", "trials", "study"):
        assert re.search(rf"^{name}: \S", captured.out, re.M), name
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert (study.config["trials"], study.config["seed"]) == (1, 8)


def test_the_user_s_own_recordings_from_the_command_line(config_file, tmp_path, capfd, walks):
    options = ["--config", str(config_file), "--out", str(tmp_path / "study"), "--trials", "1", "--json"]
    assert main([*SEARCH, *options, "--dataset", f"csv:{walks}"]) == 0
    outcome = json.loads(capfd.readouterr().out)
    assert outcome["best"]["architecture"]["channels"] == 6
    assert len(outcome["test"]["recordings"]) == 1


def test_an_unknown_board_is_2(refused):
    code, err = refused("search", "--board", "nucleo_f446r")
    assert code == 2
    assert "nucleo_f446re" in err


def test_no_board_is_2(refused):
    code, err = refused("search")
    assert code == 2
    assert "--board: no board is given" in err


def test_an_unknown_key_is_2_and_names_file_and_key(refused, tmp_path):
    (tmp_path / "my.yaml").write_text("training:\n  epoch: 3\n")
    code, err = refused(*SEARCH, "--config", "my.yaml")
    assert code == 2
    assert err == "error: my.yaml:training.epoch: unknown key 'epoch'\nhint: did you mean 'epochs'?\n"


def test_an_unknown_option_of_the_built_in_dataset_names_file_and_key(refused, tmp_path):
    (tmp_path / "my.yaml").write_text("dataset:\n  synthetic: {n_tran: 3}\n")
    code, err = refused(*SEARCH, "--config", "my.yaml")
    assert code == 2
    assert "my.yaml:dataset.synthetic.n_tran" in err


@pytest.mark.parametrize("dataset", ["oxiod:nowhere", "ronin:nowhere", "csv:nowhere", "csv:", "kitti:x", "synthetic:x"])
def test_a_dataset_that_is_not_there_is_2(refused, dataset):
    code, err = refused(*SEARCH, "--dataset", dataset)
    assert code == 2
    assert err.startswith("error: ")
    assert ("nowhere" in err) == ("nowhere" in dataset)


def test_an_empty_table_is_2_and_named(refused, walks, config_file):
    (walks / "b.csv").write_text("")
    code, err = refused(*SEARCH, "--config", config_file, "--dataset", f"csv:{walks}")
    assert code == 2
    assert "b.csv" in err


def test_a_truncated_table_is_2_and_names_the_row(refused, walks, config_file):
    write_csv(walks / "b.csv", broken=501)
    code, err = refused(*SEARCH, "--config", config_file, "--dataset", f"csv:{walks}")
    assert code == 2
    assert re.search(r"b\.csv:(row )?50[01]\b", err)


def test_a_window_longer_than_every_recording_is_2(refused, tmp_path, config_file):
    text = config_file.read_text().replace("window: 64", "window: 2000")
    (tmp_path / "long.yaml").write_text(text)
    code, err = refused(*SEARCH, "--config", "long.yaml")
    assert code == 2
    assert "window" in err


def test_nothing_fits_is_3_with_the_smallest_candidate_s_cost(refused, tmp_path, config_file):
    (tmp_path / "tight.yaml").write_text(config_file.read_text() + "objective: {limits: {sram_bytes: 1000}}\n")
    code, err = refused(*SEARCH, "--config", "tight.yaml")
    assert code == 3
    assert re.search(r"candidate needs \d+ bytes of SRAM \(at most 1000\) and \d+ bytes of flash", err)


@pytest.mark.parametrize(
    "option", [("--trials", "0"), ("--seed", "-1"), ("--mode", "cloud"), ("--link", "virtual"), ("--trials", "x")]
)
def test_wrong_options_are_2(refused, option):
    assert refused(*SEARCH, *option)[0] == 2


def test_an_existing_study_is_refused_and_not_touched(finished, config_file, capfd):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes()) for path in finished.folder.rglob("*") if path.is_file()
        }

    before = state()
    assert main([*SEARCH, "--config", str(config_file), "--out", str(finished.folder)]) == 2
    captured = capfd.readouterr()
    assert "already a study" in captured.err
    assert f"tinynas resume {finished.folder}" in captured.err
    assert state() == before


def test_a_folder_with_other_files_is_refused(refused, tmp_path, config_file):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "report.html").write_text("mine")
    code, err = refused(*SEARCH, "--config", config_file, "--out", "home")
    assert (code, "not empty" in err) == (2, True)
    (tmp_path / "file").write_text("mine")
    code, err = refused(*SEARCH, "--config", config_file, "--out", "file")
    assert (code, "not a folder" in err) == (2, True)


def test_an_empty_folder_will_do_and_one_of_a_killed_start(tmp_path):
    check_folder(tmp_path)
    (tmp_path / "study.lock").touch()
    check_folder(tmp_path)
    assert new_folder(tmp_path, "b", "synthetic") == tmp_path
    (tmp_path / "x").touch()
    with pytest.raises(ConfigError):
        check_folder(tmp_path)


def test_without_out_the_folder_is_new_each_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda _: "20260102-030405")
    names = [str(new_folder(None, "nucleo", "oxiod:data/x")) for _ in range(3)]
    stem = "studies/nucleo-oxiod-20260102-030405"
    assert names == [stem, f"{stem}-2", f"{stem}-3"]
    assert all(Path(name).is_dir() for name in names)


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_end_is_1_and_keeps_the_study(config_file, tmp_path, capfd, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    folder = tmp_path / "study"
    with monkeypatch.context() as patch:
        patch.setattr("tinynas.study.artefacts.os.fsync", full)
        patch.setattr("tinynas.study.database.sync_folder", lambda _: None)
        assert main([*SEARCH, "--config", str(config_file), "--out", str(folder), "--trials", "1", "--json"]) == 1
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "the disk (or the quota) is full" in captured.err
    assert "hint: free some space, then resume" in captured.err
    assert main(["resume", str(folder), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["best"]["trial"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="standard error can be closed on POSIX")
def test_progress_with_nowhere_to_go(monkeypatch):
    from tinynas.cli.progress import Progress

    monkeypatch.setattr(sys, "stderr", None)
    with Progress("title", 3, 2, (1000, 2000), []):
        pass


@pytest.mark.slow
def test_a_dry_run_writes_nothing_and_says_what_would_be_done(config_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["search", "--board", "nucleo_f446re", "--config", str(config_file), "--trials", "7", "--dry-run"]
    assert main([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["board"], found["dataset"], found["trials"], found["inputs"]) == (
        "nucleo_f446re",
        "synthetic",
        7,
        [64, 9],
    )
    assert found["seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_listener_that_there_is_not_is_told_before_anything_is_read(capfd):
    assert main(["search", "--board", "nucleo_f446re", "--dataset", "csv:nowhere", "--listener", "tensorbord"]) == 2
    assert "listeners: there is no listener 'tensorbord'" in capfd.readouterr().err
