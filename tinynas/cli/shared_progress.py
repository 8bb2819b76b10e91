"""What shows a search, for one board or several, and what tells dashboards of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from tinynas.board import Board
from tinynas.cli.console import Cleaned
from tinynas.cli.progress import Progress
from tinynas.config import Config
from tinynas.study import Study, Trial, TrialState

if TYPE_CHECKING:
    from tinynas.search import Observer

__all__ = ["SharedProgress", "watch"]

_PLACES = {state: place for place, state in enumerate(TrialState)}
# What is done for each board by itself. The rest is done once.
_OF_A_BOARD = {TrialState.PROPOSED, TrialState.CONVERTED, TrialState.MEASURED}


class SharedProgress:
    """Shows a search for several boards: what is at work, and what is best on each.

    Args:
        title: Boards and dataset.
        parts: The display of each board, drawn by this one.
    """

    def __init__(self, title: str, parts: Sequence[Progress]) -> None:
        self.title, self.parts = title, parts
        first = parts[0]
        live = Live(console=first.console, get_renderable=lambda: Cleaned(self._render()), refresh_per_second=4)
        self._live = live if first.draws else None

    def __enter__(self) -> SharedProgress:
        if self._live is not None:
            self._live.start()
        else:
            self.parts[0].write_head(self.title)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for part in self.parts:
            part.ended = True
        if self._live is not None:
            self._live.stop()

    def _render(self) -> RenderableType:
        bests = [row for part in self.parts for row in (Text(part.title, "bold"), part.render_best(), Text())]
        return Group(self.parts[0].render_head(self.title, self._at_work()), Text(), *bests)

    def _at_work(self) -> list[tuple[Trial, str]]:
        """The networks at work, each once: its training, else what the boards still need that are least advanced.

        It is trained for one board only; the displays of the others know no more than that it will be.
        """
        found: dict[int, list[tuple[Progress, Trial, str]]] = {}
        for part in self.parts:
            for trial, doing in part.at_work():
                found.setdefault(trial.id, []).append((part, trial, doing))
        return [_join(known) for known in found.values()]


def _join(known: Sequence[tuple[Progress, Trial, str]]) -> tuple[Trial, str]:
    """One network's next step, of what the boards' displays know of it."""
    trained = next(((trial, doing) for part, trial, doing in known if part.working[trial.id][1]), None)
    if trained is not None:
        return trained
    least = min(_PLACES[trial.state] for _, trial, _ in known)
    boards = [part.title for part, trial, _ in known if _PLACES[trial.state] == least]
    trial, doing = next((trial, doing) for _, trial, doing in known if _PLACES[trial.state] == least)
    return trial, f"{doing} for {' and '.join(boards)}" if trial.state in _OF_A_BOARD else doing


@contextmanager
def watch(studies: Sequence[Study], config: Config, boards: Sequence[Board]) -> Iterator[Sequence[Observer]]:
    """Show a search on the standard error, and tell dashboards of it.

    Args:
        studies: One for each board.
        config: Of the search.
        boards: The boards.

    Yields:
        The observers of `search.run_shared_search`, board by board.
    """
    from tinynas.search import Beacon, limits_on

    planned = config.most_trials + config.final.candidates * config.final.seeds
    epochs = max(config.training.epochs, (config.final.epochs or 0) if config.final.candidates else 0)
    source, several = config.dataset.source, len(boards) > 1
    with ExitStack() as stack:
        parts = []
        for study, board in zip(studies, boards, strict=True):
            limits = limits_on(board, config)
            parts.append(
                Progress(
                    (board.title or board.name) if several else f"{board.title} on {source}",
                    planned,
                    epochs,
                    (limits.sram_bytes, limits.flash_bytes),
                    [trial for trial in study.trials() if trial.at_rest],
                    unit="m/s" if config.dataset.target == "velocity" else None,
                    measured=config.mode == "hil",
                    budget_s=None if config.minutes is None else 60.0 * config.minutes,
                    spent_s=float(study.summary.get("seconds", 0.0)),
                    part=several,
                )
            )
            stack.enter_context(parts[-1])
        if several:
            title = f"{', '.join(board.title or board.name for board in boards)} on {source}"
            stack.enter_context(SharedProgress(title, parts))
        limit = planned if config.trials or config.minutes is None else None
        yield [
            stack.enter_context(Beacon(part, study.folder, planned=limit, epochs=epochs, workers=config.workers))
            for part, study in zip(parts, studies, strict=True)
        ]
