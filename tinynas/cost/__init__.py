"""What a candidate costs: the resource model."""

from tinynas.cost.aot import Costs, lower_predicted
from tinynas.cost.by_operator import OperatorWork, work_by_operator
from tinynas.cost.engine import Compiler, Engine, Kernels
from tinynas.cost.least import LeastCosts, least_costs
from tinynas.cost.lowering import lower
from tinynas.cost.proxy import costs, estimate, measure_graph, plain_flash_bytes, sparse_working_memory_bytes
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm_memory import arena_bytes, persistent_bytes, scratch_buffers
from tinynas.cost.update import repeat, with_energy

__all__ = [
    "Compiler",
    "Costs",
    "Engine",
    "Kernels",
    "LeastCosts",
    "OperatorWork",
    "arena_bytes",
    "costs",
    "estimate",
    "least_costs",
    "lower",
    "lower_predicted",
    "measure_graph",
    "persistent_bytes",
    "plain_flash_bytes",
    "repeat",
    "scratch_buffers",
    "sparse_working_memory_bytes",
    "tflite_bytes",
    "with_energy",
    "work_by_operator",
]
