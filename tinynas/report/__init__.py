"""What a user takes away from a study: the report, the model card, the final table, the result as data.

Everything here only reads a study. Plotly is loaded when a report is written, not before.
"""

from tinynas.report.html import write_report
from tinynas.report.model_card import model_card
from tinynas.report.result import result
from tinynas.report.terminal import print_result

__all__ = ["model_card", "print_result", "result", "write_report"]
