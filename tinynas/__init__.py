"""tinynas: the inertial-odometry network that makes the most of one microcontroller board.

The public names below are loaded when they are first used: importing tinynas imports neither TensorFlow nor a device
library.

Example:
    >>> import tinynas
    >>> tinynas.load_board("nucleo_f446re").sram_limit_bytes
    124928
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinynas.board import Board, list_boards, load_board
    from tinynas.config import Config, load_config
    from tinynas.cost import Engine, estimate
    from tinynas.deploy import convert, infer, read_graph
    from tinynas.errors import TinynasError
    from tinynas.measurement import Measurement
    from tinynas.network import CNN, TCN, Architecture, MinGRU, SearchSpace, SeparableTCN
    from tinynas.objective import score
    from tinynas.odometry import Dataset, Recording, load_dataset
    from tinynas.search import load_task, run_search
    from tinynas.study import Study, Trial
    from tinynas.tuner import Tuner

_HOMES = {
    "CNN": "network",
    "TCN": "network",
    "Architecture": "network",
    "Board": "board",
    "Config": "config",
    "Dataset": "odometry",
    "Engine": "cost",
    "Measurement": "measurement",
    "MinGRU": "network",
    "Recording": "odometry",
    "SearchSpace": "network",
    "SeparableTCN": "network",
    "Study": "study",
    "TinynasError": "errors",
    "Trial": "study",
    "Tuner": "tuner",
    "convert": "deploy",
    "estimate": "cost",
    "infer": "deploy",
    "list_boards": "board",
    "load_board": "board",
    "load_config": "config",
    "load_dataset": "odometry",
    "load_task": "search",
    "read_graph": "deploy",
    "run_search": "search",
    "score": "objective",
}

__all__ = [
    "CNN",
    "TCN",
    "Architecture",
    "Board",
    "Config",
    "Dataset",
    "Engine",
    "Measurement",
    "MinGRU",
    "Recording",
    "SearchSpace",
    "SeparableTCN",
    "Study",
    "TinynasError",
    "Trial",
    "Tuner",
    "convert",
    "estimate",
    "infer",
    "list_boards",
    "load_board",
    "load_config",
    "load_dataset",
    "load_task",
    "read_graph",
    "run_search",
    "score",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinynas' has no attribute {name!r}")
    value = getattr(import_module(f"tinynas.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
