"""The choice of the next batch among candidates, on plain arrays."""

from tinynas.tuner.optimizer.bayesian_learning import BayesianLearning

__all__ = ["BayesianLearning"]
