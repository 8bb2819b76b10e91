"""What a search shows while it runs, on terminals of two widths and in a pipe."""

import dataclasses
import io

import pytest
from rich.console import Console

from tinynas.cli.progress import Progress
from tinynas.study import Trial, TrialState

LIMITS = (124_928, 507_904)


def trial(number, state="done", error=0.5, sram=20_000, **changes):
    done = state == "done"
    base = Trial(
        id=number,
        architecture={
            "filters": 24,
            "kernel_size": 7,
            "dilations": [1, 4, 16, 64, 256],
            "skip_connections": True,
            "norm": "batch",
            "window": 200,
            "channels": 6,
        },
        state=TrialState(state),
        seed=1,
        measurement=None if state in ("proposed", "failed") else {"sram_bytes": sram, "flash_bytes": 120_000},
        metrics={"error_int8": error} if done else None,
        objective=error - 0.005 if done else 10.1 if state == "infeasible" else None,
        feasible={"done": True, "infeasible": False}.get(state),
        reason={"infeasible": "SRAM 200000 of 124928 bytes", "failed": "the loss diverged"}.get(state),
        duplicate_of=None,
        times={},
        artefacts={},
        params={},
        key="k",
    )
    return dataclasses.replace(base, **changes)


def piped(*trials, done=(), count=4):
    console = Console(file=io.StringIO(), width=80)
    with Progress("Board on data", count, 10, LIMITS, list(done), console) as progress:
        for each in trials:
            progress.state(each)
            progress.epoch(each.id, 0, 0.7)
    return console.file.getvalue().splitlines()


def drawn(width, *trials, ended=False, note=None, **options):
    """The display as it stands after some trials, as lines."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    progress = Progress("ST NUCLEO-F446RE on oxiod:../shared/data/" + "x" * 60, 40, 10, LIMITS, [], console, **options)
    for each in trials:
        progress.state(each)
        if note:
            progress.epoch(each.id, *note)
    progress.ended = ended
    still = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    still.print(progress._render())
    return still.file.getvalue().splitlines()


def test_piped_lines_are_not_wrapped_and_hold_the_facts():
    title, first, second, third = piped(trial(0), trial(1, "infeasible"), trial(2, "failed"))
    assert title == "Board on data: 4 trials"
    assert first.startswith("[1/4] trial 0: error 0.500 m/s, SRAM 19.5 KiB, flash 117.2 KiB, 24 filters, kernel 7")
    assert "| best 0.4950 (trial 0) | about" in first
    assert second.startswith("[2/4] trial 1: infeasible, SRAM")
    assert "(SRAM 200000 of 124928 bytes)" in second
    assert third.startswith("[3/4] trial 2: failed, 24 filters")
    assert "(the loss diverged) | best 0.4950 (trial 0)" in third


def test_states_on_the_way_are_no_lines_of_a_pipe():
    assert len(piped(trial(0, "proposed"), trial(0, "costed"), trial(0, "trained"))) == 1


def test_the_last_line_has_no_time_left():
    *_, last = piped(trial(0), trial(1), count=2)
    assert last.endswith("| best 0.4950 (trial 0)")


def test_resumed_it_counts_on_and_knows_the_best():
    _, note, line = piped(trial(1, error=0.6), done=[trial(0)], count=3)
    assert note == "finished already: 1 of 3"
    assert line.startswith("[2/3] trial 1")
    assert "best 0.4950 (trial 0) | about" in line


def test_the_best_is_the_feasible_one_of_lowest_objective_and_the_first_of_equals():
    lines = piped(trial(0, "infeasible", objective=-5.0), trial(1, error=0.6), trial(2, error=0.4), trial(3, error=0.4))
    assert "best" not in lines[1]
    assert lines[-1].endswith("best 0.3950 (trial 2)")


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("state", ["proposed", "costed", "trained", "converted", "measured", "done"])
def test_the_display_keeps_its_height_whatever_the_width(width, state):
    trials = [trial(0), trial(1, "infeasible"), trial(2, "failed"), trial(3, error=0.31)]
    now = trial(4, state, metrics=None)
    lines = drawn(width, *trials, now, note=(4, 0.123))
    reference = drawn(200, *trials, now, note=(4, 0.123))
    assert len(lines) == len(reference)
    assert max(map(len, lines)) <= width


def test_at_80_columns_everything_that_matters_is_legible():
    lines = drawn(80, trial(0), trial(1, "infeasible"), trial(2, error=0.31), trial(3, "costed"), note=(4, 0.123))
    text = "\n".join(lines)
    assert "3/40 trials" in text
    assert "trial 3: training, epoch 5/10, validation 0.123 m/s" in text
    assert "best so far: trial 2, error 0.310 m/s, objective 0.3050" in text
    assert "19.5 of 122.0 KiB" in text
    assert "117.2 of 496.0 KiB" in text
    header = next(line for line in lines if line.startswith("trial  "))
    assert header.split() == ["trial", "error", "m/s", "SRAM", "KiB", "flash", "KiB", "network"]
    assert any(line.split()[:4] == ["1", "infeasible", "19.5", "117.2"] for line in lines)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_figure_of_mixed_units_has_none(width):
    states = trial(0), trial(3, "costed")
    lines = drawn(width, *states, note=(4, 0.123), unit=None)
    now = next(line for line in lines if "training" in line)
    assert "m/s" not in now
    assert width < 80 or now.rstrip().endswith("validation 0.123")
    assert any("error m/s" in line for line in lines)  # that of a converted model is a velocity for every target
    assert len(lines) == len(drawn(width, *states, note=(4, 0.123)))
    assert max(map(len, lines)) <= width


def test_before_the_first_trial_and_after_the_last():
    assert any("loading TensorFlow" in line for line in drawn(80))
    assert any("no feasible network yet" in line for line in drawn(80))
    assert not any("choosing" in line or "testing" in line for line in drawn(80, trial(0), ended=True))


def test_only_the_latest_trials_are_listed():
    lines = drawn(120, *(trial(number) for number in range(20)))
    listed = [line.split()[0] for line in lines if "24 filters" in line and not line.startswith("  24")]
    assert listed == [str(number) for number in range(12, 20)]


def test_a_clock_that_passes_the_hour(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("tinynas.cli.progress.monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    with Progress("t", 3, 1, LIMITS, [], console) as progress:
        now[0] = 3725.0
        progress.state(trial(0))
    assert "about 2:04:10 left" in console.file.getvalue()
