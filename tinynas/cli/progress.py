"""Progress of a search: a live display on a terminal, a line a trial when piped."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tinynas.cli.console import Cleaned, harmless, own_stderr, stderr
from tinynas.cli.logs import is_verbose
from tinynas.printable import printable
from tinynas.study import Trial, TrialState

__all__ = ["Progress", "working"]

_LOG = logging.getLogger(__name__)
_BAR_WIDTH = 28
_RECENT = 8
_DOING = {
    TrialState.PROPOSED: "costing",
    TrialState.COSTED: "training",
    TrialState.PAUSED: "training on",
    TrialState.TRAINED: "converting",
    TrialState.CONVERTED: "measuring",
}


class Progress:
    """Shows a search on the standard error (an observer of `search.run_search`).

    Args:
        title: Board and dataset.
        trials: How many will be evaluated.
        epochs: The most epochs of a trial.
        limits: SRAM and flash that a candidate may use, in bytes.
        done: Trials that an earlier session finished.
        console: Where to show it; None for the standard error.
        unit: Of the validation figure during training; None where speed and angle are mixed in it.
        measured: Whether costs come from a board, which takes a while.
        budget_s: How long the search may take; None: as long as its trials take.
        spent_s: What earlier sessions took of it.
        part: It is one of several boards that are searched for, and a `SharedProgress` draws it.
    """

    def __init__(
        self,
        title: str,
        trials: int,
        epochs: int,
        limits: tuple[int, int],
        done: list[Trial],
        console: Console | None = None,
        *,
        unit: str | None = "m/s",
        measured: bool = False,
        budget_s: float | None = None,
        spent_s: float = 0.0,
        part: bool = False,
    ) -> None:
        self.budget_s, self.spent_s = budget_s, spent_s
        self.paused: set[int] = set()
        measuring = "measuring" if part else "measuring on the board"
        self._doing = _DOING | ({TrialState.PROPOSED: measuring} if measured else {})
        self._unit = f" {unit}" if unit else ""
        self.title, self.trials, self.epochs, self.limits = title, trials, epochs, limits
        self.finished: list[Trial] = []
        self.best: Trial | None = None
        for trial in done:
            self._take(trial)
        self.before = self.count
        self.current: Trial | None = None
        self.working: dict[int, tuple[Trial, str]] = {}
        self.ended = False
        self.started = monotonic()
        self._file = own_stderr() if console is None else None
        self.console = harmless(console or Console(file=self._file, highlight=False))
        # Drawn anew four times a second, not only when something happens: the clock must not stand still in a training.
        live = Live(console=self.console, get_renderable=lambda: Cleaned(self._render()), refresh_per_second=4)
        # Lines that are printed between would tear it apart.
        self.draws = self.console.is_terminal and not is_verbose()
        self._part = part
        self._live = live if self.draws and not part else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        elif not self._part:
            self.write_head(self.title)
        return self

    def write_head(self, title: str) -> None:
        """Say in a pipe what the search is about."""
        limit = f"{self.trials} trials" if self.budget_s is None else f"{_duration(self.budget_s)} min"
        self._line(f"{title}: {limit}")
        if self.before:
            self._line(f"finished already: {self.before}" + ("" if self.budget_s else f" of {self.trials}"))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.ended = True
        if self._live is not None:
            self._live.stop()
        if self._file is not None:
            self._file.close()

    def epoch(self, trial: int, epoch: int, rmse: float) -> None:
        """An epoch ended."""
        if trial in self.working:  # else the news is older than the end of the training
            note = f", epoch {epoch + 1}/{self.epochs}, validation {rmse:.3f}{self._unit}"
            self.working[trial] = (self.working[trial][0], note)

    def state(self, trial: Trial) -> None:
        """A trial entered a state."""
        self.current = trial
        # A trial that pauses is told twice: when it comes to rest, and when its training goes on.
        begins = trial.state is TrialState.PAUSED and trial.id not in self.working
        self.working[trial.id] = (trial, "")
        if trial.at_rest and not begins:
            del self.working[trial.id]
            self._take(trial)
            if not self.draws:
                number = f"{self.count}" if self.budget_s else f"{self.count}/{self.trials}"
                name = f"{self.title}, " if self._part else ""
                self._line(f"[{number}] {name}{_outcome(trial)}{self._standing()}")

    @property
    def count(self) -> int:
        """Trials that are evaluated, at least up to a pause."""
        return len(self.finished) + len(self.paused)

    def _take(self, trial: Trial) -> None:
        self.paused.discard(trial.id)
        if not trial.state.is_finished:
            self.paused.add(trial.id)
            return
        self.finished.append(trial)
        better = self.best is None or _value(trial) < _value(self.best)
        if trial.state is TrialState.DONE and trial.feasible and better:
            self.best = trial

    def _standing(self) -> str:
        best = "" if self.best is None else f" | best {_value(self.best):.4f} (trial {self.best.id})"
        left = self._eta()
        return f"{best} | {left}" if left else best

    def _eta(self) -> str:
        if self.budget_s is not None:
            return f"{_duration(max(0.0, self.budget_s - self._spent_s))} left"
        fresh = self.count - self.before
        if self.count >= self.trials:
            return ""
        if not fresh:
            return "time left unknown"
        left = (monotonic() - self.started) / fresh * (self.trials - self.count)
        return f"about {_duration(left)} left"

    @property
    def _spent_s(self) -> float:
        return self.spent_s + monotonic() - self.started

    def _line(self, text: str) -> None:
        # Straight to the file: a line a fact, not wrapped at the width of a terminal that is not there.
        self.console.file.write(printable(text) + "\n")
        self.console.file.flush()

    def _render(self) -> RenderableType:
        return Group(self.render_head(self.title), Text(), self.render_best(), Text(), self._recent())

    def render_head(self, title: str, at_work: Iterable[tuple[Trial, str]] | None = None) -> RenderableType:
        """How far the search is, and what is at work.

        Args:
            title: Of the search.
            at_work: As of `at_work`, of several boards; None: what this one knows.
        """
        head = _grid(4)
        if self.budget_s is None:
            bar, count = ProgressBar(self.trials, self.count, width=_BAR_WIDTH), f"{self.count}/{self.trials} trials"
        else:
            bar = ProgressBar(self.budget_s, min(self._spent_s, self.budget_s), width=_BAR_WIDTH)
            count = f"{self.count} trials"
        head.add_row(bar, count, _duration(monotonic() - self.started), self._eta())
        now = [] if self.ended else [self._now(self.at_work() if at_work is None else at_work)]
        return Group(_cut(title, "bold"), head, *now)

    def at_work(self) -> list[tuple[Trial, str]]:
        """The trials at work, each with its next step in words."""
        return [(trial, f"{self._doing.get(trial.state, 'scoring')}{note}") for trial, note in self.working.values()]

    def _now(self, at_work: Iterable[tuple[Trial, str]]) -> RenderableType:
        if self.current is None:
            return _cut("loading TensorFlow", "cyan")
        lines = []
        for trial, doing in sorted(at_work, key=lambda one: one[0].id):
            lines.append(_cut(f"trial {trial.id}: {doing}", "cyan"))
            lines.append(_cut(f"  {_shape(trial)}", "cyan"))
        if lines:
            return Group(*lines)
        last = self.count >= self.trials
        return _cut("testing the best network" if last else "choosing the next network", "cyan")

    def render_best(self) -> RenderableType:
        """The best candidate so far, against the board."""
        if self.best is None:
            return Text("no feasible network yet", "dim")
        best = self.best
        cost: Mapping[str, Any] = best.measurement or {}
        bars = _grid(3)
        used_bytes = (cost["sram_bytes"], cost["flash_bytes"])
        for name, used, limit in zip(("SRAM", "flash"), used_bytes, self.limits, strict=True):
            bar = ProgressBar(total=limit, completed=used, width=_BAR_WIDTH)
            bars.add_row(name, bar, f"{used / 1024:.1f} of {limit / 1024:.1f} KiB")
        head = _cut(f"best so far: trial {best.id}, {_error(best)}, objective {_value(best):.4f}", "green")
        return Group(head, _cut(f"  {_shape(best)}", "green"), bars)

    def _recent(self) -> RenderableType:
        """The latest trials, one line each whatever the width."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for header in ("trial", "error m/s", "SRAM KiB", "flash KiB"):
            table.add_column(header, justify="right", no_wrap=True)
        table.add_column("network")  # the one to be shortened where the terminal is narrow
        for trial in self.finished[-_RECENT:]:
            style = "green" if trial is self.best else "dim"
            table.add_row(*_row(trial), style=style)
        return table if self.finished else Text()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say on a terminal what takes a while; the line is gone afterwards. Nothing in a pipe."""
    console = stderr()
    _LOG.info("%s", what)
    with console.status(what) if console.is_terminal and not is_verbose() else nullcontext():
        yield


def _grid(columns: int) -> Table:
    grid = Table.grid(padding=(0, 2))
    for _ in range(columns):
        grid.add_column(no_wrap=True)  # a line that wraps would make the display jump
    return grid


def _cut(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def _value(trial: Trial) -> float:
    return float("inf") if trial.objective is None else trial.objective


def _error(trial: Trial) -> str:
    error = (trial.metrics or {}).get("error_int8")
    return "no error known" if error is None else f"error {error:.3f} m/s"


def _shape(trial: Trial) -> str:
    from tinynas.report import describe

    return describe(trial.architecture)


def _row(trial: Trial) -> tuple[str | Text, ...]:
    cost, error = trial.measurement or {}, (trial.metrics or {}).get("error_int8")
    sizes = (f"{cost[name] / 1024:.1f}" if name in cost else "" for name in ("sram_bytes", "flash_bytes"))
    result = trial.state.value if trial.state is not TrialState.DONE else "" if error is None else f"{error:.3f}"
    return str(trial.id), result, *sizes, _cut(_shape(trial), "")


def _outcome(trial: Trial) -> str:
    cost = trial.measurement or {}
    names = (("SRAM", "sram_bytes"), ("flash", "flash_bytes"))
    sizes = [f"{label} {cost[name] / 1024:.1f} KiB" for label, name in names if name in cost]
    what = _error(trial) if trial.state is TrialState.DONE else trial.state.value
    note = f" ({trial.note})" if trial.note else ""
    return f"trial {trial.id}: {', '.join([what, *sizes, _shape(trial)])}{note}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
