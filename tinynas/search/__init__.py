"""The loop: a board, a dataset and a configuration in; a study with the best network that fits out."""

from tinynas.search.bench import check_compiler, check_rig, choose_compiler
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.loop import Observer, run_search
from tinynas.search.problem import Problem
from tinynas.search.provenance import provenance
from tinynas.search.task import Task, load_task

__all__ = [
    "CandidatePipeline",
    "Observer",
    "Problem",
    "Task",
    "check_compiler",
    "check_rig",
    "choose_compiler",
    "load_task",
    "provenance",
    "run_search",
]
