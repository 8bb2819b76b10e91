"""Pictures of a search, as Plotly figures."""

from tinynas.tuner.plots.figures import batch_2d, convergence, surrogate_1d

__all__ = [
    "batch_2d",
    "convergence",
    "surrogate_1d",
]
