"""A study as a table: for pandas, and for a notebook."""

import sys

import pytest

from tinynas.errors import StudyError
from tinynas.study import Study

STEPS = ("costed", "trained", "converted", "measured")


@pytest.fixture
def study(tmp_path):
    """Trial 0 is done, trial 1 does not fit, trial 2 is the best, trial 3 has just begun."""
    with Study.create(tmp_path / "walks", config={}, board={"name": "nucleo"}, provenance={}) as study:
        for number in range(4):
            study.propose(params={"filters": 8 + number, "norm": "batch"}, architecture={}, key=str(number), seed=1)
        for number, error in ((0, 0.3), (2, 0.2)):
            for state in STEPS:
                study.advance(number, state)
            cost = {"sram_bytes": 2048, "flash_bytes": 4096, "source": "proxy"}
            study.advance(
                number, "done", objective=error - 0.01, feasible=True, metrics={"error_int8": error}, measurement=cost
            )
        study.advance(1, "costed", measurement={"sram_bytes": 10**6})
        study.advance(1, "infeasible", objective=10.0, feasible=False, reason="SRAM <1000000> of 2")
        yield study


def test_a_row_a_trial_with_the_types_that_pandas_sorts_by(study):
    pandas = pytest.importorskip("pandas")
    table = study.to_dataframe()
    assert list(table.index) == [0, 1, 2, 3]
    assert list(table["state"]) == ["done", "infeasible", "done", "proposed"]
    assert table["error_int8"].idxmin() == 2
    assert table.loc[1, "reason"] == "SRAM <1000000> of 2"
    assert list(table["params.filters"]) == [8, 9, 10, 11]
    assert pandas.isna(table.loc[3, "objective"])
    assert table["objective"].dtype == "float64"
    assert table[table["state"] == "done"]["sram_bytes"].tolist() == [2048, 2048]
    assert (table["seconds"] >= 0).all()


def test_an_empty_study_is_an_empty_table(tmp_path):
    pytest.importorskip("pandas")
    with Study.create(tmp_path / "none", config={}, board={}, provenance={}) as study:
        assert study.to_dataframe().empty
        assert "no trials yet" in study._repr_html_()


def test_without_pandas_the_error_says_what_to_install(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(StudyError, match=r"pip install 'tinynas\[pandas\]'"):
        study.to_dataframe()


def test_a_notebook_shows_how_far_it_is_and_the_best_first(study):
    shown = study._repr_html_()
    assert "<b>walks</b> for nucleo: 1 proposed, 2 done, 1 infeasible" in shown
    assert shown.index("<td>2</td><td>0.1900</td>") < shown.index("<td>0</td><td>0.2900</td>")
    assert '<tr style="font-weight: bold"><td>2</td>' in shown
    assert "<td>0.2</td><td>2</td><td>4</td><td></td><td>filters 10, norm batch</td>" in shown


def test_what_others_wrote_is_no_markup(tmp_path):
    with Study.create(tmp_path / "<b>", config={}, board={"name": "<script>x</script>"}, provenance={}) as study:
        trial = study.propose(params={"<i>": "\x1b[2J"}, architecture={}, key="k", seed=1)
        for state in STEPS:
            study.advance(trial.id, state)
        study.advance(trial.id, "done", objective=1.0, feasible=True)
        shown = study._repr_html_()
    assert "<script>" not in shown
    assert "<i>" not in shown
    assert "\x1b" not in shown
    assert "&lt;script&gt;" in shown
