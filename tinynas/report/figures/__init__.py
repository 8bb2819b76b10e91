"""The figures of a study, as `plotly.graph_objects.Figure`: for the report, the dashboard, and a notebook of one's own.

Each function takes what `report.read_view` reads of a study, and returns None where the study does not hold what it
shows. Text that comes from a study is escaped: Plotly reads labels as HTML.
"""

from tinynas.report.figures.arena import arena_map, operator_costs
from tinynas.report.figures.drawing import draw_network
from tinynas.report.figures.influence import parameter_importance
from tinynas.report.figures.learning import learning_curve, learning_curves
from tinynas.report.figures.memory import board_memory
from tinynas.report.figures.palette import PALETTES
from tinynas.report.figures.predicted import prediction_error
from tinynas.report.figures.progress import history
from tinynas.report.figures.recorded_path import path_over_recording
from tinynas.report.figures.recordings import PICTURES, draw_recordings
from tinynas.report.figures.side_by_side import compare_fronts, compare_progress
from tinynas.report.figures.tradeoff import error_against

__all__ = [
    "PALETTES",
    "PICTURES",
    "arena_map",
    "board_memory",
    "compare_fronts",
    "compare_progress",
    "draw_network",
    "draw_recordings",
    "error_against",
    "history",
    "learning_curve",
    "learning_curves",
    "operator_costs",
    "parameter_importance",
    "path_over_recording",
    "prediction_error",
]
