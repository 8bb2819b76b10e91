"""What networks are trained on: windows with their targets, scaled, varied and turned."""

from tinynas.odometry.windows.augment import Augmenter, AugmentOptions, change_speed
from tinynas.odometry.windows.cut import CHANNELS, STANDING_M_S, Target, Windows, WindowSpec, make_windows
from tinynas.odometry.windows.normalization import Normalization
from tinynas.odometry.windows.turns import average_turns, quarter_turn

__all__ = [
    "CHANNELS",
    "STANDING_M_S",
    "AugmentOptions",
    "Augmenter",
    "Normalization",
    "Target",
    "WindowSpec",
    "Windows",
    "average_turns",
    "change_speed",
    "make_windows",
    "quarter_turn",
]
