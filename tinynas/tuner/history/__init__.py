"""What was evaluated: outcomes, warm starts and the saved state."""

from tinynas.tuner.history.history import History, undominated
from tinynas.tuner.history.observation import Observation
from tinynas.tuner.history.outcome import read_answer, read_values
from tinynas.tuner.history.state import Saved, read_state, write_state
from tinynas.tuner.history.warm import Report, learn, reports_in

__all__ = [
    "History",
    "Observation",
    "Report",
    "Saved",
    "learn",
    "read_answer",
    "read_state",
    "read_values",
    "reports_in",
    "undominated",
    "write_state",
]
