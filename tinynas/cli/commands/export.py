"""`tinynas export`: a network as a library for a user's own firmware."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tinynas.cli.options import SOURCE_HELP, JsonOption, StudyArgument

if TYPE_CHECKING:
    from tinynas.deploy.export import Contents
    from tinynas.odometry import Recording
    from tinynas.search import TrainedNetwork
    from tinynas.study import Study

__all__ = ["register"]

Format = Literal["c", "arduino", "cmsis-pack", "tflite", "keras"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "export",
        short_help="Take a network into your own firmware.",
        help="Write a library that makes velocity and path of raw samples: for any C compiler, for Arduino, or as a "
        "CMSIS pack; or the bare network. docs/export.md has the rest.",
    )(export)


def export(
    study: StudyArgument,
    out: Annotated[Path, typer.Option(help="Folder of the export; an earlier export in it is replaced.")],
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="c: sources for any compiler; arduino: a library with a sketch for the Nano 33 BLE; cmsis-pack; "
            "tflite: the int8 model alone; keras: the network before conversion.",
        ),
    ] = "c",
    trial: Annotated[str, typer.Option(metavar="best|N", help="Which network: the best, or that of a trial.")] = "best",
    name: Annotated[str, typer.Option(help="Begins the library's names: a name in C, in lower case.")] = "odometer",
    version: Annotated[str, typer.Option("--library-version", metavar="X.Y.Z", help="Of the library.")] = "1.0.0",
    walk: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Its first recording is the example's walk, by default one of the simulator. " + SOURCE_HELP,
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, help="Samples from one velocity to the next; by default the study's.")
    ] = None,
    turns: Annotated[
        Literal["1", "2", "4"] | None,
        typer.Option(help="Directions in which the network looks; by default the study's."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the request, open the network, build the files, write them at once."""
    from tinynas.cli.console import print_json
    from tinynas.deploy.export import check_target, write_folder
    from tinynas.search import open_trained
    from tinynas.study import Study

    number = _trial(trial)
    _check_library(form, name, version, {"--walk": walk, "--stride": stride, "--turns": turns})
    check_target(out)
    network = open_trained(study, trial=number)
    settings = {"turns": turns and int(turns), "stride": stride}
    with Study.open(study, readonly=True) as opened:
        files = _bare(opened, network, form)
        if not files:
            files = _library(opened, network, form, name, version, walk, settings)
    written = write_folder(out, files)
    result = {"study": str(study), "trial": network.trial, "format": form, "folder": str(out)}
    if as_json:
        print_json(result | {"files": sorted(str(path) for path in written)})
    else:
        _print(out, network.trial, files, form)


def _trial(text: str) -> int | None:
    from tinynas.errors import ConfigError

    if text == "best":
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ConfigError("is neither best nor the number of a trial", where=f"--trial {text}")
    return int(text)


def _check_library(form: Format, name: str, version: str, given: dict[str, Any]) -> None:
    from tinynas.errors import ConfigError

    if form in ("tflite", "keras"):
        for option, value in given.items():
            if value is not None:
                advice = "choose --format c, arduino or cmsis-pack, or leave it out"
                raise ConfigError(f"{form} is the bare network, without filter and path", where=option, advice=advice)
    if not re.fullmatch(r"[a-z]\w{0,39}", name, re.ASCII):
        what = "is not a name that begins with a letter and has 40 at most"
        raise ConfigError(what, where=f"--name {name}", advice="lower-case letters, digits and underscores")
    if not re.fullmatch(r"(0|[1-9]\d{0,4})(\.(0|[1-9]\d{0,4})){2}", version):
        raise ConfigError("is not a version", where=f"--library-version {version}", advice="write it as 1.0.0")


def _bare(study: Study, network: TrainedNetwork, form: Format) -> dict[str, bytes]:
    """The files of a bare network; none for a library."""
    if form not in ("tflite", "keras"):
        return {}
    from tinynas.search import build_keras, describe_origin

    documents = {**_card(study, network), "provenance.json": describe_origin(study, network, None)}
    files = {path: text.encode() for path, text in documents.items()}
    if form == "tflite":
        return {"model.tflite": network.model, **files}
    return {"model.keras": _keras_bytes(build_keras(study, network)), **files}


def _keras_bytes(model: Any) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tinynas-") as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _card(study: Study, network: TrainedNetwork) -> dict[str, str]:
    from tinynas.printable import printable
    from tinynas.report import model_card

    return {"model_card.md": printable(model_card(study, network.trial), lines=True)}


def _library(
    study: Study,
    network: TrainedNetwork,
    form: Format,
    name: str,
    version: str,
    walk: str | None,
    settings: dict[str, Any],
) -> dict[str, bytes]:
    import time

    from tinynas.deploy.export import arduino_library, c_library, cmsis_pack
    from tinynas.errors import ConfigError
    from tinynas.search import describe_origin, take_contents

    chosen = network.path_settings(**settings)
    recording = _recording(network, walk, chosen.rate_hz)
    source = "the built-in simulator" if walk is None else walk.partition(":")[0]
    origin = describe_origin(study, network, f"{source}: {recording.name}")
    documents = {**_card(study, network), "provenance.json": origin}
    title = str(study.board.get("title") or study.board.get("name"))
    try:
        contents: Contents = take_contents(
            network, chosen, recording, name=name, version=version, title=title, documents=documents
        )
    except ConfigError as error:
        error.where = f"--name {name}" if error.where == "name" else error.where
        raise
    if form == "c":
        return c_library(contents)
    if form == "arduino":
        return arduino_library(contents)
    return cmsis_pack(contents, time.strftime("%Y-%m-%d"))


def _recording(network: TrainedNetwork, walk: str | None, rate_hz: float) -> Recording:
    from tinynas.odometry import load_recordings
    from tinynas.search import simulate_walk

    if walk is None:
        return simulate_walk(rate_hz, network.config.seed)
    return load_recordings(walk)[0]


def _print(out: Path, trial: int, files: dict[str, bytes], form: Format) -> None:
    from tinynas.cli.console import stdout

    size = sum(map(len, files.values()))
    what = {"c": "C library", "arduino": "Arduino library", "cmsis-pack": "CMSIS pack"}.get(form, f"{form} model")
    text = f"{what} of trial {trial} in {out}: {len(files)} files, {size / 1024:.0f} KiB"
    stdout().print(text, markup=False, soft_wrap=True)
    if "README.md" in files:
        stdout().print(f"{out / 'README.md'} says how it is built and called", markup=False, soft_wrap=True)
