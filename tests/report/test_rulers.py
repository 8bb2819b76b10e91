"""A recording's errors in words."""

import pytest

from tinynas.report.rulers import describe_errors, judge

ROW = {
    "joint": 0.149,
    "ate_m": 1.93,
    "rte_m": 1.8,
    "drift_percent": 1.24,
    "speed_mean_m_s": -0.05,
    "speed_spread_m_s": 0.081,
    "direction_mean_deg": 2.2,
    "direction_spread_deg": 6.4,
    "rulers": {
        "zero": {"velocity_rmse": 0.81, "ate_m": 2.9, "rte_m": 3.0},
        "mean": {"velocity_rmse": 0.8, "ate_m": 2.8, "rte_m": 3.0},
        "compass": {"velocity_rmse": 0.23, "ate_m": 2.7, "rte_m": 1.6},
    },
}


def test_every_error_has_standing_still_and_compass_beside_it():
    assert describe_errors(ROW) == (
        "0.149 m/s (standing still 0.810, compass 0.230); ATE 1.9 m (standing still 2.9, compass 2.7); "
        "RTE 1.8 m (standing still 3.0, compass 1.6); drift 1.2 % of the way; "
        "speed \N{MINUS SIGN}0.05 \N{PLUS-MINUS SIGN} 0.08 m/s; direction +2 \N{PLUS-MINUS SIGN} 6 degrees"
    )


def test_errors_of_a_path_that_means_nothing_are_not_printed():
    text = describe_errors({**ROW, "ate_m": None, "rte_m": None, "drift_percent": None})
    assert not {"ATE", "RTE", "drift"} & set(text.replace(";", " ").split())


def test_a_level_frame_says_how_far_its_yaw_drifts():
    assert describe_errors({"joint": 0.1, "yaw_drift_deg": 42.7}) == "0.100 m/s; the frame's yaw drifts by 43 degrees"


def test_a_study_from_before_has_errors_alone():
    assert describe_errors({"joint": 0.5, "ate_m": 3.0}) == "0.500 m/s; ATE 3.0 m"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"direction_mean_deg": -174.0}, "reversed"),
        ({"direction_mean_deg": 40.0}, "turned by +40 degrees"),
        ({"speed_mean_m_s": -0.2}, "too slow"),
        ({"speed_mean_m_s": 0.2}, "too fast"),
        ({}, None),
    ],
)
def test_what_is_wrong_with_a_recording_as_a_whole_is_said(change, expected):
    row = {**ROW, **change}
    assert judge(row) == expected
    assert describe_errors(row).endswith(f": {expected}") == (expected is not None)
