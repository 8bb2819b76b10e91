"""The model card: what a user of the network must know, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tinynas.report.view import View, mapping_at, number_at, read_view
from tinynas.report.words import NONE, describe, error_text, kib, macs, number, percent
from tinynas.study import Study, Trial

__all__ = ["model_card"]

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " "})


def model_card(study: Study) -> str:
    """Return the model card of the best network of a study, as Markdown.

    Args:
        study: In any state; without a feasible network the card says so.

    Raises:
        StudyError: The study cannot be read.
    """
    view = read_view(study)
    title = f"# Inertial odometry network for {_safe(view.title)}"
    if view.best is None:
        return f"{title}\n\nThe study {_code(view.name)} holds no network that fits the board.\n"
    parts = [
        title,
        _use(view),
        _data(view),
        _architecture(view.best),
        _interface(view, view.best),
        _costs(view, view.best),
        _metrics(view),
        _limits(view),
        _provenance(view, view.best),
    ]
    return "\n\n".join(parts) + "\n"


def _use(view: View) -> str:
    target = str(mapping_at(view.config, "dataset").get("target") or "velocity")
    what = {
        "velocity": "the mean horizontal velocity (x and y, in the frame of the ground truth)",
        "speed_heading": "the distance covered and the change of heading",
    }.get(target, _safe(target))
    return f"""## Intended use

The network estimates {what} of a walking person over a window of samples of an inertial measurement unit. Added up, the
estimates give a path. It is sized for {_safe(view.title)} and runs there without any other hardware. It is not fit for
uses in which a wrong position can hurt somebody."""


def _data(view: View) -> str:
    dataset = mapping_at(view.config, "dataset")
    rows = [(_safe(key), _value(value)) for key, value in dataset.items()]
    return f"## Data\n\nTrained on {_code(view.dataset)}; recordings are split whole, never by window.\n\n" + _table(
        ("setting", "value"), rows
    )


def _architecture(best: Trial) -> str:
    parameters = number_at(best.measurement, "parameters")
    count = f" It has {parameters:,.0f} parameters." if parameters is not None else ""
    rows = [(_safe(key), _value(value)) for key, value in best.architecture.items()]
    return (
        f"## Architecture\n\nA temporal convolutional network, output at the last time step: "
        f"{_safe(describe(best.architecture))}.{count}\n\n" + _table(("parameter", "value"), rows)
    )


def _interface(view: View, best: Trial) -> str:
    window, channels = best.architecture.get("window", NONE), best.architecture.get("channels", NONE)
    outputs = best.architecture.get("outputs", NONE)
    shape = f"{_safe(str(window))} time steps by {_safe(str(channels))} channels"
    text = f"""## Input, output, quantisation

Full-integer int8: weights, activations, input and output; scales and zero points are in the .tflite. Input: one window
of {shape}, oldest first. Output: {_safe(str(outputs))} values"""
    target = mapping_at(view.config, "dataset").get("target") or "velocity"
    text += " (velocity x, y in m/s)." if target == "velocity" else "."
    scale = view.summary.get("output_scale")
    if scale is not None:
        text += f" Output scale: {_value(scale)}."
    normalization = mapping_at(view.summary, "normalization")
    columns = [normalization.get(key) for key in ("channels", "mean", "std")]
    lists = [column if isinstance(column, Sequence) and not isinstance(column, str) else [] for column in columns]
    if lists[1] and lists[2]:
        names = [*lists[0], *(f"channel {index}" for index in range(len(lists[0]), len(lists[1])))]
        rows = [(_safe(str(n)), _number(m), _number(s)) for n, m, s in zip(names, lists[1], lists[2], strict=False)]
        text += (
            "\n\nBefore quantisation subtract the mean and divide by the standard deviation of the training data:\n\n"
        )
        text += _table(("channel", "mean", "standard deviation"), rows)
    return text


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
    rows.append(("latency", "not measured" if latency_us is None else f"{latency_us / 1000:.2f} ms", NONE))
    rows.append(("energy", "not measured" if energy_uj is None else f"{energy_uj / 1000:.3f} mJ", NONE))
    source, engine = (_code(str(measurement.get(key) or "unknown")) for key in ("source", "engine"))
    return f"## Costs\n\nFigures from {source}, engine {engine}.\n\n" + _table(("resource", "used", "limit"), rows)


def _metrics(view: View) -> str:
    rows = []
    for name, label in (("int8", "this network, int8"), ("float", "this network, float32")):
        rows.append((label, error_text(view.error(name, "validation")), error_text(view.error(name, "test"))))
    for name, label in (("mean", "always the training mean"), ("zero", "always zero")):
        rows.append((label, error_text(view.baseline(name, "validation")), error_text(view.baseline(name, "test"))))
    text = "## Metrics\n\nVelocity RMSE, x and y together.\n\n" + _table(("predictor", "validation", "test"), rows)
    if not view.test:
        return text + "\n\nThe network has not been evaluated on test recordings yet."
    if not view.test_recordings:
        return text
    keys = (("joint", 3), ("rmse_x", 3), ("rmse_y", 3), ("ate_m", 2), ("rte_m", 2), ("length_m", 1))
    recordings = [
        (_safe(str(row.get("name", NONE))), *(number(number_at(row, key), digits) for key, digits in keys))
        for row in view.test_recordings
    ]
    header = ("test recording", "RMSE (m/s)", "RMSE x (m/s)", "RMSE y (m/s)", "ATE (m)", "RTE (m)", "length (m)")
    return f"{text}\n\n{_table(header, recordings)}"


def _limits(view: View) -> str:
    share = number_at(view.summary, "space_infeasible_share")
    searched = f" {percent(share)} of the search space did not fit the board." if share is not None else ""
    return f"""## Limits

- Errors hold for recordings like those of the data above: the same sensor, sampling rate, way of carrying and walking.
  Other sensors need new training, or at least a check on recordings of their own.
- A path made of velocities drifts: its error grows with time. The table says how far it got on the test recordings.
- The input must be sampled at the rate of the training data and normalised as stated; a gap or a wrong unit gives a
  plausible but wrong answer, without any sign of it.
- The search tried {len(view.trials)} networks, of which {view.infeasible} did not fit.{searched}"""


def _provenance(view: View, best: Trial) -> str:
    rows = [("study", _code(view.name)), ("trial", str(best.id)), ("seed", str(best.seed))]
    rows += [(f"{_safe(kind)}, SHA-256", f"`{sha256}`") for kind, sha256 in best.artefacts.items()]
    rows += [(_safe(key), _value(value)) for key, value in view.provenance.items()]
    return "## Provenance\n\n" + _table(("what", "value"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _safe(text: str) -> str:
    """Escape what Markdown or HTML would read as more than text."""
    return text.translate(_SPECIAL)


def _code(text: str) -> str:
    return f"`{text}`" if text.isprintable() and not set("`|<") & set(text) else _safe(text)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, Mapping | list):
        return _safe(json.dumps(value, ensure_ascii=False))
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return (
        {None: NONE, True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else _safe(str(value))
    )
