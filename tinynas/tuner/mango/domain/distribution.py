"""Mango's import path of `loguniform`."""

from tinynas.tuner.space import loguniform

__all__ = ["loguniform"]
