"""Mango's interface on top of ask and tell: `Tuner`, `MetaTuner` and the schedulers, under Mango's import paths."""

from tinynas.tuner.mango import scheduler
from tinynas.tuner.mango.metatuner import MetaTuner
from tinynas.tuner.mango.tuner import Tuner

__all__ = [
    "MetaTuner",
    "Tuner",
    "scheduler",
]
