"""Studies as the dashboard has read them last: each is read anew once it has changed, and not before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

from tinynas.errors import StudyError
from tinynas.report.dashboard.library import stamp
from tinynas.report.trial_view import TrialView, read_trial
from tinynas.report.view import StudyView, read_view
from tinynas.study import Study

__all__ = ["Reader", "Reading"]

# Pages that are kept; a page of a large study takes a few megabytes.
_MOST_KEPT = 32

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Reading:
    """A study at one moment.

    Attributes:
        view: The study.
        best: Its best trial, or None.
    """

    view: StudyView
    best: TrialView | None


class Reader:
    """Reads studies for several threads, and keeps what it made of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Path, object], tuple[str, object]] = OrderedDict()

    def study(self, folder: Path) -> Reading:
        """The study in a folder.

        Raises:
            StudyError: It cannot be read.
        """
        return self.made(folder, "study", lambda: _read(folder))

    def tried(self, folder: Path) -> Reading | StudyError:
        """The study in a folder, or why it cannot be read."""
        try:
            return self.study(folder)
        except StudyError as error:
            return error

    def trial(self, folder: Path, number: int) -> TrialView:
        """A trial of the study in a folder.

        Raises:
            StudyError: The study cannot be read, or has no such trial.
        """
        return self.made(folder, ("trial", number), lambda: self._trial(folder, number))

    def made(self, folder: Path, what: object, make: Callable[[], T]) -> T:
        """What was made of a study, or is made now if the study has changed since.

        Args:
            folder: Of the study.
            what: Names what is made.
            make: Makes it.
        """
        # Before it is read: what changes meanwhile has another stamp, and is read again.
        key, now = (folder, what), stamp(folder)
        with self._lock:
            known = self._kept.get(key)
        if known is not None and known[0] == now:
            return known[1]  # type: ignore[return-value]
        found = make()
        with self._lock:
            self._kept[key] = (now, found)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _trial(self, folder: Path, number: int) -> TrialView:
        view = self.study(folder).view
        found = next((trial for trial in view.trials if trial.id == number), None)
        if found is None:
            raise StudyError(f"there is no trial {number}", where=view.name, advice="ids are 0, 1, 2, ...")
        with Study.open(folder, readonly=True) as study:
            return read_trial(view, study, found)


def _read(folder: Path) -> Reading:
    with Study.open(folder, readonly=True) as study:
        view = read_view(study)
        return Reading(view, None if view.best is None else read_trial(view, study, view.best))
