"""A finished network, taken out of its study to be judged on recordings that it has never seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinynas.config import Config, config_of_study
from tinynas.deploy import PathSettings
from tinynas.errors import ConfigError, StudyError
from tinynas.odometry import (
    Baselines,
    Evaluation,
    Frame,
    Normalization,
    Recording,
    WindowSpec,
    choose_frame,
    evaluate,
    express,
    make_windows,
    preparation,
    resample,
)
from tinynas.odometry.attitude import compute_gains, compute_magnetometer_gains, initialise
from tinynas.search.outcome import predict_deployed
from tinynas.study import Study, Trial

__all__ = ["TrainedNetwork", "open_trained"]

_SAME_RATE = 0.01


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with what its inputs need.

    Args:
        trial: Number of its trial.
        model: Bytes of its .tflite.
        config: The configuration that it was searched with.
        normalization: Of its inputs.
        frame: What its inputs are expressed in; None: as the configuration chooses for the recordings.
        rate_hz: Its sample rate in Hz.
        baselines: The predictors without a network, as fitted on its training recordings; None where the study does not
            keep them.
        dataset_folder: Where its own data lay, or None.
    """

    trial: int
    model: bytes
    config: Config
    normalization: Normalization
    frame: Frame | None
    rate_hz: float
    baselines: Baselines | None
    dataset_folder: str | None

    def is_own(self, source: str) -> bool:
        """Whether a specification names the data that the network was trained on."""
        own_layout, _, own = self.config.dataset.source.partition(":")
        layout, _, folder = source.partition(":")
        if layout != own_layout:
            return False
        known = {str(Path(path).expanduser().resolve()) for path in (own, self.dataset_folder) if path}
        return not known or str(Path(folder).expanduser().resolve()) in known

    def judge(self, recordings: Sequence[Recording]) -> Evaluation:
        """Predict recordings with the model as deployed and hold it against the truth.

        Recordings of another rate are resampled to the network's.

        Args:
            recordings: In the body frame.

        Raises:
            DatasetError: They lack a sensor that the network needs, or are shorter than its window.
            ConversionError: The model cannot be run.
        """
        options = self.config.dataset
        prepare = preparation(options)
        ready = [self._resampled(prepare(recording)) for recording in recordings]
        if options.use_mag is False:
            ready = [replace(recording, mag=None) for recording in ready]
        frame = self.frame or choose_frame(options.frame, ready, target=options.target, use_mag=options.use_mag)
        mounting = options.mounting
        framed = [express(one, frame, options.attitude, use_mag=options.use_mag, mounting=mounting) for one in ready]
        use_mag = len(self.normalization.mean) == 9 if frame == "body" else None
        spec = WindowSpec(options.window, options.evaluation_stride, options.target, use_mag, options.span)
        seen = [one.recording for one in framed]
        windows = make_windows(seen, spec)
        inputs = self.normalization.apply(windows.inputs)
        predicted = predict_deployed(self.model, inputs, self.config.deploy.turns)
        others = {"zero": np.zeros((len(windows), 2))}
        if self.baselines is not None:
            others = self.baselines.predict(windows, framed)
        return evaluate(predicted, windows, seen, others)

    def path_settings(self, *, turns: int | None = None, stride: int | None = None) -> PathSettings:
        """What a board's program from samples to a path has to know of the network.

        Args:
            turns: Directions in which the network looks; None: as it was searched with.
            stride: Samples from one velocity to the next; None: as it was judged with.

        Raises:
            ConfigError: The network is not fed by the attitude filter, or has another target than `velocity`.
        """
        options = self.config.dataset
        if self.frame not in ("level", "north") or options.target != "velocity":
            what = f"the network reads the {self.frame or 'body'} frame and predicts {options.target}"
            advice = "search with dataset.frame level or north and dataset.target velocity"
            raise ConfigError(f"{what}: a path needs a level or north frame and velocities", advice=advice)
        attitude, rate_hz = options.attitude, self.rate_hz
        learning = initialise(compute_magnetometer_gains(rate_hz, attitude), "learning")
        return PathSettings(
            rate_hz=rate_hz,
            stride=options.evaluation_stride if stride is None else stride,
            mean=self.normalization.mean.tolist(),
            std=self.normalization.std.tolist(),
            gains=initialise(compute_gains(rate_hz, attitude), "gains"),
            learning=learning if self.frame == "north" and attitude.hard_iron != "none" else None,
            north=self.frame == "north",
            turns=self.config.deploy.turns if turns is None else turns,
        )

    def _resampled(self, recording: Recording) -> Recording:
        if abs(recording.rate_hz / self.rate_hz - 1) <= _SAME_RATE:
            return recording
        return resample(recording, self.rate_hz, gap_s=self.config.dataset.align.gap_s)


