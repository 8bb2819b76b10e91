"""The tuner against random search, at equal numbers of evaluations: small, but failing when the search has gone
blind."""

import math

import numpy as np
import pytest
import scipy.stats as st

from tinynas.tuner import Tuner

BITS = [f"d{2**k}" for k in range(9)]
# The shape of a search over temporal convolutional networks: integers, membership bits, a rate, switches.
NETWORKS = {
    "filters": range(2, 64),
    "kernel_size": range(2, 16),
    **{bit: [False, True] for bit in BITS},
    "dropout": st.uniform(0, 0.4),
    "skip_connections": [False, True],
    "norm": ["none", "batch"],
}
BUDGET = 40_000


def _weights(p):
    return sum(p[bit] for bit in BITS) * 2 * p["filters"] ** 2 * p["kernel_size"]


def _fits(points):
    return [3 <= sum(p[bit] for bit in BITS) <= 8 and _weights(p) < BUDGET for p in points]


def _error(p):
    """Best near a reach of 220 samples, with many filters, little dropout, and the budget used up."""
    reach = 1 + sum((p["kernel_size"] - 1) * 2 * 2**k for k, bit in enumerate(BITS) if p[bit])
    depth = sum(p[bit] for bit in BITS)
    error = 0.5 * abs(math.log(reach / 220)) + 0.35 * (2 - math.log10(p["filters"] + 1)) + 6 * (p["dropout"] - 0.1) ** 2
    error += 0.15 * (not p["skip_connections"] and depth > 5) + 0.1 * (p["norm"] == "none") + 0.05 * abs(depth - 5)
    return error - 0.1 * p["d8"] - 0.2 * _weights(p) / BUDGET


def _cube(d):
    return {f"x{i}": st.uniform(0, 1) for i in range(d)}


def _branin(p):
    x, y = 15 * p["x0"] - 5, 15 * p["x1"]
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def _hartmann6(p):
    x = np.array([p[f"x{i}"] for i in range(6)])
    A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991]]
    P += [[2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
    return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(np.array(A) * (x - 1e-4 * np.array(P)) ** 2).sum(axis=1)))


def _rosenbrock4(p):
    x = 15 * np.array([p[f"x{i}"] for i in range(4)]) - 5
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def _search(space, score, seed, evaluations, constraint=None, noise=0.0):
    """True score of the point a user would take: the one with the best prediction when values are noisy."""
    rng = np.random.default_rng(seed)
    tuner = Tuner(space, conf_dict={"sense": "minimize", "seed": seed, "constraint": constraint})
    for _ in range(evaluations):
        [point] = tuner.ask()
        tuner.tell(point, score(point) + noise * rng.standard_normal())
    if not noise:
        return tuner.best[1]
    points = [point for point, _ in tuner.observations]
    return score(points[int(np.argmin(tuner.predict(points)[0]))])


def _random(space, score, seed, evaluations, constraint=None):
    conf = {"optimizer": "Random", "seed": seed, "constraint": constraint}
    return [score(point) for point in Tuner(space, conf_dict=conf).ask(evaluations)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "dimension", "minimum", "evaluations", "share"),
    [(_branin, 2, 0.397887, 30, 0.01), (_hartmann6, 6, -3.32237, 40, 0.4), (_rosenbrock4, 4, 0.0, 30, 0.2)],
    ids=["branin", "hartmann6", "rosenbrock4"],
)
def test_continuous_functions(score, dimension, minimum, evaluations, share):
    ours = np.median([_search(_cube(dimension), score, seed, evaluations) for seed in range(3)]) - minimum
    theirs = np.median([min(_random(_cube(dimension), score, seed, evaluations)) for seed in range(9)]) - minimum
    assert ours < share * theirs


@pytest.mark.slow
def test_the_space_of_networks():
    # Random search needs some thousand points for what the tuner finds in fifty.
    lucky = min(_random(NETWORKS, _error, 99, 1000, _fits))
    ours = [_search(NETWORKS, _error, seed, 50, _fits) for seed in range(3)]
    assert np.median(ours) <= lucky


@pytest.mark.slow
def test_the_space_of_networks_under_noise():
    noise = 0.1  # a third of what separates the best of ten random points from the best of a thousand
    ours = [_search(NETWORKS, _error, seed, 40, _fits, noise) for seed in range(3)]
    theirs = [min(_random(NETWORKS, _error, seed, 40, _fits)) for seed in range(9)]  # without noise: no selection error
    assert np.median(ours) < np.median(theirs)
