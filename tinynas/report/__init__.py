"""What a user takes away from a study: the report, the model card, the final table, the result as data.

Everything here only reads a study. Plotly is loaded when a report is written, not before.
"""

from tinynas.report.comparison import ComparedStudy, compare, comparison_table
from tinynas.report.finals import final_trainings
from tinynas.report.front import describe_trial, read_front
from tinynas.report.html.page import write_comparison, write_report
from tinynas.report.importance import FEWEST_TRIALS, Importance, importances
from tinynas.report.model_card import model_card
from tinynas.report.resources import COSTS, Cost
from tinynas.report.result import result
from tinynas.report.rulers import judge
from tinynas.report.terminal import print_result
from tinynas.report.view import StudyView, number_at, read_view
from tinynas.report.words import describe, percent

__all__ = [
    "COSTS",
    "FEWEST_TRIALS",
    "ComparedStudy",
    "Cost",
    "Importance",
    "StudyView",
    "compare",
    "comparison_table",
    "describe",
    "describe_trial",
    "final_trainings",
    "importances",
    "judge",
    "model_card",
    "number_at",
    "percent",
    "print_result",
    "read_front",
    "read_view",
    "result",
    "write_comparison",
    "write_report",
]
