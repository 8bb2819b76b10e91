"""The HTML report: one file that shows a search and works without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinynas.report.html.overview import overview
from tinynas.report.html.render import file_page
from tinynas.report.html.side_by_side import side_by_side
from tinynas.report.trial_view import read_trial
from tinynas.report.view import StudyView, read_view
from tinynas.study import Study, write_file

__all__ = ["write_comparison", "write_report"]


def write_report(study: Study, path: str | Path) -> Path:
    """Write the report of a study, in whatever state the study is.

    Args:
        study: Open, also read-only or while another process writes it.
        path: The HTML file; an existing one is replaced whole or not at all.

    Returns:
        The path.

    Raises:
        StudyError: The study cannot be read, or the file cannot be written.
    """
    view = read_view(study)
    best = None if view.best is None else read_trial(view, study, view.best)
    return _write(path, file_page(overview(view, best)))


def write_comparison(views: Sequence[StudyView], path: str | Path) -> Path:
    """Write a page that shows several studies side by side.

    Args:
        views: The studies.
        path: As of `write_report`.

    Returns:
        The path.

    Raises:
        StudyError: The file cannot be written.
    """
    return _write(path, file_page(side_by_side(views)))


def _write(path: str | Path, text: str) -> Path:
    # File names can hold what UTF-8 cannot.
    return write_file(path, text.encode("utf-8", "backslashreplace"))
