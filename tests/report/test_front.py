"""The front of a study: in --json, in the final table and on the page, with its knee; and the mean power."""

import dataclasses
import io

import pytest
from rich.console import Console

from tests.report.conftest import BOARD, CONFIG, PROVENANCE
from tinynas.report import print_result, read_view, result, write_report
from tinynas.report.front import read_front
from tinynas.report.power import describe_power, read_power
from tinynas.study import Study

# Error and flash: the second is beaten by the third, which is the knee; the last was never trained.
NETWORKS = ((0.50, 10_000), (0.45, 40_000), (0.30, 20_000), (0.28, 90_000), (None, 5_000))


@pytest.fixture(scope="module")
def traded(tmp_path_factory):
    config = {**CONFIG, "objective": {"pareto": ["error", "flash_bytes"]}}
    points = [{"clock_hz": 180_000_000, "active_mw": 30.0, "idle_mw": 1.0}]
    board = {**BOARD, "operating_points": points, "battery_mwh": 700.0}
    folder = tmp_path_factory.mktemp("front") / "study"
    with Study.create(folder, config=config, board=board, provenance=PROVENANCE) as study:
        for number, (error, flash) in enumerate(NETWORKS):
            network = {"filters": number + 2, "kernel_size": 3, "dilations": [1], "window": 200, "channels": 6}
            trial = study.propose(params={}, architecture=network, key=str(number), seed=0).id
            cost = {"sram_bytes": 9_000, "flash_bytes": flash, "latency_us": 10_000.0}
            cost |= {"source": "proxy", "engine": "aot"}
            study.advance(trial, "costed", measurement=cost)
            if error is None:
                study.advance(trial, "infeasible", objective=10.0, feasible=False, reason="too slow")
                continue
            study.advance(trial, "trained", metrics={"error_float": error})
            study.advance(trial, "converted", metrics={"error_int8": error})
            study.advance(trial, "measured", feasible=True)
            study.advance(trial, "done", objective=error)
        study.set_summary({"rate_hz": 100.0})
        yield study


def test_json_has_the_front_by_rising_error_and_its_knee(traded):
    front = result(traded)["front"]
    assert [point["trial"] for point in front] == [3, 2, 0]
    assert [point["knee"] for point in front] == [False, True, False]
    assert [(point["error_int8"], point["flash_bytes"]) for point in front] == [
        NETWORKS[point["trial"]] for point in front
    ]
    assert front[0]["architecture"]["filters"] == 5


def test_final_trainings_are_not_on_the_front_that_of_the_first_trial_included(traded):
    view = read_view(traded)
    again = [
        dataclasses.replace(trial, id=20 + trial.id, params={"final_of": trial.id}, metrics={"error_int8": 0.1})
        for trial in view.trials[:4]
    ]
    front = read_front(dataclasses.replace(view, trials=[*view.trials, *again]))
    assert [point["trial"] for point in front] == [3, 2, 0]


def test_the_final_table_names_every_network_of_the_front(traded):
    stream = io.StringIO()
    print_result(result(traded), Console(file=stream))
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("front")]
    assert [line.split(":")[0] for line in lines] == ["front, trial 3", "front, trial 2", "front, trial 0"]
    assert [line.endswith("(the knee)") for line in lines] == [False, True, False]
    assert "0.300 m/s" in lines[1]


def test_the_page_has_the_front(traded, tmp_path):
    page = write_report(traded, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Pareto front" in page
    assert "the knee" in page


def test_a_study_that_minimises_one_number_has_none(make_study):
    study = make_study(2)
    assert result(study)["front"] is None
    assert "Pareto front</h2>" not in write_report(study, study.folder / "report.html").read_text(encoding="utf-8")


def test_mean_power_is_that_of_update_and_rest(traded):
    view = read_view(traded)
    assert read_power(view, view.best) == {"update_s": None, "mean_power_mw": None, "battery_days": None}
    settings = {**view.config, "dataset": {"evaluation_stride": 5}}
    found = read_power(dataclasses.replace(view, config=settings), view.best)
    # 10 ms of 50 at 30 mW, the rest at 1 mW; 700 mWh last 700 / 6.8 hours.
    assert found == pytest.approx({"update_s": 0.05, "mean_power_mw": 6.8, "battery_days": 700 / 6.8 / 24})
    assert describe_power(found) == "6.80 mW with an update every 0.05 s; a battery lasts 4.3 days"
