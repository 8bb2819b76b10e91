"""The tuner against its peers on a discrete mixed space shaped like that of the TCN search, with a constraint.

    python benchmarks/mixed.py [--problems NAME ...] [--optimisers NAME ...] [--repetitions N | --full]
        [--evaluations N] [--seed N] [--jobs N] [--cache FILE ...] [--per-problem] [--json] [--out FILE]

Two integers, nine membership bits of which three to eight may be set, three categories, a rate, and a budget that a
product of them must keep (`_networks`): four tasks, whose minima are known by trying every point. Statistics and
options are those of functions.py.
"""

from __future__ import annotations

import argparse

from _comparison import add_options, compare_optimisers
from _networks import NETWORKS

NOTES = (
    "tinynas, mango and random are told the constraint. The others learn it: a point that is not allowed has a penalty "
    "for a value, optuna is told that it is a violation; it does not count as an evaluation, but its CPU time does.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, list(NETWORKS), "problems")
    compare_optimisers(parser.parse_args(), "mixed", NOTES)


if __name__ == "__main__":
    main()
