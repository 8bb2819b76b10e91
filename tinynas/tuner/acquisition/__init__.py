"""How promising a point is, given what a surrogate says of it: one acquisition function a module.

A new one is a class with the decorator `register`, in a module that is imported here.
"""

from tinynas.tuner.acquisition.log_ei import LogExpectedImprovement, log_expected_improvement
from tinynas.tuner.acquisition.registry import ACQUISITIONS, Acquisition, register
from tinynas.tuner.acquisition.ucb import ConfidenceBound, confidence_factor

__all__ = [
    "ACQUISITIONS",
    "Acquisition",
    "ConfidenceBound",
    "LogExpectedImprovement",
    "confidence_factor",
    "log_expected_improvement",
    "register",
]
