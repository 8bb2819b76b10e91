"""Final training: the few best candidates once more, at full length and with several seeds.

The spread between good candidates is near that between seeds, so one short training does not tell which is best. The
network that is deployed is chosen on validation recordings, among everything that was trained. Test recordings are
looked at afterwards, and once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, zip_longest

import numpy as np

from tinynas.config import Config
from tinynas.search.problem import CHOSEN
from tinynas.search.schedule import rank_best
from tinynas.search.sharing import propose_to_all
from tinynas.study import Study, Trial

__all__ = ["merge", "propose_finals", "propose_refit"]

# Errors on the validation recordings; a refit takes them over.
_ERRORS = ("error_float", "error_int8", "rmse_x", "rmse_y", "ate_m", "rte_m")

# Where time is left, so many times as many seeds as were asked for, at most.
_MOST = 4

Ranked = Callable[[Sequence[Trial]], "list[Trial]"]


def propose_finals(
    studies: Sequence[Study],
    config: Config,
    affordable: Callable[[Trial], bool] | None = None,
    ranked: Ranked = rank_best,
) -> Iterator[list[Trial]]:
    """Propose the final trainings of a search's best candidates. What an earlier call proposed is not proposed twice.

    Args:
        studies: One for each board, with the search's trials, none of them at work; each receives one trial for each
            final training, of its own best candidates and of the others'.
        config: The search's configuration.
        affordable: Says whether there is time to train a candidate once more; None: there is time for all. With it,
            every candidate is trained once before one is trained twice, and further seeds fill the time that is left.
        ranked: Puts the trials in the order of merit.

    Yields:
        The trial in each study.
    """
    done = {(trial.final_of, trial.seed) for trial in studies[0].trials() if trial.final_of is not None}
    chosen = merge([ranked(study.trials())[: config.final.candidates] for study in studies])
    for candidate, run in _runs(chosen, config.final.seeds, endless=affordable is not None):
        if run >= config.final.seeds * _MOST or (affordable is not None and not any(map(affordable, chosen))):
            return
        own = int(np.random.SeedSequence([config.seed, candidate.id, run, 1]).generate_state(1)[0])
        if (candidate.id, own) in done or (affordable is not None and not affordable(candidate)):
            continue
        fixed = {name: value for name, value in (candidate.params or {}).items() if name in CHOSEN}
        yield propose_to_all(
            studies,
            params={"final_of": candidate.id, **fixed},
            architecture=candidate.architecture,
            key=candidate.key,
            seed=own,
        )


def merge(ranked: Sequence[Sequence[Trial]]) -> list[Trial]:
    """The best trials of several boards, each once: the best of every board first, then their second best, and so on.

    Args:
        ranked: Board by board, best first.
    """
    found: dict[int, Trial] = {}
    for place in zip_longest(*ranked):
        for trial in place:
            if trial is not None:
                found.setdefault(trial.id, trial)
    return list(found.values())


def propose_refit(studies: Sequence[Study], config: Config) -> Iterator[list[Trial]]:
    """Propose to train the chosen network once more, on training and validation recordings together.

    A network is chosen by recordings that it has not learned. Once that is done they are worth more as training data.
    What was learned of its errors before stays its estimate, and where it stands among the others.

    Args:
        studies: One for each board, with the search's trials and final trainings, all finished; receives at most one
            trial for each board's best network.
        config: The search's configuration.

    Yields:
        The trial in each study.
    """
    for study in studies if config.final.refit else ():
        best = study.best()
        if best is None or best.refit_of is not None or any(one.refit_of == best.id for one in study.trials()):
            continue
        known, errors = best.params or {}, best.metrics or {}
        yield propose_to_all(
            studies,
            params={
                "final_of": best.id if best.final_of is None else best.final_of,
                "refit_of": best.id,
                "judged": {name: errors[name] for name in _ERRORS if name in errors},
                **{name: value for name, value in known.items() if name in CHOSEN},
            },
            architecture=best.architecture,
            key=best.key,
            seed=best.seed,
        )


def _runs(candidates: Sequence[Trial], seeds: int, *, endless: bool) -> Iterator[tuple[Trial, int]]:
    """Candidates with the number of the run, in the order in which they are trained."""
    if not endless:
        yield from ((candidate, run) for candidate in candidates for run in range(seeds))
    elif candidates:
        yield from ((candidate, run) for run in count() for candidate in candidates)
