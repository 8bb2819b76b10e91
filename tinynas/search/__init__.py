"""The loop: a board, a dataset and a configuration in; a study with the best network that fits out."""

from tinynas.search.beacon import Beacon
from tinynas.search.bench import check_compiler, check_rig, choose_compiler
from tinynas.search.candidate import CandidatePipeline
from tinynas.search.known import check_candidates, describe_earlier, own_candidates
from tinynas.search.listeners import check_listeners
from tinynas.search.loop import run_search, run_shared_search
from tinynas.search.observer import Observer
from tinynas.search.outcome import predict_deployed
from tinynas.search.problem import Problem
from tinynas.search.provenance import describe_changes, provenance
from tinynas.search.rehearsal import Rehearsal, rehearse
from tinynas.search.replay import Replayed, replay_models
from tinynas.search.starter import Starter, propose_config
from tinynas.search.takeaway import build_keras, describe_origin, simulate_walk, take_contents
from tinynas.search.task import Task, check_task, load_task, make_task
from tinynas.search.terms import limits_on
from tinynas.search.trained import TrainedNetwork, open_trained
from tinynas.search.workers import check_cluster, choose_workers

__all__ = [
    "Beacon",
    "CandidatePipeline",
    "Observer",
    "Problem",
    "Rehearsal",
    "Replayed",
    "Starter",
    "Task",
    "TrainedNetwork",
    "build_keras",
    "check_candidates",
    "check_cluster",
    "check_compiler",
    "check_listeners",
    "check_rig",
    "check_task",
    "choose_compiler",
    "choose_workers",
    "describe_changes",
    "describe_earlier",
    "describe_origin",
    "limits_on",
    "load_task",
    "make_task",
    "open_trained",
    "own_candidates",
    "predict_deployed",
    "propose_config",
    "provenance",
    "rehearse",
    "replay_models",
    "run_search",
    "run_shared_search",
    "simulate_walk",
    "take_contents",
]
