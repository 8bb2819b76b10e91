"""What a candidate costs: the resource model, and the official interpreter as its referee."""

from tinynas.cost.engine import Compiler, Engine, Kernels
from tinynas.cost.lowering import lower
from tinynas.cost.proxy import estimate, measure_graph, plain_flash_bytes, sparse_working_memory_bytes
from tinynas.cost.tflite_size import tflite_bytes
from tinynas.cost.tflm import HostArena, TflmInterpreter, tflm_runtime
from tinynas.cost.tflm_memory import arena_bytes, persistent_bytes

__all__ = [
    "Compiler",
    "Engine",
    "HostArena",
    "Kernels",
    "TflmInterpreter",
    "arena_bytes",
    "estimate",
    "lower",
    "measure_graph",
    "persistent_bytes",
    "plain_flash_bytes",
    "sparse_working_memory_bytes",
    "tflite_bytes",
    "tflm_runtime",
]
