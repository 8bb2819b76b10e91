"""The model card: what a user of the network must know, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tinynas.report.interface import interface, read_model, sampling
from tinynas.report.markdown import code, pairs, safe, table, value
from tinynas.report.view import View, mapping_at, number_at, read_view, time_is_estimated
from tinynas.report.words import NONE, describe, error_text, kib, macs, number, percent
from tinynas.study import Study, Trial

__all__ = ["model_card"]


def model_card(study: Study) -> str:
    """Return the model card of the best network of a study, as Markdown.

    Args:
        study: In any state; without a feasible network the card says so.

    Raises:
        StudyError: The study cannot be read.
    """
    view = read_view(study)
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


def _use(view: View) -> str:
    what = {
        "velocity": "the mean horizontal velocity (x and y, in the frame of the ground truth)",
        "speed_heading": "the speed and the change of heading",
    }.get(view.target, safe(view.target))
    return f"""## Intended use

The network estimates {what} of a walking person over a window of samples of an inertial measurement unit. Added up, the
estimates give a path. It is sized for {safe(view.title)} and runs there without any other hardware. It is not fit for
uses in which a wrong position can hurt somebody."""


def _data(view: View) -> str:
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


def _costs(view: View, best: Trial) -> str:
    measurement = best.measurement or {}
    rows = [
        (label, kib(number_at(measurement, key)), kib(view.limit(resource)) if resource else NONE)
        for label, key, resource in (
            ("SRAM", "sram_bytes", "sram"),
            ("tensor arena", "arena_bytes", ""),
            ("flash", "flash_bytes", "flash"),
            (".tflite file", "tflite_bytes", ""),
        )
    ]
    rows.append(("MACs an inference", macs(number_at(measurement, "macs")), NONE))
    latency_us, energy_uj = number_at(measurement, "latency_us"), number_at(measurement, "energy_uj")
    estimate = ", a virtual board's estimate" if time_is_estimated(measurement) else ""
    rows.append(("latency", "not measured" if latency_us is None else f"{latency_us / 1000:.2f} ms{estimate}", NONE))
    rows.append(("energy", "not measured" if energy_uj is None else f"{energy_uj / 1000:.3f} mJ", NONE))
    source, engine = (code(str(measurement.get(key) or "unknown")) for key in ("source", "engine"))
    return f"## Costs\n\nFigures from {source}, engine {engine}.\n\n" + table(("resource", "used", "limit"), rows)


def _metrics(view: View) -> str:
    rows = []
    deployed = f"this network, {view.precision} (as deployed)"
    for stage, label in (("int8", deployed), ("float", "this network, before conversion")):
        rows.append((label, error_text(view.error(stage, "validation")), error_text(view.error(stage, "test"))))
    for name, label in (("mean", "always the training mean"), ("zero", "always zero")):
        rows.append((label, error_text(view.baseline(name, "validation")), error_text(view.baseline(name, "test"))))
    frame = " These are along and across the first heading of a window." if view.target == "speed_heading" else ""
    text = f"## Metrics\n\nVelocity RMSE, x and y together.{frame}\n\n"
    text += table(("predictor", "validation", "test"), rows)
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
    return f"{text}\n\n{table(header, recordings)}"


def _limits(view: View) -> str:
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


def _provenance(view: View, best: Trial) -> str:
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
