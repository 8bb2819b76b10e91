"""One search for several boards, each in the loop: whose figures are whose, and what one that fails leaves behind."""

import dataclasses
from collections import Counter
from contextlib import nullcontext

import pytest

from tests.hil._figures import FIGURES
from tinynas.board import load_board
from tinynas.errors import BoardError, LinkTimeout, RamOverflow
from tinynas.hil import measure as measure_module
from tinynas.hil import pool as pool_module
from tinynas.search import bench as bench_module
from tinynas.search import run_shared_search
from tinynas.study import Study, TrialState

NAMES = ["nucleo_f446re", "nucleo_l476rg"]


class Desk:
    """Stands in for `measure` on every board: figures of its own for each, or the error that a board has."""

    def __init__(self):
        self.calls, self.errors = Counter(), {}

    def __call__(self, board, model, **options):
        self.calls[board.name] += 1
        error = self.errors.get(board.name, lambda _count: None)(self.calls[board.name])
        if error is not None:
            raise error
        return dataclasses.replace(FIGURES, latency_us=100.0 * (1 + NAMES.index(board.name)))


@pytest.fixture
def desk(monkeypatch):
    made = Desk()
    monkeypatch.setattr(measure_module, "measure", made)
    monkeypatch.setattr(pool_module.BoardPool, "take", lambda pool: nullcontext())
    monkeypatch.setattr(bench_module, "_PAUSE_S", 0.0)
    return made


@pytest.fixture
def run(configure, tasks, watcher, tmp_path):
    """Make or go on with a search for several boards on virtual links; returns the trials of each, and the epochs."""

    def run(names=NAMES, **changes):
        config = configure(**{"mode": "hil", "hil": {"link": "virtual"}, "trials": 2, **changes})
        boards = [load_board(name) for name in names]
        studies = []
        for board in boards:
            path = tmp_path / board.name
            made = {"config": config.to_dict(), "board": board.to_dict(), "provenance": {}}
            studies.append(Study.open(path) if path.exists() else Study.create(path, **made))
        seen = [watcher() for _ in boards]
        run.epochs = seen[0].epochs
        try:
            run_shared_search(studies, config, boards, tasks(config), seen)
            return [study.trials() for study in studies]
        finally:
            run.kept = [study.trials() for study in studies]
            for study in studies:
                study.close()

    return run


def epochs_of(trials):
    return {(trial.id, epoch) for trial in trials for epoch in range(trial.metrics["epochs"])}


@pytest.mark.slow
def test_each_board_measures_every_network_before_and_after_its_one_training(run, desk):
    first, second = run()
    assert desk.calls == dict.fromkeys(NAMES, 4)
    assert [trial.state for trial in (*first, *second)] == [TrialState.DONE] * 4
    for one, other in zip(first, second, strict=True):
        assert one.artefacts["tflite"] == other.artefacts["tflite"]
        assert (one.measurement["latency_us"], other.measurement["latency_us"]) == (100.0, 200.0)
    assert Counter((trial, epoch) for trial, epoch, _ in run.epochs) == Counter(epochs_of(first))


@pytest.mark.slow
def test_what_does_not_link_for_one_board_is_trained_for_the_other(run, desk):
    desk.errors[NAMES[0]] = lambda count: RamOverflow("20 bytes too much") if count == 1 else None
    first, second = run()
    assert [trial.state for trial in first] == [TrialState.INFEASIBLE, TrialState.DONE]
    assert [trial.state for trial in second] == [TrialState.DONE] * 2
    assert first[0].reason == "20 bytes too much"
    assert desk.calls == {NAMES[0]: 3, NAMES[1]: 4}


@pytest.mark.slow
@pytest.mark.parametrize(("dying", "after"), [(0, 0), (1, 0), (1, 1), (0, 2)])
def test_a_board_that_dies_ends_the_search_and_a_resume_repeats_nothing(run, desk, dying, after):
    desk.errors[NAMES[dying]] = lambda count: LinkTimeout("no answer") if count > after else None
    with pytest.raises(BoardError, match="failed 3 times: no answer") as caught:
        run()
    trained = {(trial, epoch) for trial, epoch, _ in run.epochs}
    done = {trial.id for trials in run.kept for trial in trials if "weights" in trial.artefacts}
    assert caught.value.where == NAMES[dying]  # the error itself names no port
    kept = [trial for trials in run.kept for trial in trials if trial.state is not TrialState.DONE]
    assert kept
    assert all(trial.objective is None and not trial.state.is_finished for trial in kept)
    desk.errors.clear()
    first, second = run()
    assert [trial.state for trial in (*first, *second)] == [TrialState.DONE] * 4
    assert not {(trial, epoch) for trial, epoch, _ in run.epochs if trial in done} & trained
    assert [(t.key, t.seed) for t in first] == [(t.key, t.seed) for t in second]


@pytest.mark.slow
@pytest.mark.emulator
def test_a_search_on_two_virtual_boards_one_of_which_is_small(run, configure):
    """Nothing is built for the small board where its resource model says that a network does not fit."""
    large, small = run(["nucleo_f446re", "nucleo_l073rz"], trials=3, space={"filters": [4, 48]})
    for trials in (large, small):
        for trial in trials:
            if trial.state is TrialState.DONE:
                found = trial.measurement
                assert (found["source"], found["parity"]) == ("virtual", True)
                assert found["predicted_flash_bytes"] == pytest.approx(found["flash_bytes"], rel=0.1)
    both = [
        (one, other) for one, other in zip(large, small, strict=True) if one.state is other.state is TrialState.DONE
    ]
    assert both
    for one, other in both:
        assert one.metrics["error_int8"] == other.metrics["error_int8"]
        assert one.measurement["latency_us"] < other.measurement["latency_us"]  # 180 MHz with DSP, 32 MHz without
