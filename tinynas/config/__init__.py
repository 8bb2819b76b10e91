"""The configuration of a search: YAML at the edge, frozen dataclasses that check themselves inside."""

from tinynas.config.config import Config, Mode, config_from_mapping, load_config
from tinynas.config.options import (
    Conversion,
    Cost,
    DatasetOptions,
    HilOptions,
    Objective,
    Space,
    Synthetic,
    Training,
    TunerOptions,
)

__all__ = [
    "Config",
    "Conversion",
    "Cost",
    "DatasetOptions",
    "HilOptions",
    "Mode",
    "Objective",
    "Space",
    "Synthetic",
    "Training",
    "TunerOptions",
    "config_from_mapping",
    "load_config",
]
