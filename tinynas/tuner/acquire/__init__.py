"""Which point to evaluate next."""

from tinynas.tuner.acquire.batch import clustered, divided
from tinynas.tuner.acquire.bayesian_learning import BayesianLearning
from tinynas.tuner.acquire.foreign import ForeignModel
from tinynas.tuner.acquire.scorer import weigh
from tinynas.tuner.acquire.suggest import Suggester

__all__ = [
    "BayesianLearning",
    "ForeignModel",
    "Suggester",
    "clustered",
    "divided",
    "weigh",
]
