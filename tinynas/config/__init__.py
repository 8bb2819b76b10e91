"""The configuration of a search: YAML at the edge, frozen dataclasses that check themselves inside."""

from tinynas.config.config import Config, Mode, config_from_mapping, load_config
from tinynas.config.listeners import LISTENERS, split_listener
from tinynas.config.options import Conversion, Cost, Deploy, Fidelity, Final, HilOptions, Training, TunerOptions
from tinynas.config.schema import config_schema
from tinynas.config.stored import config_of_study

__all__ = [
    "LISTENERS",
    "Config",
    "Conversion",
    "Cost",
    "Deploy",
    "Fidelity",
    "Final",
    "HilOptions",
    "Mode",
    "Training",
    "TunerOptions",
    "config_from_mapping",
    "config_of_study",
    "config_schema",
    "load_config",
    "split_listener",
]
