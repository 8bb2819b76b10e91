"""Mango's import path of `DomainSpace`."""

from tinynas.tuner.space import DomainSpace

__all__ = ["DomainSpace"]
