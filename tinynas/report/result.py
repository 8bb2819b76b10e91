"""The result of a search as data: what `tinynas search --json` prints."""

from __future__ import annotations

from typing import Any

from tinynas.report.columns import Where, columns_in
from tinynas.report.finals import final_trainings
from tinynas.report.front import read_front
from tinynas.report.power import read_power
from tinynas.report.predicted import proxy_error
from tinynas.report.rulers import RULERS
from tinynas.report.view import StudyView, number_at, read_view
from tinynas.study import Study

__all__ = ["result"]


def result(study: Study) -> dict[str, Any]:
    """Return the result of a search. Unknown figures are None; the names are a promise to scripts.

    Args:
        study: A study in any state: finished, under way, without trials.

    Returns:
        study (folder), board (name), trials and infeasible (counts), seconds, best, baselines, final, test, limits,
        space_infeasible_share, ended_early and proxy_error. `ended_early` says why a search made fewer trials than
        it was given, or is None. `best` is None without a feasible network, else trial (id),
        architecture, objective, precision (`int8` or `float32`), error_int8 (of the model as deployed, in that
        precision) and error_float (before conversion), both joint velocity RMSE in m/s on the validation recordings,
        frame (what its inputs are expressed in) and turns (directions in which it looks) once the search has ended,
        the figures of `columns.COLUMNS` that are meant for machines (sram_bytes, flash_bytes, macs, latency_us,
        energy_uj), mean_power_mw and battery_days (`power.read_power`), and source and engine of these figures. `front`
        lists the networks of the Pareto front in the same way, one of them with `knee` (`front.read_front`); it is None
        where the search minimised one number. `baselines` holds the
        errors of standing still (`zero`), of predicting the training `mean`, and of a `compass` (a constant velocity
        in the axes of a device whose attitude is known), on the validation recordings too: the objective was computed
        from these. `test` holds the metrics of the best network on the test recordings, with the `baselines`
        of those, or is None. `final` lists the final trainings, network by network, with the spread between seeds
        (`finals.final_trainings`). `limits` holds the board's limits in bytes. `proxy_error` says how far the resource
        model was off over the trials that were measured on a board (`predicted.proxy_error`), or is None.

    Raises:
        StudyError: The study cannot be read.
    """
    view = read_view(study)
    return {
        "study": view.folder,
        "board": view.board.get("name"),
        "trials": len(view.trials),
        "infeasible": view.infeasible,
        "seconds": number_at(view.summary, "seconds"),
        "best": _best(view),
        "front": read_front(view),
        "baselines": _baselines(view, "validation"),
        "final": final_trainings(view),
        "test": {**view.test, "baselines": _baselines(view, "test")} if view.test else None,
        "limits": {f"{name}_bytes": view.limit(name) for name in ("sram", "flash")},
        "space_infeasible_share": number_at(view.summary, "space_infeasible_share"),
        "ended_early": view.summary.get("ended_early"),
        "proxy_error": proxy_error(view),
    }


def _best(view: StudyView) -> dict[str, Any] | None:
    if view.best is None:
        return None
    measurement = view.best.measurement or {}
    names = [*(column.key for column in columns_in(Where.JSON)), "source", "engine"]
    return {
        "trial": view.best.id,
        "architecture": dict(view.best.architecture),
        "objective": view.best.objective,
        "precision": view.precision,
        "error_int8": view.error("int8", "validation"),
        "error_float": view.error("float", "validation"),
        "frame": view.summary.get("frame"),
        "turns": view.summary.get("turns"),
        **read_power(view, view.best),
    } | {name: measurement.get(name) for name in names}


def _baselines(view: StudyView, split: str) -> dict[str, float | None]:
    return {predictor: view.baseline(predictor, split) for predictor in RULERS}
