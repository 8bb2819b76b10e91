"""Mango's import path of `BayesianLearning`."""

from tinynas.tuner.acquire import BayesianLearning

__all__ = ["BayesianLearning"]
