"""firmware/odometry/attitude.c and field.c in Python: the same operations on single floats, in the same order.

It serves where no C compiler is at hand, a hundred times slower, and as the reference of the C sources: both give the
same bits. Names and order follow the C files; the comments are there.
"""

from __future__ import annotations

from dataclasses import fields
from math import sqrt
from typing import Any

import numpy as np

from tinynas.odometry.attitude.gains import AttitudeGains

__all__ = ["AttitudeTwin"]

F = np.float32
Vector = tuple[Any, ...]  # scalars of NumPy, whose arithmetic rounds to single precision

_ZERO, _HALF, _ONE, _TWO, _FOUR = F(0), F(0.5), F(1), F(2), F(4)
_LITTLE, _EIGHTH, _ATAN = F(0.01), F(0.125), F(0.2146)
_384TH, _48TH, _3840TH, _THIRD = _ONE / F(384), _ONE / F(48), _ONE / F(3840), _ONE / F(3)
_OWN_X, _OWN_Y = (_ONE, _ZERO, _ZERO), (_ZERO, _ONE, _ZERO)
_NOWHERE: Vector = (_ZERO, _ZERO, _ZERO)


class _Gains:
    """Coefficients as single floats; counts stay whole. Slots are what Python reads fastest."""

    __slots__ = tuple(field.name for field in fields(AttitudeGains))

    def __init__(self, gains: AttitudeGains) -> None:
        for name in self.__slots__:
            value = getattr(gains, name)
            setattr(self, name, F(value) if isinstance(value, float) else value)


