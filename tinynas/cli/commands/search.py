"""`tinynas search`: the best network for a board and a dataset."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from tinynas.cli.logs import LogFileOption, VerboseOption
from tinynas.cli.options import (
    SOURCE_HELP,
    DaskOption,
    JsonOption,
    ListenerOption,
    MinutesOption,
    WorkersOption,
    complete_board,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("search", help="Search the best network for a board and a dataset.")(search)


def search(
    board: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of a board, or path of a board file. Given several times, one search serves all of them.",
            autocompletion=complete_board,
        ),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="Configuration file; its keys are in docs/configuration.md.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help=SOURCE_HELP, metavar="SOURCE")] = None,
    mode: Annotated[
        Literal["proxy", "tflm", "hil"] | None,
        typer.Option(
            help="Where costs come from: the resource model, the official interpreter as its referee, or the board."
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="LINK",
            help="The board of mode hil: virtual; a serial port; or auto, the port of the board that is attached.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Of mode hil: folder that keeps a transcript of the serial line of each model."
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Candidates to evaluate.")] = None,
    minutes: MinutesOption = None,
    warm_start: Annotated[
        Path | None,
        typer.Option(metavar="STUDY", help="An earlier study, of another board or other data, whose networks help."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of every random choice.")] = None,
    objective: Annotated[
        Literal["scalar", "pareto"] | None,
        typer.Option(help="One best network; or a front of them, of the quantities that objective.pareto names."),
    ] = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    listener: ListenerOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study; a new one below studies/ by default.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the search would do and how long it would take; write nothing.")
    ] = False,
    _verbose: VerboseOption = False,
    _log_file: LogFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Parse, create the study, or one for each board, and run the search."""
    from tinynas.board import load_board
    from tinynas.cli.console import stderr
    from tinynas.cli.progress import working
    from tinynas.cli.rehearsal import show_rehearsals
    from tinynas.cli.session import check_folder, new_folder, run_shared_session
    from tinynas.cli.shared import check_boards, require_feasible
    from tinynas.config import load_config
    from tinynas.errors import ConfigError
    from tinynas.search import (
        Problem,
        check_candidates,
        check_cluster,
        check_listeners,
        check_rig,
        check_task,
        choose_compiler,
        choose_workers,
        describe_earlier,
        load_task,
        provenance,
    )
    from tinynas.study import Study

    settings = load_config(config).with_options(
        board=board[0] if board else None,
        dataset=dataset,
        mode=mode,
        link=link,
        keep=keep,
        trials=trials,
        minutes=minutes,
        seed=seed,
        objective=objective,
        workers=workers,
        dask=dask,
        listeners=tuple(listener) if listener else None,
    )
    for option, value in (("--link", link), ("--keep", keep)):
        if value is not None and settings.mode != "hil":
            raise ConfigError("only the mode hil has a board", where=f"{option} {value}", advice="add --mode hil")
    if settings.board is None:
        raise ConfigError("no board is given", where="--board", advice="name one of `tinynas boards list`")
    names = board or [settings.board]
    targets = [load_board(name) for name in names]
    settings = choose_workers(choose_compiler(settings))
    # Everything the request can get wrong is found before a study is made of it.
    check_boards(settings, [target.name for target in targets])
    check_folder(out)
    check_listeners(settings)
    # Before the data, which take their time.
    for target in targets:
        if settings.dask is not None:
            with working("looking at the cluster"):
                check_cluster(target, settings)
        elif settings.mode == "hil":
            check_rig(target, settings)
    with working("reading the data"):
        task = load_task(settings)
    for remark in (*task.dataset.parts, *task.remarks):
        stderr().print(remark, markup=False, soft_wrap=True)
    problems = [Problem(target, task, settings) for target in targets]
    require_feasible(problems)
    check_candidates(problems)
    with working("checking the data"):
        found = check_task(task)
    more = f"; `tinynas data check {settings.dataset.source}` says what to do" if found.problems else ""
    stderr().print(f"data: {found.summary()}{more}", markup=False, soft_wrap=True)
    if dry_run:
        show_rehearsals(problems, settings.workers or 1, as_json=as_json)
        return
    origins = []
    for target, problem in zip(targets, problems, strict=True):
        origin = provenance(
            source=settings.dataset.source,
            dataset_fingerprint=task.dataset.fingerprint,
            board_fingerprint=target.fingerprint,
            seed=settings.seed,
            tflm_root=settings.hil.tflm_root,
        )
        origin["data_check"] = found.to_dict()
        if len(targets) > 1:
            origin["boards"] = [one.name for one in targets]
        if warm_start is not None:
            with Study.open(warm_start, readonly=True) as earlier:
                origin["warm_start"] = describe_earlier(earlier, problem)
            stderr().print(f"warm start: {len(origin['warm_start'])} networks", markup=False)
        origins.append(origin)
    folder = new_folder(out, "+".join(target.name for target in targets), settings.dataset.source)
    with ExitStack() as stack:
        studies = []
        for name, target, origin in zip(names, targets, origins, strict=True):
            own = settings.with_options(board=name).to_dict()
            path = folder / target.name if len(targets) > 1 else folder
            studies.append(
                stack.enter_context(Study.create(path, config=own, board=target.to_dict(), provenance=origin))
            )
        run_shared_session(folder, studies, settings, targets, task, as_json=as_json)
