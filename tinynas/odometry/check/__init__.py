"""What is wrong with recordings, and what to do about it."""

from tinynas.odometry.check.checker import check_dataset, check_recording
from tinynas.odometry.check.findings import DataCheck, Finding, FindingKind, RecordingCheck
from tinynas.odometry.check.lag import Lag, measure_lag
from tinynas.odometry.check.truth import check_track, find_frozen

__all__ = [
    "DataCheck",
    "Finding",
    "FindingKind",
    "Lag",
    "RecordingCheck",
    "check_dataset",
    "check_recording",
    "check_track",
    "find_frozen",
    "measure_lag",
]
