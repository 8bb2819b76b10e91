"""Black-box optimisation in Mango's manner: few evaluations of an expensive objective over a mixed space.

Knows nothing of networks and stands on its own: `Tuner` runs searches (`maximize`, `minimize`) or is asked and told,
`MetaTuner` searches several spaces at once, and `scheduler` turns functions of one point into objectives.
"""

from tinynas.tuner import scheduler
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, JobsError, TunerConfig
from tinynas.tuner.describe import loguniform
from tinynas.tuner.domain.domain_space import DomainSpace
from tinynas.tuner.metatuner import MetaTuner
from tinynas.tuner.space import ExhaustedError, Space
from tinynas.tuner.tuner import Tuner

__all__ = [
    "ConfigTypeError",
    "ConfigValueError",
    "DomainSpace",
    "ExhaustedError",
    "JobsError",
    "MetaTuner",
    "Space",
    "Tuner",
    "TunerConfig",
    "loguniform",
    "scheduler",
]
