"""What the tuner's tests share."""

from tinynas.tuner.history.observation import Observation


def observed(codes, values):
    """Evaluations of one objective; None for a failure."""
    return [Observation(code, None if value is None else (value,)) for code, value in zip(codes, values, strict=True)]
