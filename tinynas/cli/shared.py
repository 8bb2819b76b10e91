"""The folder of a search for several boards: a study for each board below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tinynas.config import Config
from tinynas.errors import ConfigError, NoFeasibleCandidate, StudyError
from tinynas.study import Study

if TYPE_CHECKING:
    from tinynas.search import Problem

__all__ = ["check_boards", "list_studies", "open_studies", "require_feasible"]


def check_boards(config: Config, names: Sequence[str]) -> None:
    """Refuse what cannot be searched for several boards at once.

    Args:
        config: Of the search.
        names: Of the boards.

    Raises:
        ConfigError: A board is named twice, or the configuration names what only one board has.
    """
    if len(names) < 2:
        return
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError("the board is named twice", where=f"--board {twice}", advice="name it once")
    if config.mode != "hil":
        return
    if config.dask is not None:
        what, advice = "a cluster measures on one kind of board", "leave it out, or search board by board"
        raise ConfigError(what, where="dask", advice=advice)
    for key in ("probe", "meter"):
        if getattr(config.hil, key) is not None:
            advice = "leave it out, or search board by board"
            raise ConfigError("only one of the boards has it", where=f"hil.{key}", advice=advice)
    if config.hil.link not in ("virtual", "auto"):
        raise ConfigError("only one of the boards has this port", where="hil.link", advice="use virtual, or auto")


def require_feasible(problems: Sequence[Problem]) -> None:
    """Fail fast if no candidate can succeed on one of the boards; see `Problem.require_feasible`.

    Args:
        problems: What is searched, board by board.

    Raises:
        NoFeasibleCandidate: Of several boards, `where` says which one.
    """
    for problem in problems:
        _require_feasible(problem, None if len(problems) == 1 else problem.board.name)


def _require_feasible(problem: Problem, where: str | None) -> None:
    try:
        problem.require_feasible()
    except NoFeasibleCandidate as error:
        error.where = where or error.where
        raise


def list_studies(folder: Path) -> list[Path]:
    """The folders of the studies in a folder, in the order of the boards; the folder itself where it is a study.

    Args:
        folder: Of a study, or of a search for several boards.

    Raises:
        StudyError: The study of a board is missing.
    """
    if (folder / "study.db").exists() or not folder.is_dir():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/study.db"))
    if not found:
        return [folder]
    with Study.open(found[0], readonly=True) as study:
        names = study.provenance.get("boards")
    if not isinstance(names, list) or not {path.name for path in found} & set(names):
        what, advice = "these studies are not of one search", f"name one of them, such as {found[0]}"
        raise StudyError(what, where=str(folder), advice=advice)
    studies = [folder / name for name in names]
    missing = next((path for path in studies if path not in found), None)
    if missing is not None:
        advice = "restore its folder, or begin a new search"
        raise StudyError("the study of a board is missing", where=str(missing), advice=advice)
    return studies


@contextmanager
def open_studies(folder: Path, *, readonly: bool = False) -> Iterator[list[Study]]:
    """Open what a folder holds: one study, or one for each board.

    Args:
        folder: As of `list_studies`.
        readonly: Whether to refuse changes. Otherwise a study of several boards is opened with the others only.

    Raises:
        StudyError: As `list_studies` and `Study.open`; or another board's study belongs to the one in the folder.
    """
    with ExitStack() as stack:
        studies = [stack.enter_context(Study.open(path, readonly=readonly)) for path in list_studies(folder)]
        boards = studies[0].provenance.get("boards", ())
        if not readonly and len(studies) < len(boards):
            what, advice = "it belongs to a search for several boards", f"name the folder above it: {folder.parent}"
            raise StudyError(what, where=str(folder), advice=advice)
        yield studies
