"""What is known of a network before any training: how promising it is, and what its training will take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tinynas.network import Normalisation, plan, seen_samples
from tinynas.search.problem import Problem

__all__ = ["price", "promise"]

# What takes as long as all that does not depend on the network: multiplications, and values that batch norm averages.
# Fitted to some forty trainings on recorded walks, whose times it gives within 10 % in the median.
_MACS, _NORMALISED = 490_000, 4_800


def promise(problem: Problem, params: Mapping[str, Any]) -> float | None:
    """How promising a suggestion is: the logarithm of its network's parameters times the samples that it looks at.

    Networks fail in two ways: they are too small to tell walks apart, or their dilations leave out most of the window.
    The product ranks the errors of random networks after whole trainings better than the first fifth of their trainings
    does (docs/results.md).

    Args:
        problem: What is searched.
        params: What the tuner may suggest.

    Returns:
        The score; None where the suggestion is no network of the space.
    """
    network = problem.architecture_or_none(params)
    return None if network is None else math.log(network.parameters * int(seen_samples(network).sum()))


def price(problem: Problem, params: Mapping[str, Any]) -> float | None:
    """What a training costs for the choice of networks: the square root of the time of an epoch.

    With the time itself tiny networks would be tried because they cost nothing, though they promise nothing either.

    Args:
        problem: What is searched.
        params: What the tuner may suggest.

    Returns:
        At least 1, for what takes time whatever the network; None where the suggestion is no network of the space.
    """
    network = problem.architecture_or_none(params)
    if network is None:
        return None
    planned = plan(network)
    normalised = sum(step.positions * step.channels for step in planned.steps if isinstance(step.what, Normalisation))
    return math.sqrt(1.0 + planned.macs / _MACS + normalised / _NORMALISED)
