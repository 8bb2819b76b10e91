"""The study: every trial of a search, durable at every step, in one folder.

A study is a folder with an SQLite database (`study.db`) and the files the trials produced (`artefacts/`, by content
hash). It knows nothing of networks or boards: an architecture, a measurement and an error are plain JSON mappings.
See docs/study.md for the guarantees and for the layout on disk.
"""

from tinynas.study.artefacts import write_file
from tinynas.study.check import StudyCheck, check_study
from tinynas.study.crew import CREW_FILE, BoardNote, CrewNotes, WorkerNote, clear_crew, read_crew, write_crew
from tinynas.study.live import LIVE_FILE, LiveNotes, clear_live, read_live, write_live
from tinynas.study.news import process_lives
from tinynas.study.study import Study
from tinynas.study.trial import Trial, TrialState

__all__ = [
    "CREW_FILE",
    "LIVE_FILE",
    "BoardNote",
    "CrewNotes",
    "LiveNotes",
    "Study",
    "StudyCheck",
    "Trial",
    "TrialState",
    "WorkerNote",
    "check_study",
    "clear_crew",
    "clear_live",
    "process_lives",
    "read_crew",
    "read_live",
    "write_crew",
    "write_file",
    "write_live",
]
