"""Which of several searches to go on with: rules over their proposals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.ask_tell import AskTell
from tinynas.tuner.config import Params, TunerConfig
from tinynas.tuner.surrogate import Model, Warp

__all__ = ["RULES", "Arm", "Rule", "expected_improvement", "most_promising", "student"]

Array = NDArray[np.float64]

# Observations that the spread of all arms together is worth beside those of one arm.
POOLED_WEIGHT = 2.0
LEAST_FREEDOM = 1.5
# This choice, the one after twice as many, and so on go to the arm chosen least.
FIRST_EVEN = 6


@dataclass(frozen=True)
class Arm:
    """One of the searches, and the point that it would evaluate next.

    Attributes:
        tuner: The search.
        proposal: Its next point.
        values: What its successful evaluations gave, in the user's sign.
        failures: How many of its evaluations have failed.
    """

    tuner: AskTell
    proposal: Params
    values: Array
    failures: int = 0


Rule = Callable[[Sequence[Arm], Sequence[int], Sequence[int], TunerConfig], int]


def student(arms: Sequence[Arm], indices: Sequence[int], chosen: Sequence[int], config: TunerConfig) -> int:
    """The arm whose proposal has the highest expected improvement on the best value of all arms.

    An arm that has been tried n times cannot know its own spread: the improvement is that of a Student distribution
    with n degrees of freedom in place of a normal one, and its scale is drawn to that of all arms' values together. So
    an arm after a bad start keeps a chance that its own surrogate would deny it, and loses it as the arm is tried. What
    an arm promises counts by the share of its evaluations that succeed.

    Should all that be misled, the sixth choice, the twelfth, the 24th, and so on go to the arm chosen least: often
    enough to find out, too rarely to cost much.

    Args:
        arms: What can go on.
        indices: Their numbers.
        chosen: Numbers of the arms chosen so far.
        config: Sense of the search.

    Returns:
        A position in `arms`.
    """
    if _is_even(len(chosen) + 1):
        return min(range(len(arms)), key=lambda place: list(chosen).count(indices[place]))
    sign = -1.0 if config.sense == "maximize" else 1.0
    pooled = sign * np.concatenate([arm.values for arm in arms])
    best = float(pooled.min())
    common = _slope(Warp.fit(pooled), best)
    return int(np.argmax([_success(arm) * _gain(arm, best, common) for arm in arms]))


def _is_even(number: int) -> bool:
    turns, rest = divmod(number, FIRST_EVEN)
    return rest == 0 and turns & (turns - 1) == 0


def _success(arm: Arm) -> float:
    return (len(arm.values) + 1.0) / (len(arm.values) + arm.failures + 1.0)


def _gain(arm: Arm, best: float, common: float) -> float:
    model = arm.tuner.model
    assert isinstance(model, Model)
    space, count = arm.tuner.space, len(arm.values)
    pending = space.coordinates([space.code(params) for params in arm.tuner.pending])
    posterior = model.cautious.condition(model.features(pending))
    row = model.features(space.coordinates([space.code(arm.proposal)]))
    mean, deviation = (float(part[0]) for part in posterior.predict(row))
    target, slope = float(model.warp.forward(np.array([best]))[0]), _slope(model.warp, best)
    # In the user's units, linearised at the best value: there the arms can be compared.
    weighted = (count * slope**2 + POOLED_WEIGHT * common**2) / (count + POOLED_WEIGHT)
    return expected_improvement((mean - target) * slope, deviation * math.sqrt(weighted), max(count, LEAST_FREEDOM))


def _slope(warp: Warp, value: float) -> float:
    at, step = float(warp.forward(np.array([value]))[0]), 1e-3
    low, high = warp.inverse(np.array([at - step, at + step]))
    return max(float(high - low) / (2 * step), 1e-300)


def expected_improvement(mean: float, scale: float, freedom: float) -> float:
    """Expected improvement below 0 of a Student distribution.

    Source: Tracey & Wolpert 2018, "Upgrading from Gaussian processes to Student's-t processes".

    Args:
        mean: Its centre.
        scale: Its scale, above 0.
        freedom: Degrees of freedom, above 1.

    Example:
        >>> round(expected_improvement(0.0, 1.0, 1e6), 4)  # a normal distribution's 1 / sqrt(2 pi)
        0.3989
    """
    from scipy.special import gammaln, stdtr  # slow to import

    z = -mean / scale
    log_density = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    density = math.exp(float(log_density) - (freedom + 1) / 2 * math.log1p(z * z / freedom))
    # Far out the two terms cancel; what is left there is a share of the first.
    gain = (freedom + z * z) / (freedom - 1) * density + z * float(stdtr(freedom, z))
    return scale * max(gain, 1e-9 * density)


def most_promising(arms: Sequence[Arm], indices: Sequence[int], chosen: Sequence[int], config: TunerConfig) -> int:
    """Mango's rule: epsilon-greedy over upper confidence bounds in one range; see `MetaTuner`.

    What it remembers (epsilon, and a factor for each arm) is replayed from the choices, so that it follows from them.
    """
    sign = 1.0 if config.sense == "maximize" else -1.0
    factors: dict[int, float] = {}
    epsilon = float(config.exploration or 0.0)
    dice = np.random.default_rng([config.seed or 0, 5]).random((len(chosen) + 1, 2))
    for throw, pulled in zip(dice[:, 0], chosen, strict=False):
        if throw < epsilon and epsilon > config.exploration_min:
            epsilon *= config.exploration_decay
        known = {*factors, *indices, *chosen}
        factors = {i: 1.0 if i == pulled else factors.get(i, 1.0) + 1.1 * epsilon for i in known}
    if dice[-1, 0] < epsilon:
        return int(dice[-1, 1] * len(arms))
    unit = max(1.0, max(float((sign * arm.values).max()) for arm in arms))
    scores = []
    for arm, index in zip(arms, indices, strict=True):
        mean, deviation = (float(part[0]) for part in arm.tuner.predict([arm.proposal]))
        scores.append((sign * mean + factors.get(index, 1.0) * deviation) / unit)
    return int(np.argmax(scores))


RULES: dict[str, Rule] = {"student": student, "mango": most_promising}
