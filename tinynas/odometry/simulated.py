"""Simulated walkers beside recorded ones, in training alone.

A few recordings show a few people, who carry the device in a few ways. The built-in simulator knows others, and its
walkers keep a network from taking one person's habits for the nature of walking (domain randomisation; J. Tobin et al.,
"Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World", IROS 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tinynas.errors import DatasetError
from tinynas.odometry.frames import Framed, compare_accelerations, turn_truth
from tinynas.odometry.options import SyntheticOptions
from tinynas.odometry.recording import Recording
from tinynas.odometry.synthetic import synthesize

__all__ = ["simulate_walkers"]


def simulate_walkers(
    count: int, like: Sequence[Framed], bring: Callable[[Recording], Framed], *, seed: int
) -> tuple[Recording, ...]:
    """Simulate recordings that fit to real ones.

    Args:
        count: Recordings, each of another person with another phone; all carrying modes take turns.
        like: The recorded ones of training, in their frame: they decide the sample rate, and how the axes of the ground
            truth lie in the frame.
        bring: Brings a recording into that frame.
        seed: Of people, paths, phones and noise.

    Returns:
        Recordings in the frame, their positions in the axes of the recorded ground truth; without orientation.

    Raises:
        DatasetError: The recordings are in the body frame, or at a rate that is not simulated.
    """
    if like[0].recording.frame == "body":
        message = "simulated walkers hold their phones otherwise than recorded ones, which the body frame shows"
        raise DatasetError(message, where="simulated", advice="set dataset.frame to level or north, or simulated to 0")
    # Not the seed itself: where recordings are simulated, too, these are to be other people.
    own = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])
    options = SyntheticOptions(n_train=count, n_valid=1, n_test=1, rate_hz=like[0].recording.rate_hz)
    simulated = [bring(recording).recording for recording in synthesize(options, seed=own).train]
    recorded = compare_accelerations([one.recording for one in like])
    angle = float(np.angle(recorded) - np.angle(compare_accelerations(simulated)))
    return tuple(replace(turn_truth(walker, angle), orientation=None) for walker in simulated)
