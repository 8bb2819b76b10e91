"""What may be chosen of the attitude filter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tinynas.checked import NotNegative, Positive, options

__all__ = ["AttitudeOptions", "HardIron"]

HardIron = Literal["recording", "online", "none"]

Seconds = Annotated[float, Field(ge=0.1, le=3600.0)]
Duration = Annotated[float, Field(ge=0.0, le=3600.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@options("dataset.attitude")
class AttitudeOptions:
    """Gains of the attitude filter; docs/frames.md shows how sensitive results are to them.

    Attributes:
        tilt_time_s: Time constant of the low pass of the force, whose mean is the vertical.
        heading_time_s: Time constant with which the magnetic field corrects the heading.
        hard_iron: How the magnetometer's hard iron is found: from the whole `recording`, `online` as on the board, or
            `none` where it is calibrated already.
        hard_iron_time_s: Memory of the online calibration.
        gyro_bias_max_deg_s: Larger biases of the gyroscope are not believed.
        gyro_bias_start_deg_s: Standard deviation of the gyroscope's bias before anything is known.
        gyro_bias_tilt_deg_s: Standard deviation to which corrections of the vertical tell the bias in the long run.
        gyro_bias_heading_deg_s: The same of corrections of the heading.
        gyro_bias_rest_deg_s: The same of a device at rest.
        rest_s: A device that was still for so long rests.
        rest_gyro_deg_s: Deviation of the rate from its mean below which a device is still.
        rest_accel_m_s2: The same of the specific force.
        field_tolerance: Deviation of the field, relative to the known one, above which it is disturbed; 0 trusts every
            field.
        field_reject_s: So long a disturbed field is not used; then with half the gain.
        field_accept_s: A new field that lasts for so long, while the device turns, becomes the known one.
        field_min_ut: A horizontal field weaker than this is not used.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
    """

    tilt_time_s: Seconds = 3.0
    heading_time_s: Seconds = 10.0
    hard_iron: HardIron = "recording"
    hard_iron_time_s: Seconds = 60.0
    gyro_bias_max_deg_s: Positive = 2.0
    gyro_bias_start_deg_s: Positive = 0.5
    gyro_bias_tilt_deg_s: Positive = 0.15
    gyro_bias_heading_deg_s: Positive = 0.1
    gyro_bias_rest_deg_s: Positive = 0.03
    rest_s: Duration = 1.5
    rest_gyro_deg_s: NotNegative = 2.0
    rest_accel_m_s2: NotNegative = 0.5
    field_tolerance: Share = 0.15
    field_reject_s: Duration = 60.0
    field_accept_s: Duration = 20.0
    field_min_ut: NotNegative = 3.0
