"""Progress of a search: a live display on a terminal, a line a trial when piped."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tinynas.study import Trial

__all__ = ["Progress"]

_BAR_WIDTH = 28
_RECENT = 8


class Progress:
    """Shows a search on the standard error (an observer of `search.run_search`).

    Args:
        title: Board and dataset.
        trials: How many will be evaluated.
        epochs: The most epochs of a trial.
        limits: SRAM and flash that a candidate may use, in bytes.
        done: Trials that an earlier session finished.
    """

    def __init__(self, title: str, trials: int, epochs: int, limits: tuple[int, int], done: list[Trial]) -> None:
        self.title, self.trials, self.epochs, self.limits = title, trials, epochs, limits
        self.finished: list[Trial] = []
        self.best: Trial | None = None
        for trial in done:
            self._take(trial)
        self.before = len(self.finished)
        self.current: Trial | None = None
        self.note = ""
        self.started = monotonic()
        # A descriptor of its own: native libraries' chatter is caught by redirecting the shared one.
        self._file = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
        self.console = Console(file=self._file, highlight=False)
        self._live = (
            Live(self._render(), console=self.console, refresh_per_second=4) if self.console.is_terminal else None
        )

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        else:
            self._line(f"{self.title}: {self.trials} trials")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
        self._file.close()

    def epoch(self, _trial: int, epoch: int, rmse: float) -> None:
        """An epoch ended."""
        self.note = f"epoch {epoch + 1}/{self.epochs}, validation {rmse:.3f} m/s"
        self._refresh()

    def state(self, trial: Trial) -> None:
        """A trial entered a state."""
        self.current, self.note = trial, ""
        if trial.finished:
            self._take(trial)
            if self._live is None:
                self._line(f"[{len(self.finished)}/{self.trials}] {_outcome(trial)}{self._standing()}")
        self._refresh()

    def _take(self, trial: Trial) -> None:
        self.finished.append(trial)
        better = self.best is None or _value(trial) < _value(self.best)
        if trial.state == "done" and trial.feasible and better:
            self.best = trial

    def _standing(self) -> str:
        best = "" if self.best is None else f" | best {_value(self.best):.4f} (trial {self.best.id})"
        return f"{best} | {self._eta()}"

    def _eta(self) -> str:
        fresh = len(self.finished) - self.before
        if not fresh:
            return "time left unknown"
        left = (monotonic() - self.started) / fresh * (self.trials - len(self.finished))
        return f"about {_duration(left)} left"

    def _line(self, text: str) -> None:
        self._file.write(text + "\n")
        self._file.flush()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._render())

    def _render(self) -> RenderableType:
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=self.trials, completed=len(self.finished), width=_BAR_WIDTH)
        elapsed = _duration(monotonic() - self.started)
        head.add_row(Text(self.title, "bold"), bar, f"{len(self.finished)}/{self.trials} trials", elapsed, self._eta())
        now = Text("preparing the data" if self.current is None else _now(self.current, self.note), "cyan")
        recent = Table.grid(padding=(0, 2))
        for trial in self.finished[-_RECENT:]:
            recent.add_row(Text(_outcome(trial), "dim" if trial is not self.best else "green"))
        return Group(head, now, self._budget(), recent)

    def _budget(self) -> RenderableType:
        """The best candidate so far, against the board."""
        if self.best is None:
            return Text("no feasible network yet", "dim")
        cost: Mapping[str, Any] = self.best.measurement or {}
        rows = Table.grid(padding=(0, 2))
        rows.add_row(
            Text(f"best so far: trial {self.best.id}, f_opt {_value(self.best):.4f}, {_error(self.best)}", "green")
        )
        bars = Table.grid(padding=(0, 2))
        for name, used, limit in zip(
            ("SRAM", "flash"), (cost["sram_bytes"], cost["flash_bytes"]), self.limits, strict=True
        ):
            bar = ProgressBar(total=limit, completed=used, width=_BAR_WIDTH)
            bars.add_row(name, bar, f"{used / 1024:.1f} of {limit / 1024:.1f} KiB")
        return Group(rows, bars)


def _value(trial: Trial) -> float:
    return float("inf") if trial.objective is None else trial.objective


def _error(trial: Trial) -> str:
    error = (trial.metrics or {}).get("error_int8")
    return "no error known" if error is None else f"int8 error {error:.3f} m/s"


def _shape(trial: Trial) -> str:
    a = trial.architecture
    extras = [name for name, on in (("skip", a["skip_connections"]), ("batch norm", a["norm"] == "batch")) if on]
    dilations = ",".join(map(str, a["dilations"]))
    return " ".join([f"{a['filters']} filters, kernel {a['kernel_size']}, dilations {dilations}", *extras])


def _now(trial: Trial, note: str) -> str:
    doing = {"proposed": "costing", "costed": "training", "trained": "converting", "converted": "measuring"}
    return f"trial {trial.id}: {doing.get(trial.state, trial.state)} {_shape(trial)}{': ' + note if note else ''}"


def _outcome(trial: Trial) -> str:
    cost = trial.measurement or {}
    size = f"{cost['sram_bytes'] / 1024:.1f} + {cost['flash_bytes'] / 1024:.1f} KiB" if cost else "cost unknown"
    what = _error(trial) if trial.state == "done" else trial.state
    reason = f" ({trial.reason})" if trial.reason else ""
    return f"trial {trial.id}: {what}, {size}, {_shape(trial)}{reason}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
