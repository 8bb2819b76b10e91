"""A failure of the host ends the search, whatever stage it hits; a resume takes the very same trials to their end."""

import errno
import json
import os
import subprocess
import sys

import pytest

from tests._tools import needs, require
from tinynas import network
from tinynas.errors import ConversionError, HostError
from tinynas.search import candidate
from tinynas.study import Study


def no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x")


def disguised():
    """As an inner layer may pass a full disk on."""
    error = ConversionError("cannot be written to: No space left on device")
    error.__cause__ = no_space()
    return error


# What breaks in the second trial and how, and the state in which that leaves the trial.
STAGES = [
    (candidate, "estimate", "proposed", disguised),
    (network, "train", "costed", MemoryError),
    (candidate, "convert", "trained", disguised),
    (candidate, "measure_graph", "converted", disguised),
    (candidate, "score", "measured", no_space),
]


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name", "state", "raised"), STAGES, ids=[name for _, name, _, _ in STAGES])
def test_it_stops_and_a_resume_takes_the_same_trials_to_their_end(
    search, configure, tmp_path, monkeypatch, finished, module, name, state, raised
):
    real, calls = getattr(module, name), []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) >= 2:
            raise raised()
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing)
        with pytest.raises(HostError, match="cannot take trial 1"):
            search(tmp_path / "study", configure())
    with Study.open(tmp_path / "study", readonly=True) as study:
        assert [trial.state.value for trial in study.trials()] == ["done", state]
    trials = search(tmp_path / "study", configure())
    with Study.open(finished[0], readonly=True) as study:
        assert [t.objective for t in trials] == [t.objective for t in study.trials()]


SEARCH = """
mode: hil
trials: 2
workers: WORKERS
hil: {link: virtual}
dataset: {window: 64, frame: body, stride: 40, synthetic: {n_train: 2, n_valid: 1, n_test: 1, duration_s: 15}}
space: {filters: [2, 6], kernel_size: [2, 4], dilations: [1, 2, 4, 8], blocks: [1, 3]}
training: {epochs: 1, batch_size: 32}
conversion: {calibration_windows: 20}
"""

# A temporary folder on a file system of its own, with room for the emulator's socket and not for a model's sources.
FULL = 'mount -t tmpfs -o size=16k none "$1" && shift && exec "$@"'


@pytest.mark.slow
@pytest.mark.emulator
@needs("a cross compiler")
@needs("unicorn")
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_full_temporary_folder_during_a_search_on_a_board(tmp_path, workers):
    require("unshare")
    scratch, out = tmp_path / "scratch", tmp_path / "study"
    scratch.mkdir()
    (tmp_path / "search.yaml").write_text(SEARCH.replace("WORKERS", str(workers)), encoding="utf-8")
    mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c", FULL, "sh", str(scratch)]
    if subprocess.run([*mounted, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    tinynas = [sys.executable, "-m", "tinynas"]
    options = ["--board", "nucleo_f446re", "--config", str(tmp_path / "search.yaml"), "--out", str(out)]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    run = subprocess.run(
        [*mounted, *tinynas, "search", *options], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1, run.stderr
    assert "the disk (or the quota) is full" in run.stderr
    assert "tinynas resume" in run.stderr
    with Study.open(out, readonly=True) as study:
        assert {trial.state.value for trial in study.trials()} <= {"proposed"}
    run = subprocess.run([*tinynas, "resume", str(out), "--json"], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout)["best"]["source"] == "virtual"
    with Study.open(out, readonly=True) as study:
        assert [trial.state.value for trial in study.trials()] == ["done"] * len(study.trials())
