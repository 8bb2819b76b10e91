"""Looks after who works for a search, and on which boards, and tells those who watch its studies."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tinynas.board import Board
from tinynas.config import Config
from tinynas.errors import TinynasError
from tinynas.search.bench import look_at_boards
from tinynas.search.workers import Workers
from tinynas.study import BoardNote, CrewNotes, Study, WorkerNote, clear_crew, write_crew

__all__ = ["watch_crew"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 1.0
# Probes are looked for at all ports, and locks are tried: not every second.
_BOARDS_S = 5.0
# Who reads on another computer tells by the age of the news whether the search lives.
_AGAIN_S = 60.0


@contextmanager
def watch_crew(studies: Sequence[Study], boards: Sequence[Board], config: Config, crew: Workers) -> Iterator[None]:
    """Write into the studies' folders who works and on which boards (`study.write_crew`), whenever it changes.

    In a thread: a driver with one worker is that worker, and busy. Whatever fails there stops neither the search nor
    the news of what does not fail; it is logged once.

    Args:
        studies: One for each board.
        boards: The boards.
        config: Of the search.
        crew: The workers.
    """
    ended = threading.Event()
    watches = [_Watch(study, board, config, crew) for study, board in zip(studies, boards, strict=True)]

    def look() -> None:
        while not ended.wait(_LOOK_S):
            for watch in watches:
                watch.look()

    thread = threading.Thread(target=look, name="crew", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_BOARDS_S)
        for study in studies:
            clear_crew(study.folder)


class _Watch:
    """What was told of one board's search."""

    def __init__(self, study: Study, board: Board, config: Config, crew: Workers) -> None:
        self._study, self._board, self._config, self._crew = study, board, config, crew
        self._told, self._told_at, self._boards_at = CrewNotes(), 0.0, float("-inf")
        self._boards: tuple[BoardNote, ...] = ()
        self._complaints: set[str] = set()

    def look(self) -> None:
        """Look, and tell what is new."""
        now = time.monotonic()
        if now - self._boards_at >= _BOARDS_S:
            self._boards, self._boards_at = (), now
            with self._reported("the boards cannot be looked at"):
                self._boards = tuple(look_at_boards(self._board, self._config))
        workers: tuple[WorkerNote, ...] = ()
        with self._reported("the workers cannot be looked at"):
            workers = tuple(self._crew.members())
        notes = CrewNotes(workers, self._boards)
        if notes != self._told or now - self._told_at >= _AGAIN_S:
            with self._reported("who works for the search cannot be told"):
                write_crew(self._study.folder, notes)
                self._told, self._told_at = notes, now

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """Log a failure, the first time as a warning, and go on: it is about news only."""
        try:
            yield
        except Exception as error:
            level = logging.DEBUG if what in self._complaints else logging.WARNING
            self._complaints.add(what)
            told = error.message if isinstance(error, TinynasError) else f"{type(error).__name__}: {error}"
            _LOG.log(level, "%s (news only; tried again): %s", what, told, exc_info=level < logging.INFO)
