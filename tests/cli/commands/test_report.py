"""`tinynas report`: anew, at any time, without disturbing anybody."""

import ctypes
import json
import os
import shutil
import sys

import pytest

from tinynas.cli import main
from tinynas.study import Study


@pytest.fixture
def copied(finished, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder, folder)
    return folder


def test_it_prints_what_the_search_printed(finished, copied, capfd):
    assert main(["report", str(copied), "--json"]) == 0
    captured = capfd.readouterr()
    expected = json.loads(finished.out) | {"study": str(copied)}
    assert json.loads(captured.out) == expected
    assert captured.err == ""


def test_it_writes_report_model_and_card_anew(finished, copied):
    for name in ("report.html", "best.tflite", "model_card.md"):
        (copied / name).unlink()
    assert main(["report", str(copied)]) == 0
    for name in ("report.html", "best.tflite", "model_card.md"):
        assert (copied / name).stat().st_size > 500, name
    assert (copied / "best.tflite").read_bytes() == (finished.folder / "best.tflite").read_bytes()


@pytest.fixture
def readonly(copied):
    """The study on a file system that is mounted read-only."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting read-only needs root on Linux")
    libc, folder = ctypes.CDLL(None, use_errno=True), bytes(copied)
    bind, remount, ro = 0x1000, 0x20, 0x1
    if libc.mount(folder, folder, None, bind, None) or libc.mount(None, folder, None, bind | remount | ro, None):
        pytest.skip(f"cannot mount read-only: {os.strerror(ctypes.get_errno())}")
    yield copied
    libc.umount2(folder, 2)


def test_on_readonly_media_the_result_is_printed_before_the_error(finished, readonly, capfd):
    assert main(["report", str(readonly), "--json"]) == 1
    captured = capfd.readouterr()
    assert json.loads(captured.out) == json.loads(finished.out) | {"study": str(readonly)}
    assert captured.err.startswith(f"error: {readonly / 'report.html'}: cannot write the file: Read-only file system\n")
    assert main(["report", str(readonly)]) == 1
    assert "best network for nucleo_f446re" in capfd.readouterr().out


def test_a_report_that_cannot_be_written_is_an_error_after_the_result(copied, capfd):
    (copied / "report.html").unlink()
    (copied / "report.html").mkdir()
    assert main(["report", str(copied)]) == 1
    captured = capfd.readouterr()
    assert "best network for nucleo_f446re" in captured.out
    assert "report.html: cannot write the file" in captured.err


@pytest.fixture
def under_way(copied):
    """A study whose search still runs: a trial in training, no summary."""
    with Study.open(copied) as study:
        first = study.trial(0)
        seed = study.propose(params=first.params, architecture=first.architecture, key="other", seed=1)
        study.advance(seed.id, "costed", measurement=first.measurement)
        study.set_summary({})
        yield copied


def test_it_reports_on_a_study_under_way_while_the_search_holds_it(under_way, capfd):
    assert main(["report", str(under_way), "--json"]) == 0
    outcome = json.loads(capfd.readouterr().out)
    assert (outcome["trials"], outcome["seconds"], outcome["test"]) == (5, None, None)
    assert outcome["best"]["error_int8"] > 0
    assert outcome["baselines"] == {"zero": None, "mean": None, "compass": None}
    assert main(["report", str(under_way)]) == 0
    assert "nan" not in capfd.readouterr().out.lower()


def test_a_folder_that_is_no_study(tmp_path, capfd):
    assert main(["report", str(tmp_path)]) == 1
    assert "there is no study.db in it" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_study_is_1_and_explained(copied, capfd):
    (copied / "study.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 2000)
    assert main(["report", str(copied)]) == 1
    err = capfd.readouterr().err
    assert str(copied) in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_folder_whose_name_is_not_utf_8(finished, tmp_path, capfd):
    folder = tmp_path / os.fsdecode(b"study_\xe4")
    shutil.copytree(finished.folder, folder)
    for name in ("model_card.md", "report.html"):
        (folder / name).unlink()
    assert main(["report", str(folder)]) == 0
    assert r"study_\xe4" in capfd.readouterr().out
    assert (folder / "model_card.md").read_text(encoding="utf-8").startswith("#")
    assert "</html>" in (folder / "report.html").read_text(encoding="utf-8")
