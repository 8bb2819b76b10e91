"""Mango's optimiser under its import path."""

from tinynas.tuner.acquire import BayesianLearning

__all__ = ["BayesianLearning"]
