"""firmware/odometry/magnetometer.c in Python, operation by operation; see `tinynas.odometry.attitude.twin`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tinynas.odometry.attitude.gains import MagnetometerGains

__all__ = ["MagnetometerTwin"]

F = np.float32
Vector = tuple[Any, ...]

_ZERO, _ONE = F(0), F(1)
_NOWHERE: Vector = (_ZERO, _ZERO, _ZERO)


class MagnetometerTwin:
    """firmware/odometry/magnetometer.c: the hard iron, learned online.

    Args:
        gains: Coefficients of the sample rate.
        known: (3,) single floats: the bias in uT that was learned before.
    """

    def __init__(self, gains: MagnetometerGains, known: Vector = _NOWHERE) -> None:
        values = {name: F(value) if isinstance(value, float) else value for name, value in vars(gains).items()}
        self._gains: Any = SimpleNamespace(**values)
        self.bias = self._known = known
        self._slow_gyro, self._slow_mag, self._slow_cross = _NOWHERE, _NOWHERE, _NOWHERE
        self._normal: Vector = (_ZERO,) * 6
        self._right = _NOWHERE
        self._samples = self._wait = 0

    def update(self, gyro: Vector, mag: Vector) -> Vector:
        """Take one sample: `magnetometer_update`. Returns the field without the hard iron."""
        g = self._gains
        turned = _cross(gyro, mag)
        gain = g.slow_gain
        if self._samples < g.start_samples:
            self._samples += 1
            gain = max(gain, _ONE / F(self._samples))
        change = tuple(gain * (m - slow) for m, slow in zip(mag, self._slow_mag, strict=True))
        self._slow_mag = tuple(slow + c for slow, c in zip(self._slow_mag, change, strict=True))
        self._slow_cross = tuple(slow + gain * (t - slow) for t, slow in zip(turned, self._slow_cross, strict=True))
        self._slow_gyro = tuple(slow + gain * (w - slow) for w, slow in zip(gyro, self._slow_gyro, strict=True))
        if self._samples >= g.start_samples:
            self._wait += 1
            if self._wait >= g.interval:
                self._wait = 0
                target = tuple(c / g.step_s + slow for c, slow in zip(change, self._slow_cross, strict=True))
                self._add_equation(self._slow_gyro, target)
                self._solve()
        return mag[0] - self.bias[0], mag[1] - self.bias[1], mag[2] - self.bias[2]

    def _add_equation(self, w: Vector, t: Vector) -> None:
        xx, yy, zz = w[0] * w[0], w[1] * w[1], w[2] * w[2]
        left = (yy + zz, xx + zz, xx + yy, -(w[0] * w[1]), -(w[0] * w[2]), -(w[1] * w[2]))
        memory = self._gains.memory
        self._normal = tuple(memory * old + new for old, new in zip(self._normal, left, strict=True))
        self._right = tuple(memory * old + new for old, new in zip(self._right, _cross(t, w), strict=True))

    def _solve(self) -> None:
        n, ridge = self._normal, self._gains.ridge
        r0, r1, r2 = (r + ridge * known for r, known in zip(self._right, self._known, strict=True))
        d0 = n[0] + ridge
        l10, l20 = n[3] / d0, n[4] / d0
        d1 = n[1] + ridge - l10 * n[3]
        e21 = n[5] - l10 * n[4]
        l21 = e21 / d1
        d2 = n[2] + ridge - l20 * n[4] - l21 * e21
        y1 = r1 - l10 * r0
        y2 = r2 - l20 * r0 - l21 * y1
        if not (d1 > 0 and d2 > 0):
            return
        b2 = y2 / d2
        b1 = y1 / d1 - l21 * b2
        self.bias = (r0 / d0 - l10 * b1 - l20 * b2, b1, b2)


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
