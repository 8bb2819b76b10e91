"""The Gaussian process and what it learns from the evaluations."""

from tinynas.tuner.surrogate.limits import log_feasibility
from tinynas.tuner.surrogate.model import Model
from tinynas.tuner.surrogate.regressor import GaussianProcessRegressor
from tinynas.tuner.surrogate.surrogate import GaussianProcess
from tinynas.tuner.surrogate.warp import Warp

__all__ = [
    "GaussianProcess",
    "GaussianProcessRegressor",
    "Model",
    "Warp",
    "log_feasibility",
]
