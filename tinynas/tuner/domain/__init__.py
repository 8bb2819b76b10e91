"""The search space in Mango's terms: sampling, and the array of columns that a surrogate of the user's sees."""

from tinynas.tuner.domain.distribution import loguniform
from tinynas.tuner.domain.domain_space import DomainSpace
from tinynas.tuner.domain.parameter_sampler import parameter_sampler

__all__ = ["DomainSpace", "loguniform", "parameter_sampler"]
