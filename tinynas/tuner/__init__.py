"""Black-box optimisation in Mango's manner: few evaluations of an expensive objective over a mixed space.

Knows nothing of networks and stands on its own: `Tuner` runs searches (`maximize`, `minimize`) or is asked and told,
`MetaTuner` searches several spaces at once, and `scheduler` turns functions of one point into objectives.
"""

from tinynas.tuner.config import ConfigTypeError, ConfigValueError, JobsError, TunerConfig
from tinynas.tuner.executors import SerialExecutor, processor_count
from tinynas.tuner.mango import MetaTuner, Tuner, scheduler
from tinynas.tuner.space import DomainSpace, ExhaustedError, Space, loguniform

__all__ = [
    "ConfigTypeError",
    "ConfigValueError",
    "DomainSpace",
    "ExhaustedError",
    "JobsError",
    "MetaTuner",
    "SerialExecutor",
    "Space",
    "Tuner",
    "TunerConfig",
    "loguniform",
    "processor_count",
    "scheduler",
]
