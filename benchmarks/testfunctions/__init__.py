"""Continuous test functions of Dewancker et al. 2016, each with its box, its minimum and where that is.

I. Dewancker, M. McCourt, S. Clark, P. Hayes, A. Johnson, G. Ke: "A Strategy for Ranking Optimization Methods using
Multiple Criteria", AutoML workshop at ICML 2016. Boxes are those of the collection that goes with the paper, SigOpt's
evalset: they keep the minimum away from the centre, where an optimiser might look first for no good reason. Formulas
are those of the literature; where evalset departs from it (Bird, Easom, Sargan, Weierstrass), the literature's is used.

Example:
    >>> by_name = {function.name: function for function in FUNCTIONS}
    >>> branin = by_name["Branin01"]
    >>> branin.dimension, round(branin([2.5, 7.5]), 3)
    (2, 24.13)
"""

from .any_dimension import FUNCTIONS as _ANY_DIMENSION
from .fixed_dimension import FUNCTIONS as _FIXED_DIMENSION
from .function import TestFunction
from .kernels import FUNCTIONS as _KERNELS
from .line import FUNCTIONS as _LINE
from .plane import FUNCTIONS as _PLANE
from .rugged_plane import FUNCTIONS as _RUGGED_PLANE

__all__ = ["FUNCTIONS", "TestFunction"]

FUNCTIONS: tuple[TestFunction, ...] = (
    *_LINE,
    *_PLANE,
    *_RUGGED_PLANE,
    *_FIXED_DIMENSION,
    *_ANY_DIMENSION,
    *_KERNELS,
)