def open_trained(path: Path, *, trial: int | None = None) -> TrainedNetwork:
    """Take the best network out of a study, another of its trials, or the one that a .tflite file in its folder is.

    Args:
        path: Folder of a study, or a .tflite file beside a study's `study.db`.
        trial: Number of a trial of the study; None: the best one, or the file's.

    Raises:
        ConfigError: There is no study, or the file is none of its networks.
        StudyError: The study has no finished network, or the trial has no network.
    """
    folder = path if path.is_dir() else path.parent
    if not (folder / "study.db").is_file():
        what = "there is no study in this folder" if path.is_dir() else "the model has no study beside it"
        advice = (
            "a model does not say how its inputs are made; name the folder of its study, or the best.tflite in there"
        )
        raise ConfigError(what if path.exists() else "no such file or folder", where=str(path), advice=advice)
    with Study.open(folder, readonly=True) as study:
        chosen = _chosen(study, path, trial)
        summary = study.summary
        config = config_of_study(study.config, folder).of_trial(chosen.params or {})
        if "rate_hz" not in summary:
            raise _unfinished(study)
        seen = _seen(study, summary, chosen)
        return TrainedNetwork(
            trial=chosen.id,
            model=study.artefact(chosen.artefacts["tflite"]),
            config=config,
            normalization=_scale(study, seen),
            frame=seen.get("frame"),
            rate_hz=float(summary["rate_hz"]),
            baselines=_baselines(seen.get("predictors")),
            dataset_folder=study.provenance.get("dataset_folder"),
        )


def _chosen(study: Study, path: Path, number: int | None) -> Trial:
    if number is None:
        return _best(study) if path.is_dir() else _owner(study, path)
    trial = study.trial(number)
    if "tflite" not in trial.artefacts:
        why = f" ({trial.reason})" if trial.reason else ""
        what = f"trial {number} has no network: it is {trial.state}{why}"
        raise StudyError(what, where=str(study.folder), advice="choose a trial that is done")
    return trial


def _best(study: Study) -> Trial:
    best = study.best()
    if best is None or "tflite" not in best.artefacts:
        advice = "let the search end: `tinynas resume` goes on with it"
        raise StudyError("the study has no finished network", where=str(study.folder), advice=advice)
    return best


def _owner(study: Study, path: Path) -> Trial:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for trial in study.trials():
        if trial.artefacts.get("tflite") == sha256:
            return trial
    advice = "name the folder of the study, or a model that its search has made"
    raise ConfigError("the model is none of the study beside it", where=str(path), advice=advice)


def _seen(study: Study, summary: Mapping[str, Any], trial: Trial) -> Mapping[str, Any]:
    """How a trial saw the data, out of a summary: frame, normalisation, predictors."""
    best = study.best()
    if best is None or trial.id == best.id or "variants" not in summary:
        return summary
    params, found = trial.params or {}, summary["variants"]
    frame, window = (params.get(key, summary[key]) for key in ("frame", "window"))
    return next((one for one in found if (one["frame"], one["window"]) == (frame, window)), summary)


def _scale(study: Study, seen: Mapping[str, Any]) -> Normalization:
    scale = seen.get("normalization")
    if not isinstance(scale, Mapping):
        raise _unfinished(study)
    return Normalization(np.asarray(scale["mean"], np.float64), np.asarray(scale["std"], np.float64))


def _unfinished(study: Study) -> StudyError:
    advice = "let the search end: `tinynas resume` goes on with it"
    return StudyError("the study has not ended: its summary is missing", where=str(study.folder), advice=advice)


def _baselines(kept: Mapping[str, Any] | None) -> Baselines | None:
    if kept is None:
        return None
    compass = kept.get("compass")
    return Baselines(np.asarray(kept["mean"], np.float64), None if compass is None else np.asarray(compass, np.float64))
