"""Progress of a search: a live display on a terminal, a line a trial when piped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from time import monotonic
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tinynas.study import Trial, TrialState

__all__ = ["Progress", "working"]

_BAR_WIDTH = 28
_RECENT = 8
_DOING = {
    TrialState.PROPOSED: "costing",
    TrialState.COSTED: "training",
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
    ) -> None:
        self._doing = _DOING | ({TrialState.PROPOSED: "measuring on the board"} if measured else {})
        self._unit = f" {unit}" if unit else ""
        self.title, self.trials, self.epochs, self.limits = title, trials, epochs, limits
        self.finished: list[Trial] = []
        self.best: Trial | None = None
        for trial in done:
            self._take(trial)
        self.before = len(self.finished)
        self.current: Trial | None = None
        self.note = ""
        self.ended = False
        self.started = monotonic()
        self._file = _own_stderr() if console is None else None
        self.console = console or Console(file=self._file, highlight=False)
        # Drawn anew four times a second, not only when something happens: the clock must not stand still in a training.
        live = Live(console=self.console, get_renderable=self._render, refresh_per_second=4)
        self._live = live if self.console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        else:
            self._line(f"{self.title}: {self.trials} trials")
            if self.before:
                self._line(f"finished already: {self.before} of {self.trials}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.ended = True
        if self._live is not None:
            self._live.stop()
        if self._file is not None:
            self._file.close()

    def epoch(self, _trial: int, epoch: int, rmse: float) -> None:
        """An epoch ended."""
        self.note = f", epoch {epoch + 1}/{self.epochs}, validation {rmse:.3f}{self._unit}"

    def state(self, trial: Trial) -> None:
        """A trial entered a state."""
        self.current, self.note = trial, ""
        if trial.state.is_finished:
            self._take(trial)
            if self._live is None:
                self._line(f"[{len(self.finished)}/{self.trials}] {_outcome(trial)}{self._standing()}")

    def _take(self, trial: Trial) -> None:
        self.finished.append(trial)
        better = self.best is None or _value(trial) < _value(self.best)
        if trial.state is TrialState.DONE and trial.feasible and better:
            self.best = trial

    def _standing(self) -> str:
        best = "" if self.best is None else f" | best {_value(self.best):.4f} (trial {self.best.id})"
        left = self._eta()
        return f"{best} | {left}" if left else best

    def _eta(self) -> str:
        fresh = len(self.finished) - self.before
        if len(self.finished) >= self.trials:
            return ""
        if not fresh:
            return "time left unknown"
        left = (monotonic() - self.started) / fresh * (self.trials - len(self.finished))
        return f"about {_duration(left)} left"

    def _line(self, text: str) -> None:
        # Straight to the file: a line a fact, not wrapped at the width of a terminal that is not there.
        self.console.file.write(text + "\n")
        self.console.file.flush()

    def _render(self) -> RenderableType:
        bar = ProgressBar(total=self.trials, completed=len(self.finished), width=_BAR_WIDTH)
        head = _grid(4)
        head.add_row(
            bar, f"{len(self.finished)}/{self.trials} trials", _duration(monotonic() - self.started), self._eta()
        )
        now = [] if self.ended else [self._now()]
        return Group(_cut(self.title, "bold"), head, *now, Text(), self._budget(), Text(), self._recent())

    def _now(self) -> RenderableType:
        if self.current is None:
            return _cut("loading TensorFlow", "cyan")
        if self.current.state.is_finished:
            last = len(self.finished) >= self.trials
            doing = "testing the best network" if last else "choosing the next network"
            return _cut(doing, "cyan")
        doing = self._doing.get(self.current.state, "scoring")
        head = _cut(f"trial {self.current.id}: {doing}{self.note}", "cyan")
        return Group(head, _cut(f"  {_shape(self.current)}", "cyan"))

    def _budget(self) -> RenderableType:
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
    console = Console(stderr=True)
    with console.status(what) if console.is_terminal else nullcontext():
        yield


def _own_stderr() -> TextIO:
    """The standard error under a descriptor of its own.

    Native libraries' chatter is caught by redirecting the shared descriptor, which must not catch the display with it.
    """
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object without a descriptor
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


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
    a = trial.architecture
    extras = [name for name, on in (("skip", a["skip_connections"]), ("batch norm", a["norm"] == "batch")) if on]
    dilations = ",".join(map(str, a["dilations"]))
    return ", ".join([f"{a['filters']} filters", f"kernel {a['kernel_size']}", f"dilations {dilations}", *extras])


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
