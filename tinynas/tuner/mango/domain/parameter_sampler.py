"""Mango's import path of `parameter_sampler`."""

from tinynas.tuner.space import parameter_sampler

__all__ = ["parameter_sampler"]
