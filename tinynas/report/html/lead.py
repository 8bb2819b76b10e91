"""The first sentences of a study's page: what was found, or why nothing was."""

from __future__ import annotations

from tinynas.report.html.sections import Lead
from tinynas.report.view import StudyView, number_at
from tinynas.report.words import bind, describe, error_text, kib, relative

__all__ = ["banner", "lead"]


def banner(view: StudyView) -> str:
    """What a reader must know before all else: that the search has not ended; else empty."""
    unfinished = len(view.under_way)
    if not unfinished and "best_trial" in view.summary:
        return ""
    count = f"{unfinished} trial{'s are' if unfinished != 1 else ' is'} under way. " if unfinished else ""
    return f"This search has not ended. {count}The figures are as of now."


def lead(view: StudyView) -> Lead:
    """What the best network is and how good, or why there is none."""
    if view.best is None:
        return Lead(_why_none(view))
    split = "test" if view.error("int8", "test") is not None else "validation"
    error = view.error("int8", split)
    text = f"A network with {describe(view.best.architecture)}."
    if error is None:
        return Lead(bind(text))
    gains = [
        f"{gain} {phrase}"
        for predictor, phrase in (("mean", "always predicting the mean"), ("zero", "standing still"))
        if (gain := relative(error, view.baseline(predictor, split)))
    ]
    after = f" on {split} recordings" + (f": {' and '.join(gains)}." if gains else ".")
    return Lead(
        bind(f"{text} As {view.precision} it reaches a velocity error of "), bind(error_text(error)), bind(after)
    )


def _why_none(view: StudyView) -> str:
    if not view.trials:
        return "No trial has been proposed yet."
    costs = [(number_at(t.measurement, "sram_bytes"), number_at(t.measurement, "flash_bytes")) for t in view.trials]
    known = [(sram, flash) for sram, flash in costs if sram is not None and flash is not None]
    if not view.infeasible:
        return f"None of {len(view.trials)} trials has brought a network to its end yet."
    text = f"None of {len(view.trials)} trials has ended with a network that fits the board."
    if known:
        sram, flash = min(known)
        text += f" The candidate with the least SRAM takes {kib(sram)} of SRAM and {kib(flash)} of flash;"
        text += f" the board allows {kib(view.limit('sram'))} and {kib(view.limit('flash'))}."
    return text
