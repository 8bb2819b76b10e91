"""News of a search at work: read while its process lives, and harmless whatever is in the file."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from tinynas.study import LiveNotes, clear_live, read_live, write_live


def test_what_is_written_is_read_until_it_is_taken_away(tmp_path):
    write_live(tmp_path, LiveNotes(planned=12, workers=3, epochs=20, started=1000.5, curves={7: (0.5, 0.25)}))
    found = read_live(tmp_path)
    assert found.running
    assert (found.planned, found.workers, found.epochs, found.started) == (12, 3, 20, 1000.5)
    assert found.curves == {7: (0.5, 0.25)}
    assert found.written is not None
    assert abs(found.written - time.time()) < 60
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]
    clear_live(tmp_path)
    assert read_live(tmp_path) == LiveNotes()
    clear_live(tmp_path)


def test_a_killed_search_is_not_running(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    write_live(tmp_path, LiveNotes(planned=2))
    content = json.loads((tmp_path / "live.json").read_text())
    (tmp_path / "live.json").write_text(json.dumps({**content, "pid": int(ended.stdout)}))
    assert not read_live(tmp_path).running


@pytest.mark.parametrize(("age_s", "running"), [(5, True), (3600, False)])
def test_of_another_computer_only_the_age_is_known(tmp_path, age_s, running):
    content = {"pid": 1, "host": f"not-{socket.gethostname()}", "written": time.time() - age_s}
    (tmp_path / "live.json").write_text(json.dumps(content))
    assert read_live(tmp_path).running == running


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000,
        b'{"pid": true, "written": 1}', b'{"pid": 1e400, "written": NaN}', b'{"pid": -1, "written": 1}',
    ],
)  # fmt: skip
def test_damage_is_no_news(tmp_path, content):
    (tmp_path / "live.json").write_bytes(content)
    assert read_live(tmp_path) == LiveNotes()


def test_hostile_figures_are_left_out(tmp_path):
    curves = {"3": [0.5, "x", None, True, [1]], "-1": [1], "x": [1], "9" * 40: [1], "4": "abc"}
    content = {"pid": os.getpid(), "host": socket.gethostname(), "written": time.time(), "curves": curves}
    (tmp_path / "live.json").write_text(json.dumps({**content, "planned": "many", "workers": -3, "started": "<b>"}))
    found = read_live(tmp_path)
    assert (found.planned, found.workers, found.started) == (None, None, None)
    assert found.curves == {3: (0.5,)}


def test_links_are_neither_read_nor_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "written": time.time()}))
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "live.json").symlink_to(secret)
    assert not read_live(folder).running
    (folder / "live.json.part").symlink_to(secret)
    before = secret.read_text()
    write_live(folder, LiveNotes(planned=1))
    assert secret.read_text() == before
    assert read_live(folder).planned == 1


def test_a_folder_that_takes_no_file_stops_nobody(tmp_path):
    write_live(tmp_path / "missing", LiveNotes())
    clear_live(tmp_path / "missing")
