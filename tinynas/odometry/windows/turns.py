"""Quarter turns about the vertical: in a level or north frame they swap and negate channels, nothing more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_turns", "quarter_turn"]

Array = NDArray[np.float32]


def quarter_turn(values: NDArray[np.float32], turns: int, *, width: int = 3) -> NDArray[np.float32]:
    """Turn vectors counter-clockwise about the vertical by a number of quarter turns.

    Args:
        values: (..., k * width) vectors side by side; the first two components of each are x and y.
        turns: Quarter turns; negative ones are clockwise.
        width: Components of a vector: 3 for inputs, 2 for targets.

    Returns:
        A new array of the same shape.

    Example:
        >>> quarter_turn(np.array([[1.0, 2.0, 3.0]], np.float32), 1).tolist()
        [[-2.0, 1.0, 3.0]]
    """
    x, y = values[..., 0::width], values[..., 1::width]
    turned = np.array(values)
    sign_x, sign_y = ((1, 1), (-1, 1), (-1, -1), (1, -1))[turns % 4]
    if turns % 2:
        x, y = y, x
    turned[..., 0::width], turned[..., 1::width] = sign_x * x, sign_y * y
    return turned


def average_turns(run: Callable[[Array], Array], inputs: Array, turns: int) -> Array:
    """Run a network on turned inputs, turn its outputs back, and average them.

    The average has no preference for a direction: with two turns no constant drift, with four none of the second
    harmonic either. Only for inputs and targets in a level or north frame.

    Args:
        run: The network: (n, window, channels) -> (n, 2).
        inputs: (n, window, channels) normalised windows.
        turns: 1, 2 or 4 directions.

    Returns:
        (n, 2).

    Example:
        >>> drifting = lambda x: x[:, -1, :2] + np.float32([1.0, 0.0])
        >>> walk = np.float32([[[0.5, 0.25, 0.0]]])
        >>> average_turns(drifting, walk, 1).tolist(), average_turns(drifting, walk, 2).tolist()
        ([[1.5, 0.25]], [[0.5, 0.25]])
    """
    if turns == 1:
        return run(inputs)
    quarters = range(0, 4, 4 // turns)
    outputs = [quarter_turn(run(quarter_turn(inputs, k)), -k, width=2) for k in quarters]
    return np.asarray(np.mean(outputs, axis=0), np.float32)
