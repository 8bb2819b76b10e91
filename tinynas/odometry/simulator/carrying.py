"""How a phone is carried: its attitude, and the share of the gait that reaches it.

The figures of `handheld` and `trolley` are measured on OxIOD (C. Chen et al., arXiv:1809.07491): at 0.8 m/s a hand
shows 0.75 m/s2 (RMS) of vertical and 0.65 of fore-aft acceleration at the step frequency, 0.45 of lateral acceleration
and 0.3 rad/s of yaw at half of it, 0.13 rad/s of pitch at the step frequency, and 0.3 m/s2 and 0.2 rad/s of what is
faster. A trolley shows its wheels, 0.45 m/s2 between 8 and 45 Hz, next to no vertical gait, 0.12 m/s2 of the
push at the step frequency, and it turns about a point ahead of the phone (lateral acceleration lags the yaw rate).
It is rigid: as the vibration lifts a phone behind the middle, the front goes down, between 10 and 20 Hz by 0.075 rad/s
for each m/s2 (correlation 0.84 to 0.94 in four recordings), and the phone goes forward (0.36 to 0.43). With no bounce,
that is what tells forward from backward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["CARRYING_MODES", "CarryingMode", "Grip"]


class Grip(NamedTuple):
    """A mean attitude: first the tilt and roll of the phone, then the yaw of both against the heading.

    Attributes:
        tilt_deg: About the phone's x: 0 lies flat, 90 stands upright.
        roll_deg: About the phone's y.
        yaw_deg: About the vertical; at 0 the top edge of a phone that lies flat points forward, at 90 to the left.
    """

    tilt_deg: float
    roll_deg: float
    yaw_deg: float


@dataclass(frozen=True)
class CarryingMode:
    """How the phone is held, and the share of the gait that reaches it."""

    name: str
    grips: tuple[Grip, ...]  # attitudes that training recordings take in turn
    unseen_grip: Grip  # the attitude of test recordings; unlike the others, mirrored or not
    lever_m: tuple[float, float, float]  # place in the heading frame, from the ground below the body
    bounce: float  # share of the body's vertical and lateral motion
    surge: float  # share of its fore-aft motion at the step frequency
    swing_deg: float  # amplitude of the limb's swing at half the step frequency
    swing_mean_deg: float  # its mean: limbs go farther forward than back
    swing_arm_m: float  # distance from the phone up to the joint it swings about; negative: the joint is below
    nod_deg: float  # amplitude of the pitch at the step frequency
    yaw_sway_deg: float  # amplitude of the yaw at half the step frequency
    wobble_deg: float  # slow wandering of tilt and roll
    spread_deg: float  # how differently people hold it
    tremor_rad_s: float  # fast rotation of each axis at 1 m/s, standard deviation
    rattle_m_s2: float  # vertical vibration at 1 m/s, standard deviation; 0.8 and 0.6 of it fore and aft, and sideways
    rattle_band_hz: tuple[float, float]
    rattle_pitch_s_m: float = 0.0  # pitch rate, the front going down, in rad/s for each m/s2 of vertical vibration
    rattle_thrust: float = 0.0  # correlation of fore-aft with vertical vibration
    slowing_s: float = 0.1  # share of the speed that a turn of 1 rad/s costs
    pushed: bool = False  # on wheels: of the steps it feels the push, not the bounce of the trunk


CARRYING_MODES: dict[str, CarryingMode] = {
    mode.name: mode
    for mode in (
        CarryingMode(
            name="handheld",
            grips=(Grip(25.0, 0.0, 0.0), Grip(50.0, 0.0, 0.0), Grip(0.0, -25.0, 90.0)),
            unseen_grip=Grip(-20.0, 0.0, 180.0),
            lever_m=(0.30, 0.0, 1.15),
            bounce=0.9,
            surge=0.9,
            swing_deg=2.0,
            swing_mean_deg=0.0,
            swing_arm_m=-0.45,
            nod_deg=1.1,
            yaw_sway_deg=5.0,
            wobble_deg=4.0,
            spread_deg=5.0,
            tremor_rad_s=0.2,
            rattle_m_s2=0.25,
            rattle_band_hz=(3.0, 10.0),
        ),
        CarryingMode(
            name="pocket",
            grips=(Grip(-80.0, 15.0, 0.0), Grip(80.0, -15.0, 0.0)),
            unseen_grip=Grip(-80.0, 15.0, 180.0),
            lever_m=(0.10, -0.15, 0.75),
            bounce=0.9,
            surge=0.9,
            swing_deg=18.0,
            swing_mean_deg=8.0,
            swing_arm_m=0.20,
            nod_deg=1.0,
            yaw_sway_deg=4.0,
            wobble_deg=2.0,
            spread_deg=7.0,
            tremor_rad_s=0.25,
            rattle_m_s2=0.6,
            rattle_band_hz=(3.0, 10.0),
        ),
        CarryingMode(
            name="bag",
            grips=(Grip(75.0, 10.0, 90.0), Grip(-75.0, 10.0, 90.0)),
            unseen_grip=Grip(75.0, 10.0, 0.0),
            lever_m=(-0.05, 0.25, 0.85),
            bounce=0.8,
            surge=0.8,
            swing_deg=6.0,
            swing_mean_deg=0.0,
            swing_arm_m=0.40,
            nod_deg=1.0,
            yaw_sway_deg=5.0,
            wobble_deg=4.0,
            spread_deg=7.0,
            tremor_rad_s=0.15,
            rattle_m_s2=0.4,
            rattle_band_hz=(3.0, 10.0),
        ),
        CarryingMode(
            name="swinging",
            grips=(Grip(10.0, 80.0, 0.0), Grip(-60.0, 80.0, 0.0)),
            unseen_grip=Grip(10.0, 80.0, 180.0),
            lever_m=(0.0, -0.25, 0.75),
            bounce=0.9,
            surge=0.9,
            swing_deg=28.0,
            swing_mean_deg=6.0,
            swing_arm_m=0.65,
            nod_deg=0.5,
            yaw_sway_deg=5.0,
            wobble_deg=3.0,
            spread_deg=6.0,
            tremor_rad_s=0.2,
            rattle_m_s2=0.4,
            rattle_band_hz=(3.0, 10.0),
        ),
        CarryingMode(
            name="trolley",
            grips=(Grip(4.0, 0.0, 0.0), Grip(0.0, -4.0, 90.0)),
            unseen_grip=Grip(4.0, 0.0, 180.0),
            lever_m=(-0.30, 0.0, 0.65),
            bounce=0.004,
            surge=0.17,
            swing_deg=0.0,
            swing_mean_deg=0.0,
            swing_arm_m=0.0,
            nod_deg=0.0,
            yaw_sway_deg=0.7,
            wobble_deg=0.3,
            spread_deg=2.0,
            tremor_rad_s=0.05,
            rattle_m_s2=0.65,
            rattle_band_hz=(8.0, 45.0),
            rattle_pitch_s_m=0.075,
            rattle_thrust=0.35,
            slowing_s=0.33,
            pushed=True,
        ),
    )
}
"""Carrying modes by name."""
