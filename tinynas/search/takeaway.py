"""A finished network as a library takes it: compiled with filter and path, with an example walk and its origin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinynas.deploy import Model, PathSettings, compile_path, load_tensorflow
from tinynas.deploy.compiler import check_name
from tinynas.deploy.export import Contents, Walk, memory_map
from tinynas.errors import DatasetError
from tinynas.network import Architecture, keras_model
from tinynas.odometry import Frame, Recording, SyntheticOptions, WindowSpec, express, make_windows, resample, synthesize
from tinynas.search.outcome import predict_deployed
from tinynas.search.store import unpack_weights
from tinynas.search.trained import TrainedNetwork
from tinynas.study import Study

__all__ = ["build_keras", "describe_origin", "example_walk", "simulate_walk", "take_contents"]

_WALK_S = 30.0
_KEPT = ("tinynas", "revision", "python", "packages", "dataset_fingerprint", "board_fingerprint", "seed")


def take_contents(
    network: TrainedNetwork,
    settings: PathSettings,
    recording: Recording,
    *,
    name: str,
    version: str,
    title: str,
    documents: dict[str, str],
) -> Contents:
    """Compile a network with filter and path, and compute the example's path.

    Args:
        network: Out of its study.
        settings: How it is fed (`TrainedNetwork.path_settings`).
        recording: The example, in the body frame.
        name: Prefix of the library's functions.
        version: Of the library.
        title: The board.
        documents: Files that go with it, by name; the memory map is added.

    Raises:
        ConfigError: `name` cannot begin names in C.
        ConversionError, UnsupportedOp: The network cannot be compiled.
        DatasetError: The recording lacks a sensor, or is shorter than a window.
    """
    check_name(name)
    model = Model.of(network.model)
    program = compile_path(model, settings, name=f"{name}_network")
    walk = example_walk(network, settings, recording)
    more = {**documents, "memory_map.md": memory_map(model, program)}
    return Contents(name, version, title, program, settings, walk, more)


def simulate_walk(rate_hz: float, seed: int) -> Recording:
    """Half a minute of a simulated walker."""
    options = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=_WALK_S, rate_hz=rate_hz)
    return synthesize(options, seed=seed).test[0]


def example_walk(network: TrainedNetwork, settings: PathSettings, recording: Recording) -> Walk:
    """The path that the host computes of a recording, as a board will: nothing is known of the sensors beforehand.

    Args:
        network: Out of its study.
        settings: How the board feeds it.
        recording: In the body frame; resampled to the network's rate.

    Raises:
        DatasetError: It lacks a sensor, or is shorter than a window.
    """
    options = network.config.dataset
    whole = replace(recording, valid=np.ones(len(recording), bool), orientation=None)
    if recording.rate_hz != settings.rate_hz:
        whole = resample(whole, settings.rate_hz, gap_s=options.align.gap_s)
    if settings.north and whole.mag is None:
        raise DatasetError("the recording has no magnetometer, which the network needs", where=recording.name)
    # As the board reads them: single floats.
    read = [array.astype(np.float32) for array in (whole.accel, whole.gyro, whole.mag) if array is not None]
    read = read[: 3 if settings.north else 2]
    whole = replace(
        whole,
        accel=read[0].astype(np.float64),
        gyro=read[1].astype(np.float64),
        mag=read[2].astype(np.float64) if settings.north else None,
    )
    attitude = replace(options.attitude, hard_iron="none" if settings.learning is None else "online")
    frame: Frame = "north" if settings.north else "level"
    framed = express(whole, frame, attitude, use_mag=settings.north, mounting=options.mounting).recording
    if len(framed) < options.window:
        message = f"{len(framed)} samples are less than the network's window of {options.window}"
        raise DatasetError(message, where=recording.name)
    windows = make_windows([framed], WindowSpec(options.window, settings.stride, use_mag=False))
    velocity = predict_deployed(network.model, network.normalization.apply(windows.inputs), settings.turns)
    position = np.cumsum(velocity.astype(np.float64) * settings.stride / settings.rate_hz, axis=0)
    time_s = (windows.start + options.window - 1) / settings.rate_hz
    return Walk(recording.name, np.concatenate(read, axis=1), np.column_stack([time_s, velocity, position]))


def describe_origin(study: Study, network: TrainedNetwork, walk: str | None) -> str:
    """Where a network comes from, as JSON; without paths of the machine that searched it."""
    trial = study.trial(network.trial)
    origin: dict[str, Any] = {
        "study": Path(study.folder).resolve().name,
        "board": study.board.get("name"),
        "dataset": network.config.dataset.source.partition(":")[0],
        "trial": trial.id,
        "trial_seed": trial.seed,
        "architecture": dict(trial.architecture),
        "sha256": dict(trial.artefacts),
        "example_walk": walk,
        "search": {key: study.provenance[key] for key in _KEPT if key in study.provenance},
    }
    return json.dumps(origin, indent=1, sort_keys=True) + "\n"


def build_keras(study: Study, network: TrainedNetwork) -> Any:
    """The network before conversion, as a Keras model of windows in SI units in its frame.

    Raises:
        StudyError: The study does not keep the trial's weights.
    """
    load_tensorflow(1)
    trial = study.trial(network.trial)
    weights = unpack_weights(study.artefact(trial.artefacts["weights"]))
    scale = network.normalization
    return keras_model(Architecture.from_dict(trial.architecture), weights, mean=scale.mean, std=scale.std)
