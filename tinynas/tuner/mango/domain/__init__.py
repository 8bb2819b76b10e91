"""The search space under Mango's import paths."""

from tinynas.tuner.space import DomainSpace, loguniform, parameter_sampler

__all__ = ["DomainSpace", "loguniform", "parameter_sampler"]
