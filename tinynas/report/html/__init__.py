"""The HTML report."""

from tinynas.report.html.page import write_report

__all__ = ["write_report"]
