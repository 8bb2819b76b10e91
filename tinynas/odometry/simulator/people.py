"""Who walks: what tells one pedestrian from another.

Sources: N. Sekiya and H. Nagasaki, "Reproducibility of the walking patterns of normal young adults", Gait & Posture 7,
1998 (step length over cadence, the walk ratio, is constant for a person); W. Zijlstra and A. L. Hof, "Displacement of
the pelvis during human walking: experimental data and model predictions", Gait & Posture 6, 1997 (vertical excursion of
an inverted pendulum). Amplitudes, phases and speeds are those of the hand-carried recordings of OxIOD (C. Chen et al.,
arXiv:1809.07491), measured in the frame of the walking direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Pedestrian", "draw_pedestrian"]


@dataclass(frozen=True)
class Pedestrian:
    """What tells one walker from another."""

    leg_m: float
    speed_m_s: float  # the speed this person likes to walk at
    walk_ratio_m_s: float  # step length over step frequency, in m/Hz
    bounce: float  # vertical excursion relative to the inverted pendulum
    surge_m: float  # fore-aft amplitude at the step frequency, at a step length of 0.65 m
    surge_lag_rad: float  # how far the fore-aft motion is from the pendulum's, which is slowest where it is highest
    sway_m: float  # lateral amplitude at half the step frequency, at a step length of 0.65 m
    impact: float  # how sharp the steps are: harmonics above the first, relative to the usual ones
    side: int = 1  # 1: the hand, hip and shoulder that carry are those of CARRYING_MODES; -1: the other ones


def draw_pedestrian(rng: np.random.Generator) -> Pedestrian:
    """Draw a walker: legs 53 % of a height of 1.70 +- 0.09 m, walk ratio 0.0068 m/(steps/min) for a tall person."""
    height_m = float(np.clip(rng.normal(1.70, 0.09), 1.45, 1.98))
    return Pedestrian(
        leg_m=0.53 * height_m,
        speed_m_s=float(np.clip(rng.normal(0.85, 0.12), 0.5, 1.4)),
        walk_ratio_m_s=60 * 0.0068 * (height_m / 1.75) * float(np.exp(rng.normal(0, 0.07))),
        bounce=float(np.clip(rng.normal(0.70, 0.10), 0.45, 1.0)),
        surge_m=float(np.clip(rng.normal(0.014, 0.002), 0.009, 0.020)),
        surge_lag_rad=float(np.clip(rng.normal(0.16, 0.05), 0.02, 0.30)),
        sway_m=float(np.clip(rng.normal(0.034, 0.005), 0.018, 0.050)),
        impact=float(np.clip(rng.normal(1.0, 0.2), 0.5, 1.6)),
        side=1 if rng.random() < 0.75 else -1,
    )
