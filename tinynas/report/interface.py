"""The part of the model card that a programmer needs: what goes into the network, what comes out, in which units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tinynas.errors import TinynasError
from tinynas.report.markdown import figure, safe, table
from tinynas.report.view import StudyView, mapping_at, number_at
from tinynas.report.words import NONE
from tinynas.study import Study, Trial

if TYPE_CHECKING:
    from tinynas.deploy import Graph, Tensor

__all__ = ["interface", "read_model", "sampling"]

# Name, unit, definition of the outputs, in their order; `odometry.make_windows` has the formulas.
_OUTPUTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "velocity": tuple(
        (
            f"velocity {axis}",
            "m/s",
            f"displacement from the first to the last sample along {axis} of the ground truth's frame, divided by the "
            "time between them",
        )
        for axis in "xy"
    ),
    "speed_heading": (
        ("speed", "m/s", "horizontal displacement over the second half of the window, divided by the half's duration"),
        (
            "heading change",
            "rad",
            "angle from the displacement of the first half to that of the second, in (-pi, pi], anticlockwise seen "
            "from above; while the person stands, the device's turn about the vertical",
        ),
    ),
}

_FRAMES = {
    "body": "the device's own axes",
    "level": "a level frame: z up, the yaw by the gyroscope alone. An attitude filter turns them there",
    "north": "the north frame: z up, x along the horizontal magnetic field. An attitude filter turns them there",
}


def interface(view: StudyView, best: Trial, model: Graph | None) -> str:
    """Describe input, output and quantisation of the best network.

    Args:
        view: The study.
        best: Its best trial.
        model: The stored .tflite, or None where it cannot be read.

    Returns:
        Markdown.
    """
    window, channels, outputs = (
        safe(str(best.architecture.get(key, NONE))) for key in ("window", "channels", "outputs")
    )
    paragraphs = [
        "## Input, output, quantisation",
        f"**Input:** one window of {window} time steps by {channels} channels, oldest first{_rate(view, best)}.",
        *_frame(view),
        *_normalization(mapping_at(view.summary, "normalization")),
        f"**Output:** {outputs} values{_target(view)}",
        *_quantization(view.precision, model),
    ]
    return "\n\n".join(paragraphs)


def read_model(study: Study, best: Trial) -> Graph | None:
    """Read the stored .tflite of a trial; None where it is missing or no model: the rest of a card is worth having."""
    from tinynas.deploy import read_graph

    try:
        return read_graph(study.artefact(best.artefacts["tflite"]))
    except (TinynasError, KeyError):
        return None


def sampling(view: StudyView) -> str | None:
    """Say at which rate the input must be sampled; None when the study does not know.

    Example:
        >>> sampling(StudyView("", {}, {}, {}, {"rate_hz": 100.0}, (), None, ()))
        '100 Hz'
    """
    rate_hz = number_at(view.summary, "rate_hz")
    return None if rate_hz is None else f"{rate_hz:.6g} Hz"


def _rate(view: StudyView, best: Trial) -> str:
    rate_hz, window = number_at(view.summary, "rate_hz"), number_at(best.architecture, "window")
    if not rate_hz:
        return ""
    return f", sampled at {sampling(view)}" + ("" if window is None else f" ({window / rate_hz:.4g} s)")


def _frame(view: StudyView) -> Iterator[str]:
    if text := _FRAMES.get(str(view.summary.get("frame"))):
        yield f"The samples are expressed in {text}."
    turns = view.summary.get("turns")
    if turns in (2, 4):
        yield f"The output is the mean of {turns} inferences, on the window turned about the vertical each time."


def _normalization(normalization: Mapping[str, Any]) -> Iterator[str]:
    columns = [normalization.get(key) for key in ("channels", "mean", "std")]
    names, mean, std = (c if isinstance(c, Sequence) and not isinstance(c, str) else [] for c in columns)
    if not mean or not std:
        return
    names = [*names, *(f"channel {index}" for index in range(len(names), len(mean)))]
    yield "The channels in their order. Subtract the mean and divide by the standard deviation of the training data:"
    rows = [(safe(str(n)), figure(m), figure(s)) for n, m, s in zip(names, mean, std, strict=False)]
    yield table(("channel", "mean", "standard deviation"), rows)


def _target(view: StudyView) -> str:
    outputs = _OUTPUTS.get(view.target)
    if outputs is None:
        return f" ({safe(view.target)})."
    return ", in this order and these units, without any normalisation:\n\n" + table(
        ("output", "unit", "definition"), outputs
    )


def _quantization(precision: str, model: Graph | None) -> Iterator[str]:
    if precision == "float32":
        yield "**Quantisation:** none. Weights, activations, input and output are float32."
    else:
        yield (
            "**Quantisation:** full-integer int8: weights, activations, input and output. A normalised input value "
            "becomes the integer round(value / scale) + zero point, limited to -128 ... 127; an output value is "
            "scale * (integer - zero point)."
        )
    if model is None:
        yield "The stored model could not be read; shapes, types and scales are in the .tflite."
        return
    rows = [("input", *_facts(model.tensors[index])) for index in model.inputs]
    rows += [("output", *_facts(model.tensors[index])) for index in model.outputs]
    yield table(("tensor of the .tflite", "shape", "type", "scale", "zero point"), rows)


def _facts(tensor: Tensor) -> tuple[str, str, str, str]:
    shape, quantization = " x ".join(map(str, tensor.shape)), tensor.quantization
    if quantization is None:
        return shape, tensor.dtype, NONE, NONE
    # 9 digits give the float32 back exactly.
    return shape, tensor.dtype, figure(quantization.scale[0], 9), figure(quantization.zero_point[0])
