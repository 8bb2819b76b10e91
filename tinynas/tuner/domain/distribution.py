"""Distributions that scipy spells differently."""

from tinynas.tuner.describe import loguniform

__all__ = ["loguniform"]
