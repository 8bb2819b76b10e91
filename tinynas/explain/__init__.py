"""Why a study is as it is: why a network does not fit, what limits the board, what moved what, what to try next."""

from tinynas.explain.advice import Step, next_steps
from tinynas.explain.fit import Excess, TrialExplained, explain_trial
from tinynas.explain.overview import Bound, StudyExplained, Tie, explain_study
from tinynas.explain.remedies import Remedy

__all__ = [
    "Bound",
    "Excess",
    "Remedy",
    "Step",
    "StudyExplained",
    "Tie",
    "TrialExplained",
    "explain_study",
    "explain_trial",
    "next_steps",
]
