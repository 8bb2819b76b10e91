"""A first configuration for a board and data: what the check of the data asks for, with the reasons beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinynas.board import Board
from tinynas.config import Config, config_from_mapping
from tinynas.errors import DatasetError
from tinynas.odometry import Recording, Splits, choose_frame
from tinynas.odometry.check import DataCheck, Finding
from tinynas.yamlfile import parse_mapping

__all__ = ["Starter", "propose_config"]

_WINDOW_S = 2.0
_MOST_STRIDES = 10
# Share of the recordings that have to have a problem before an option mends it in all: a check errs now and then.
_OFTEN = 0.1
# Of problems that one option mends: the option, and what is said beside it.
_MENDED = {
    "time_offset": ("align.time", "shifts the ground truth"),
    "time_drift": ("align.time", "shifts the ground truth"),
    "misaligned": ("align.frame", "turns the ground truth's orientation"),
}


@dataclass(frozen=True)
class Starter:
    """A first configuration.

    Attributes:
        config: The configuration.
        text: The same as YAML, with comments.
        left: Kinds of problems that no option mends, each with what to do.
    """

    config: Config
    text: str
    left: Mapping[str, str]


def propose_config(board: Board, name: str, source: str, splits: Splits, found: DataCheck) -> Starter:
    """Choose a configuration that suits data, and say why.

    Args:
        board: The board.
        name: As the user named it: by name, or by its file.
        source: The dataset's specification.
        splits: Its recordings.
        found: What their check found.

    Raises:
        DatasetError: There is no training recording.
    """
    recordings = [*splits.train, *splits.valid, *splits.test]
    if not splits.train:
        raise DatasetError("there is no training recording", where=source)
    dataset, reasons = _choose_dataset(source, recordings, found)
    mended = {kind for kind in _MENDED if _MENDED[kind][0] in dataset} | ({"rate"} if "rate_hz" in dataset else set())
    left: dict[str, str] = {one.kind: one.advice for one in found.problems if one.kind not in mended}
    text = "\n".join(_write(board, name, dataset, reasons, left, found)) + "\n"
    return Starter(config_from_mapping(parse_mapping(text, "init"), "init"), text, left)


def _choose_dataset(
    source: str, recordings: Sequence[Recording], found: DataCheck
) -> tuple[dict[str, Any], dict[str, str]]:
    """Keys of the section `dataset`, dotted, and the reason of each."""
    kinds: dict[str, Finding] = {problem.kind: problem for problem in found.problems}
    rates = sorted({round(one.rate_hz, 3) for one in recordings})
    rate_hz = rates[0]
    window = _window([len(one) * rate_hz / one.rate_hz for one in recordings], rate_hz)
    stride = max(1, window // _MOST_STRIDES)
    dataset: dict[str, Any] = {"source": source}
    reasons = {
        "source": f"{len(recordings)} recordings, {sum(len(r) / r.rate_hz for r in recordings) / 60:.1f} minutes"
    }
    if "rate" in kinds:
        dataset["rate_hz"] = rate_hz
        reasons["rate_hz"] = f"recordings have {rates[0]:g} to {rates[-1]:g} Hz: all are resampled to the lowest rate"
    dataset["window"], reasons["window"] = window, f"{window / rate_hz:.3g} s at {rate_hz:g} Hz: what the network sees"
    dataset["stride"], reasons["stride"] = stride, "from the start of one training window to the next"
    dataset["evaluation_stride"] = stride
    reasons["evaluation_stride"] = f"a velocity every {stride / rate_hz:.3g} s, on the board too"
    dataset["target"], reasons["target"] = _target(recordings)
    dataset["frame"], reasons["frame"] = _frame(recordings, dataset["target"], kinds)
    for kind, (key, says) in _MENDED.items():
        names = [one.name for one in found.recordings if any(problem.kind == kind for problem in one.problems)]
        if len(names) >= _OFTEN * len(recordings):
            found_in = f"{kind} in {len(names)} recordings"
            reasons[key] = f"{reasons[key]}, {found_in}" if key in dataset else f"{says}: {found_in}"
            dataset[key] = True
    return dataset, reasons


def _window(lengths: Sequence[float], rate_hz: float) -> int:
    """Two seconds, or what half of the shortest recording has."""
    return max(3, min(round(_WINDOW_S * rate_hz), int(min(lengths) / 2)))


def _target(recordings: Sequence[Recording]) -> tuple[str, str]:
    mag = all(one.mag is not None for one in recordings)
    oriented = all(one.orientation is not None for one in recordings)
    if mag or oriented:
        return "velocity", "velocities along the axes of the ground truth; they add up to a path"
    return "speed_heading", "without magnetometer and orientation nothing tells how the world's axes lie"


def _frame(recordings: Sequence[Recording], target: str, kinds: Mapping[str, Any]) -> tuple[str, str]:
    mag = all(one.mag is not None for one in recordings)
    oriented = target != "velocity" or all(one.orientation is not None for one in recordings)
    if mag and oriented and ({"heading_scatter", "mag_axes", "mag_unit"} & set(kinds)):
        return "level", "the magnetic field cannot be trusted here, so the yaw follows the gyroscope alone"
    return choose_frame("auto", recordings, target=target, use_mag=None), "the best frame that these data allow"


def _write(
    board: Board,
    name: str,
    dataset: Mapping[str, Any],
    reasons: Mapping[str, str],
    left: Mapping[str, str],
    found: DataCheck,
) -> Iterator[str]:
    sram, flash = board.sram_limit_bytes, board.flash_limit_bytes
    yield "# yaml-language-server: $schema=tinynas.schema.json"
    yield "# A search by tinynas. All keys: docs/configuration.md; what is left out has its default."
    yield "# Check it without training anything: tinynas search --config THIS_FILE --dry-run"
    yield ""
    has = f"{sram:,} bytes of SRAM and {flash:,} of flash for a network"
    yield f"board: {_scalar(name)}  # {_plain(board.title or board.name)}: {has}"
    yield "trials: 30  # candidates; `tinynas resume` gives a study more"
    yield "# seed: 0  # same seed, data, versions and one worker: the same search"
    yield ""
    yield f"# The check of the data says: {_plain(found.summary())}"
    for kind, advice in left.items():
        yield f"#   {kind}: {_plain(advice)}"
    yield "dataset:"
    section = ""
    for key, value in dataset.items():
        before, _, last = key.rpartition(".")
        if before != section:
            section = before
            yield f"  {section}:"
        yield f"  {'  ' * bool(section)}{last}: {_scalar(value)}  # {_plain(reasons[key])}"
    yield ""
    yield "# space:  # the networks; narrower bounds are searched faster"
    yield "#   filters: [2, 63]"
    yield "#   kernel_size: [2, 15]"
    yield ""
    yield "training:"
    yield "  epochs: 20  # the error of few epochs ranks networks; the best of them deserve more:"
    yield "final:"
    yield "  candidates: 2  # so many of the best are trained again,"
    yield "  seeds: 3  # with so many seeds each, which tells chance from merit"
    yield ""
    yield "# objective:"
    yield "#   limits: {sram_bytes: 64 KiB}  # where the network may not have the whole board"


def _scalar(value: Any) -> str:
    """A value as YAML: JSON is some."""
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """One line of a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
