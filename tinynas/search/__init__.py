"""The loop: a board, a dataset and a configuration in; a study with the best network that fits out."""

from tinynas.search.bench import check_compiler, check_rig, choose_compiler
from tinynas.search.candidate import CandidatePipeline, limits_of
from tinynas.search.loop import Observer, require_feasible, run_search, space_infeasible_share
from tinynas.search.provenance import provenance
from tinynas.search.task import Task, load_task

__all__ = [
    "CandidatePipeline",
    "Observer",
    "Task",
    "check_compiler",
    "check_rig",
    "choose_compiler",
    "limits_of",
    "load_task",
    "provenance",
    "require_feasible",
    "run_search",
    "space_infeasible_share",
]
