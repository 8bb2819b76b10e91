"""Where the stages of trials run: in the driver's own process, or in processes of their own.

A worker holds nothing that a search needs: it is given a trial, runs one stage of it, and answers with what was
learned. The driver alone writes the study. So a worker that dies costs the stage it was in.
"""

from tinynas.search.workers.cluster import check_cluster
from tinynas.search.workers.hiring import hire
from tinynas.search.workers.interface import StageLost, Workers
from tinynas.search.workers.local import ProcessWorkers, SerialWorkers, choose_workers
from tinynas.search.workers.notebook import Notebook, Step
from tinynas.search.workers.setup import Setup

__all__ = [
    "Notebook",
    "ProcessWorkers",
    "SerialWorkers",
    "Setup",
    "StageLost",
    "Step",
    "Workers",
    "check_cluster",
    "choose_workers",
    "hire",
]
