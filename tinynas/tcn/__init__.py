"""The network family: temporal convolutional networks, evaluated where the output needs them."""

from tinynas.tcn.architecture import NORMS, Architecture
from tinynas.tcn.plan import BlockPlan, ConvPlan, PyramidPlan, SlicePlan, plan

__all__ = ["NORMS", "Architecture", "BlockPlan", "ConvPlan", "PyramidPlan", "SlicePlan", "plan"]