class AttitudeTwin:
    """The state of one filter.

    Args:
        gains: Coefficients of the sample rate.
    """

    def __init__(self, gains: AttitudeGains) -> None:
        self._gains: Any = _Gains(gains)
        self.rotation: Vector = (_ZERO,) * 9
        self.gyro_bias = _NOWHERE
        self.bias_variance: Any = F(gains.bias_variance)
        self._quaternion: Vector = (_ONE, _ZERO, _ZERO, _ZERO)
        self._force: Any = _ZERO
        self._trend, self.slow_gyro, self._slow_accel = _NOWHERE, _NOWHERE, _NOWHERE
        self._known_field: Vector = (_ZERO, _ZERO)
        self._new_field: Vector = (_ZERO, _ZERO)
        self.samples = self._resting = self._undisturbed = self._rejected = self._accepted = 0
        self._disturbed = False

    def update(self, accel: Vector, gyro: Vector, mag: Vector | None) -> Vector:
        """Take one sample of single floats: `attitude_update`. Returns the rotation, row by row."""
        gains, start, first = self._gains, _ZERO, self.samples == 0
        if self.samples < gains.start_samples:
            self.samples += 1
            start = _ONE / F(self.samples)
        rests = self._watch_rest(accel, gyro, start)
        if first:
            self._align(accel, mag)
        else:
            self._integrate(gyro)
        self.rotation = _rotation(self._quaternion)
        tilt_x, tilt_y = self._find_tilt(accel, start)
        heading = _ZERO if mag is None else self._find_heading(mag, start, tilt_x, tilt_y)
        self._correct(tilt_x, tilt_y, heading)
        self._learn_bias(rests, tilt_x, tilt_y, heading)
        return self.rotation

    def _align(self, accel: Vector, mag: Vector | None) -> None:
        size = _length(accel)
        if not size > _ZERO:
            return
        up = (accel[0] / size, accel[1] / size, accel[2] / size)
        x = None if mag is None else _level(up, mag)
        x = x or _level(up, _OWN_X) or _level(up, _OWN_Y)
        assert x is not None, "two axes of the device are not both vertical"
        y = (up[1] * x[2] - up[2] * x[1], up[2] * x[0] - up[0] * x[2], up[0] * x[1] - up[1] * x[0])
        self._quaternion = _quaternion(x, y, up)

    def _watch_rest(self, accel: Vector, gyro: Vector, start: Any) -> bool:
        g = self._gains
        gain = g.rest_gain if g.rest_gain > start else start
        gx, gy, gz = self.slow_gyro
        ax, ay, az = self._slow_accel
        gx, ax = gx + gain * (gyro[0] - gx), ax + gain * (accel[0] - ax)
        gy, ay = gy + gain * (gyro[1] - gy), ay + gain * (accel[1] - ay)
        gz, az = gz + gain * (gyro[2] - gz), az + gain * (accel[2] - az)
        self.slow_gyro, self._slow_accel = (gx, gy, gz), (ax, ay, az)
        d, e, f = gyro[0] - gx, gyro[1] - gy, gyro[2] - gz
        turning = d * d + e * e + f * f
        d, e, f = accel[0] - ax, accel[1] - ay, accel[2] - az
        shaking = d * d + e * e + f * f
        most = g.bias_max
        # Whatever moves is told by the first comparison; none of them has an effect.
        still = shaking < g.rest_accel and turning < g.rest_gyro
        if not still or not (abs(gx) <= most and abs(gy) <= most and abs(gz) <= most):
            self._resting = 0
        elif self._resting < g.rest_samples:
            self._resting += 1
        return bool(self._resting >= g.rest_samples)

    def _integrate(self, gyro: Vector) -> None:
        w0, x0, y0, z0 = self._quaternion
        bx, by, bz = self.gyro_bias
        step = self._gains.step_s
        x, y, z = (gyro[0] - bx) * step, (gyro[1] - by) * step, (gyro[2] - bz) * step
        square = x * x + y * y + z * z
        if square > _FOUR:
            less = _TWO / root(square)
            x, y, z, square = x * less, y * less, z * less, _FOUR
        c = _ONE - square * (_EIGHTH - square * _384TH)
        s = _HALF - square * (_48TH - square * _3840TH)
        x, y, z = x * s, y * s, z * s
        self._quaternion = (
            w0 * c - x0 * x - y0 * y - z0 * z,
            w0 * x + x0 * c + y0 * z - z0 * y,
            w0 * y - x0 * z + y0 * c + z0 * x,
            w0 * z + x0 * y - y0 * x + z0 * c,
        )

    def _find_tilt(self, accel: Vector, start: Any) -> Vector:
        g = self._gains
        fx, fy, fz = _turn(self.rotation, accel)
        ux, uy, uz = self._trend
        if self.samples <= g.tilt_samples:
            mx, my, mz = start * fx, start * fy, self._force + start * (fz - self._force)
        else:
            ux = ux + g.tilt_stiffness * fx - g.tilt_damping * ux
            uy = uy + g.tilt_stiffness * fy - g.tilt_damping * uy
            uz = uz + g.tilt_stiffness * (fz - self._force) - g.tilt_damping * uz
            mx, my, mz = ux, uy, self._force + uz
        self._force = force = _length((mx, my, mz))
        both = force + mz
        x = y = _ZERO
        if both > _LITTLE * force:
            x, y = my / both, -mx / both
        elif force > _ZERO:
            x = _ONE
        self._trend = (ux + _TWO * (y * uz), uy - _TWO * (x * uz), uz + _TWO * (x * uy - y * ux))
        return x, y

    def _find_heading(self, mag: Vector, start: Any, tilt_x: Any, tilt_y: Any) -> Any:
        g = self._gains
        mx, my, mz = _turn(self.rotation, mag)
        x, y = mx + _TWO * (tilt_y * mz), my - _TWO * (tilt_x * mz)
        across = root(x * x + y * y)
        trusted = self._trust_field((across, mz + _TWO * (tilt_x * my - tilt_y * mx)))
        gain = trusted if trusted > start else start
        if not across > g.field_min_ut:
            return _ZERO
        both = across + x
        t = y / both if both > abs(y) else (_ONE if y > _ZERO else -_ONE)
        return -(gain * (_TWO * (t * (_ONE - _ATAN * (t * t)))))

    def _trust_field(self, field: Vector) -> Any:
        g = self._gains
        if _is_near(field, self._known_field, g.field_tolerance):
            if self._undisturbed < g.field_samples:
                self._undisturbed += 1
            if self._undisturbed >= g.field_samples:
                self._disturbed = False
                self._known_field = _approach(self._known_field, field, g.field_gain)
        else:
            self._undisturbed, self._disturbed = 0, True
        if _is_near(field, self._new_field, g.field_tolerance):
            a, b, c = self.slow_gyro
            if a * a + b * b + c * c >= g.field_turning and self._accepted < g.accept_samples:
                self._accepted += 1
            self._new_field = _approach(self._new_field, field, g.field_gain)
            none = self._known_field[0] == _ZERO and self._known_field[1] == _ZERO
            if self._disturbed and self._accepted >= (g.first_samples if none else g.accept_samples):
                self._known_field = self._new_field
                self._disturbed, self._undisturbed = False, g.field_samples
        else:
            self._accepted, self._new_field = 0, field
        if not self._disturbed:
            self._rejected = self._rejected - 2 if self._rejected > 2 else 0
            return g.heading_gain
        if self._rejected < g.reject_samples:
            self._rejected += 1
            return _ZERO
        return g.field_doubt * g.heading_gain

    def _correct(self, x: Any, y: Any, heading: Any) -> None:
        a, b, c, d = self._quaternion
        z = _HALF * heading
        w1 = a - x * b - y * c - z * d
        x1 = b + x * a + y * d - z * c
        y1 = c + y * a - x * d + z * b
        z1 = d + z * a + x * c - y * b
        scale = _ONE / root(w1 * w1 + x1 * x1 + y1 * y1 + z1 * z1)
        self._quaternion = (w1 * scale, x1 * scale, y1 * scale, z1 * scale)
        ux, uy, uz = self._trend
        self._trend = (ux - heading * uy, uy + heading * ux, uz)

    def _learn_bias(self, rests: bool, tilt_x: Any, tilt_y: Any, heading: Any) -> None:
        g, p, b = self._gains, self.bias_variance, self.gyro_bias
        if p < g.bias_variance:
            p = p + g.bias_drift
        if rests:
            gain = p * g.bias_rest
            gain = min(gain, _HALF)
            self.gyro_bias = tuple(v + gain * (slow - v) for v, slow in zip(b, self.slow_gyro, strict=True))
            p = p - gain * p
        elif self.samples > g.tilt_samples:
            r, most, twice = self.rotation, g.bias_max, -_TWO / g.step_s
            level_gain, turn_gain = p * g.bias_tilt, _ZERO if heading == _ZERO else p * g.bias_heading
            ex, ey = level_gain * _clip(twice * tilt_x, most), level_gain * _clip(twice * tilt_y, most)
            ez = turn_gain * _clip(_HALF * twice * heading, most)
            r0, r1, r2, r3, r4, r5, r6, r7, r8 = r
            bx, by, bz = b
            self.gyro_bias = (
                _clip(bx + (r0 * ex + r3 * ey + r6 * ez), most),
                _clip(by + (r1 * ex + r4 * ey + r7 * ez), most),
                _clip(bz + (r2 * ex + r5 * ey + r8 * ez), most),
            )
            p = p - p * (level_gain + level_gain + turn_gain) * _THIRD
        self.bias_variance = p


