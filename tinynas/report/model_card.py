"""The model card: what a user of the network must know, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tinynas.report.columns import Where, columns_in
from tinynas.report.finals import describe_final, final_trainings
from tinynas.report.interface import interface, read_model, sampling
from tinynas.report.markdown import code, pairs, safe, table, value
from tinynas.report.rulers import RULERS, describe_errors
from tinynas.report.view import StudyView, mapping_at, number_at, read_view
from tinynas.report.words import NONE, describe, error_text, kib, number, percent
from tinynas.study import Study, Trial

__all__ = ["model_card"]


def model_card(study: Study, trial: int | None = None) -> str:
    """Return the model card of a network of a study, as Markdown.

    Args:
        study: In any state; without a feasible network the card says so.
        trial: Number of the network's trial; None: the best one.

    Raises:
        StudyError: The study cannot be read, or has no such trial.
    """
    view = read_view(study)
    if trial is not None and (view.best is None or view.best.id != trial):
        view = _of_trial(view, study.trial(trial))
    title = f"# Inertial odometry network for {safe(view.title)}"
    if view.best is None:
        return f"{title}\n\nThe study {code(view.name)} holds no network that fits the board.\n"
    parts = [
        title,
        _use(view),
        _data(view),
        _architecture(view.best),
        interface(view, view.best, read_model(study, view.best)),
        _costs(view, view.best),
        _metrics(view),
        _limits(view),
        _provenance(view, view.best),
    ]
    return "\n\n".join(parts) + "\n"


def _of_trial(view: StudyView, trial: Trial) -> StudyView:
    """A study seen as if another network were the best: what is known of its frame and window, and no test."""
    params, summary = trial.params or {}, view.summary
    wanted = tuple(params.get(key, summary.get(key)) for key in ("frame", "window"))
    variants = summary.get("variants")
    seen = variants if isinstance(variants, Sequence) else ()
    found: Mapping[str, object] = next((one for one in seen if (one.get("frame"), one.get("window")) == wanted), {})
    turns = {"turns": params["turns"]} if "turns" in params else {}
    return replace(view, best=trial, summary={**summary, **found, **turns}, recordings=())


def _use(view: StudyView) -> str:
    what = {
        "velocity": "the mean horizontal velocity (x and y, in the frame of the ground truth)",
        "speed_heading": "the speed and the change of heading",
    }.get(view.target, safe(view.target))
    return f"""## Intended use

The network estimates {what} of a walking person over a window of samples of an inertial measurement unit. Added up, the
estimates give a path. It is sized for {safe(view.title)} and runs there without any other hardware. It is not fit for
uses in which a wrong position can hurt somebody."""


def _data(view: StudyView) -> str:
    dataset = mapping_at(view.config, "dataset")
    rows = list(_settings("", dataset))
    return f"## Data\n\nTrained on {code(view.dataset)}; recordings are split whole, never by window.\n\n" + table(
        ("setting", "value"), rows
    )


def _architecture(best: Trial) -> str:
    parameters = number_at(best.measurement, "parameters")
    count = f" It has {parameters:,.0f} parameters." if parameters is not None else ""
    rows = [(safe(key), value(item)) for key, item in best.architecture.items()]
    return (
        f"## Architecture\n\nA temporal convolutional network, output at the last time step: "
        f"{safe(describe(best.architecture))}.{count}\n\n" + table(("parameter", "value"), rows)
    )


def _costs(view: StudyView, best: Trial) -> str:
    measurement = best.measurement or {}
    rows = [
        (column.label, column.text(measurement) or NONE, kib(view.limit(column.resource)) if column.resource else NONE)
        for column in columns_in(Where.CARD)
    ]
    source, engine = (code(str(measurement.get(key) or "unknown")) for key in ("source", "engine"))
    return f"## Costs\n\nFigures from {source}, engine {engine}.\n\n" + table(("resource", "used", "limit"), rows)


def _metrics(view: StudyView) -> str:
    rows = []
    deployed = f"this network, {view.precision} (as deployed)"
    for stage, label in (("int8", deployed), ("float", "this network, before conversion")):
        rows.append((label, error_text(view.error(stage, "validation")), error_text(view.error(stage, "test"))))
    for name, label in RULERS.items():
        rows.append((label, error_text(view.baseline(name, "validation")), error_text(view.baseline(name, "test"))))
    frame = " These are along and across the first heading of a window." if view.target == "speed_heading" else ""
    text = f"## Metrics\n\nVelocity RMSE, x and y together.{frame}\n\n"
    text += table(("predictor", "validation", "test"), rows)
    for row in final_trainings(view):
        text += f"\n\nFinal training: {describe_final(row)}."
    if not view.test:
        return text + "\n\nThe network has not been evaluated on test recordings yet."
    if not view.test_recordings:
        return text
    keys = (("joint", 3), ("rmse_x", 3), ("rmse_y", 3), ("ate_m", 2), ("rte_m", 2), ("length_m", 1))
    recordings = [
        (safe(str(row.get("name", NONE))), *(number(number_at(row, key), digits) for key, digits in keys))
        for row in view.test_recordings
    ]
    header = ("test recording", "RMSE (m/s)", "RMSE x (m/s)", "RMSE y (m/s)", "ATE (m)", "RTE (m)", "length (m)")
    words = "\n".join(
        f"- {safe(str(row.get('name', NONE)))}: {safe(describe_errors(row))}" for row in view.test_recordings
    )
    return f"{text}\n\n{table(header, recordings)}\n\nBeside what needs no network:\n\n{words}"


def _limits(view: StudyView) -> str:
    rate = sampling(view) or "the rate of the training data"
    share = number_at(view.summary, "space_infeasible_share")
    searched = f" {percent(share)} of the search space did not fit the board." if share is not None else ""
    return f"""## Limits

- Errors hold for recordings like those of the data above: the same sensor, sampling rate, way of carrying and walking.
  Other sensors need new training, or at least a check on recordings of their own.
- A path made of velocities drifts: its error grows with time. The table says how far it got on the test recordings.
- The input must be sampled at {rate} and normalised as stated; a gap or a wrong unit gives a plausible but wrong
  answer, without any sign of it.
- The search tried {len(view.trials)} networks, of which {view.infeasible} did not fit.{searched}"""


def _provenance(view: StudyView, best: Trial) -> str:
    rows = [("study", code(view.name)), ("trial", str(best.id)), ("seed of the trial", str(best.seed))]
    rows += [(f"{safe(kind)}, SHA-256", f"`{sha256}`") for kind, sha256 in best.artefacts.items()]
    if toolchain := (best.measurement or {}).get("toolchain"):
        rows.append(("image measured, built by", value(toolchain)))
    for key, item in view.origin.items():
        rows.append((safe(key), pairs(item) if isinstance(item, Mapping) else value(item)))
    return "## Provenance\n\n" + table(("what", "value"), rows)


def _settings(prefix: str, settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Nested settings by their dotted keys, as docs/configuration.md names them."""
    for key, item in settings.items():
        if isinstance(item, Mapping):
            yield from _settings(f"{prefix}{key}.", item)
        else:
            yield safe(f"{prefix}{key}"), value(item)
