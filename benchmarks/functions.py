"""The tuner against its peers on continuous test functions: regret, evaluations to 1 %, time, ranking.

    python benchmarks/functions.py [--functions NAME ...] [--optimisers NAME ...] [--repetitions N | --full]
        [--evaluations N] [--seed N] [--jobs N] [--cache FILE ...] [--per-function] [--json] [--out FILE]

The functional benchmark of Dewancker et al. 2016, whose test functions and ranking it uses (`testfunctions`,
`_ranking`). Every optimiser has its default configuration (Mango: 5000 candidates, as its README says), one thread,
and the same number of evaluations, its initial points included. Peers come with the dependency group `benchmarks`.
Runs take a second to a minute each; those in the files of `--cache` are not made again.
"""

from __future__ import annotations

import argparse

from _comparison import add_options, compare_optimisers
from testfunctions import FUNCTIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, [function.name for function in FUNCTIONS], "functions")
    compare_optimisers(parser.parse_args(), "functions")


if __name__ == "__main__":
    main()
