"""The search space: parameters, points, conditions and constraints."""

from tinynas.tuner.space.describe import loguniform
from tinynas.tuner.space.domain_space import DomainSpace
from tinynas.tuner.space.holding import MAX_TRIES
from tinynas.tuner.space.parameter_sampler import parameter_sampler
from tinynas.tuner.space.parameters import Categorical, Code, Float, Integer, Multivariate, PointCode
from tinynas.tuner.space.space import ExhaustedError, Space

__all__ = [
    "MAX_TRIES",
    "Categorical",
    "Code",
    "DomainSpace",
    "ExhaustedError",
    "Float",
    "Integer",
    "Multivariate",
    "PointCode",
    "Space",
    "loguniform",
    "parameter_sampler",
]
