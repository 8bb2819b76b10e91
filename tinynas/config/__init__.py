"""The configuration of a search: YAML at the edge, frozen dataclasses that check themselves inside."""

from tinynas.config.config import Config, Mode, config_from_mapping, load_config
from tinynas.config.options import Conversion, Cost, HilOptions, Space, TunerOptions

__all__ = [
    "Config",
    "Conversion",
    "Cost",
    "HilOptions",
    "Mode",
    "Space",
    "TunerOptions",
    "config_from_mapping",
    "load_config",
]
