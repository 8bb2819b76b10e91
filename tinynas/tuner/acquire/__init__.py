"""Which point to evaluate next."""

from tinynas.tuner.acquire.acquisition import Acquisition, confidence_factor, weigh
from tinynas.tuner.acquire.batch import clustered, divided
from tinynas.tuner.acquire.bayesian_learning import BayesianLearning
from tinynas.tuner.acquire.foreign import ForeignModel
from tinynas.tuner.acquire.suggest import Suggester

__all__ = [
    "Acquisition",
    "BayesianLearning",
    "ForeignModel",
    "Suggester",
    "clustered",
    "confidence_factor",
    "divided",
    "weigh",
]
