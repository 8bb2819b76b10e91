"""Which point to recommend where values are noisy."""

import numpy as np
import pytest
from scipy.stats import uniform

from tinynas.tuner import ConfigValueError, Tuner


def truth(point):
    return 0.1 * (point["depth"] - 5) ** 2 + (point["kind"] == "b")


def test_a_lucky_value_is_not_recommended():
    rng = np.random.default_rng(3)
    tuner = Tuner({"depth": range(1, 21), "kind": ["a", "b"]}, conf_dict={"sense": "minimize", "seed": 2})
    for depth in range(1, 21):
        for kind in "ab":
            point = {"depth": depth, "kind": kind}
            tuner.tell(point, truth(point) + rng.normal(0, 0.2))
    lucky = {"depth": 9, "kind": "b"}
    tuner.tell(lucky, -1.0)
    assert tuner.best[0] == lucky
    point, value = tuner.recommended
    assert truth(point) <= 0.1
    assert value == pytest.approx(truth(point), abs=0.3)


def test_what_is_told_of_a_point_several_times_counts_by_itself():
    tuner = Tuner({"depth": range(1, 5)}, conf_dict={"sense": "minimize", "seed": 2})
    rng = np.random.default_rng(0)
    for depth, mean in ((1, 2.0), (2, 0.0), (3, 1.0), (4, 2.0)):
        for _ in range(12):
            tuner.tell({"depth": depth}, mean + rng.normal(0, 0.4))
    tuner.tell({"depth": 3}, -2.0)
    assert tuner.best == ({"depth": 3}, -2.0)
    assert tuner.recommended[0] == {"depth": 2}


def test_several_senses_have_no_recommended_point():
    tuner = Tuner({"x": uniform(0, 1)}, conf_dict={"sense": ["minimize", "maximize"], "seed": 0})
    with pytest.raises(ConfigValueError, match="front"):
        _ = tuner.recommended


def test_a_feasible_point_at_full_fidelity_is_recommended():
    tuner = Tuner({"x": uniform(0, 1)}, conf_dict={"sense": "maximize", "seed": 0})
    assert tuner.recommended is None
    told = [(0.1, 1.0, 1.0, -1), (0.5, 9.0, 1.0, 2), (0.7, 8.0, 0.5, -1), (0.9, 3.0, 1.0, -1)]
    for x, value, fidelity, excess in told:
        tuner.tell({"x": x}, value, fidelity=fidelity, constraints=[excess])
    point, value = tuner.recommended
    assert point == {"x": 0.9}
    assert value == pytest.approx(3.0, abs=1.0)