def root(x: Any) -> Any:
    """The square root; twice rounded, it is the single one still."""
    return F(sqrt(x))


def _length(v: Vector) -> Any:
    return root(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])


def _clip(x: Any, most: Any) -> Any:
    if abs(x) <= most:  # mostly
        return x
    return most if x > most else -most if x < -most else x


def _turn(r: Vector, v: Vector) -> Vector:
    a, b, c = v
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = r
    return r0 * a + r1 * b + r2 * c, r3 * a + r4 * b + r5 * c, r6 * a + r7 * b + r8 * c


def _rotation(quaternion: Vector) -> Vector:
    w, x, y, z = quaternion
    x2, y2, z2 = x + x, y + y, z + z
    xx, yy, zz, xy, xz, yz = x * x2, y * y2, z * z2, x * y2, x * z2, y * z2
    wx, wy, wz = w * x2, w * y2, w * z2
    first, second, third = _ONE - (yy + zz), _ONE - (xx + zz), _ONE - (xx + yy)
    return first, xy - wz, xz + wy, xy + wz, second, yz - wx, xz - wy, yz + wx, third


def _level(up: Vector, ahead: Vector) -> Vector | None:
    along = up[0] * ahead[0] + up[1] * ahead[1] + up[2] * ahead[2]
    across = (ahead[0] - up[0] * along, ahead[1] - up[1] * along, ahead[2] - up[2] * along)
    left = _length(across)
    return (across[0] / left, across[1] / left, across[2] / left) if left > _LITTLE * _length(ahead) else None


def _quaternion(x: Vector, y: Vector, z: Vector) -> Vector:
    trace = (
        *(_ONE + x[0] + y[1] + z[2], _ONE + x[0] - y[1] - z[2]),
        *(_ONE - x[0] + y[1] - z[2], _ONE - x[0] - y[1] + z[2]),
    )
    wx, wy, wz = z[1] - y[2], x[2] - z[0], y[0] - x[1]
    xy, xz, yz = x[1] + y[0], x[2] + z[0], y[2] + z[1]
    columns = ((trace[0], wx, wy, wz), (wx, trace[1], xy, xz), (wy, xy, trace[2], yz), (wz, xz, yz, trace[3]))
    a, b, c, d = columns[trace.index(max(trace))]
    size = root(a * a + b * b + c * c + d * d)
    return a / size, b / size, c / size, d / size


def _is_near(field: Vector, other: Vector, tolerance: Any) -> bool:
    a, b = other
    h, v = field[0] - a, field[1] - b
    return bool(h * h + v * v < tolerance * (a * a + b * b))


def _approach(slow: Vector, field: Vector, gain: Any) -> Vector:
    a, b = slow
    return a + gain * (field[0] - a), b + gain * (field[1] - b)
