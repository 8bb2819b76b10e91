"""The tuner against its peers on continuous test functions: regret, evaluations to 1 %, time, ranking.

    python benchmarks/functions.py [--functions NAME ... | --every N] [--optimisers NAME ...] [--repetitions N | --full]
        [--evaluations N] [--seed N] [--jobs N] [--cache FILE ...] [--per-function] [--json] [--out FILE]

The functional benchmark of Dewancker et al. 2016, whose test functions and ranking it uses (`testfunctions`,
`_ranking`). Every optimiser has its default configuration (Mango: 5000 candidates, as its README says), one thread,
and the same number of evaluations, its initial points included. Peers come with the dependency group `benchmarks`.
Runs take a second to a minute each; those in the files of `--cache` are not made again.

Some peers need an environment of their own, without tinynas, and a short list of functions. Each adds its runs to one
file, which is reported at the end with `--jobs 0`:

    python -m venv ax; ax/bin/pip install rich scipy ax-platform
    ax/bin/python benchmarks/functions.py --every 7 --evaluations 40 --optimisers ax --cache runs.jsonl
    python benchmarks/functions.py --every 7 --evaluations 40 --optimisers tinynas random ax --cache runs.jsonl --jobs 0

Likewise `smac-gp` with smac, `optuna-gp` with optuna and torch, `mango` with arm-mango. `random` runs in any of them.
`hebo` is HEBO, for whose version 0.3.6 pip finds no packages that agree; these do:

    pip install rich numpy==1.24.4 pandas==2.0.3 scipy==1.10.1 scikit-learn==1.3.2 torch matplotlib==3.8.4 catboost
    pip install --no-deps HEBO==0.3.6 GPy==1.13.2 gpytorch==1.11 linear_operator==0.5.3 jaxtyping==0.2.19
    pip install --no-deps typeguard==2.13.3 pymoo==0.6.0.1 disjoint-set paramz decorator autograd cma alive-progress
    pip install --no-deps about-time grapheme Deprecated wrapt dill

`vizier` is google-vizier[jax], whose version 0.1.24 needs older packages than pip chooses. After it:

    pip uninstall tfp-nightly
    pip install --no-deps jax==0.4.34 jaxlib==0.4.34 flax==0.10.0 optax==0.2.3 chex==0.1.87 orbax-checkpoint==0.7.0
    pip install --no-deps tensorflow-probability==0.25.0 numpy==1.26.4 scipy==1.14.1
"""

from __future__ import annotations

import argparse

from _comparison import add_options, compare_optimisers
from testfunctions import FUNCTIONS

FEW = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, [function.name for function in FUNCTIONS], "functions")
    parser.add_argument(
        "--every",
        type=int,
        metavar="N",
        help=f"every N-th of the functions of at most {FEW} dimensions, in their order",
    )
    options = parser.parse_args()
    if options.every is not None:
        options.problems = choose(options.every)
    compare_optimisers(options, "functions")


def choose(every: int) -> list[str]:
    """Names of every N-th function of few dimensions, the first included."""
    return [function.name for function in FUNCTIONS if len(function.bounds) <= FEW][::every]


if __name__ == "__main__":
    main()
