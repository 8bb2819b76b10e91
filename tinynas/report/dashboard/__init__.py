"""The live dashboard: a server on this computer that shows studies and follows searches at work. It only reads."""

from tinynas.report.dashboard.serve import make_dashboard, serve_dashboard

__all__ = ["make_dashboard", "serve_dashboard"]
