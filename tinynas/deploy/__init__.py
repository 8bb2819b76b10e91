"""Network -> something a board can run: .tflite models, their graphs and their memory plans."""

from tinynas.deploy.compiler import (
    ArenaMap,
    CompiledModel,
    OperatorCost,
    Slot,
    compile_model,
    map_arena,
    operator_costs,
)
from tinynas.deploy.flatbuffer import BUFFER_ALIGNMENT, pack, read_graph
from tinynas.deploy.graph import Graph, Op, Quantization, Tensor
from tinynas.deploy.inference import dequantize, infer, quantize, snap
from tinynas.deploy.interpreters import HostArena, LitertInterpreter, TflmInterpreter, require_tflm
from tinynas.deploy.model import Model, check_stateless
from tinynas.deploy.native import captured_stderr, load_tensorflow
from tinynas.deploy.path import PathProgram, PathSettings, compile_path
from tinynas.deploy.planner import Buffer, arena_head_bytes, lifetimes, place
from tinynas.deploy.tflite import Precision, arrange, convert

__all__ = [
    "BUFFER_ALIGNMENT",
    "ArenaMap",
    "Buffer",
    "CompiledModel",
    "Graph",
    "HostArena",
    "LitertInterpreter",
    "Model",
    "Op",
    "OperatorCost",
    "PathProgram",
    "PathSettings",
    "Precision",
    "Quantization",
    "Slot",
    "Tensor",
    "TflmInterpreter",
    "arena_head_bytes",
    "arrange",
    "captured_stderr",
    "check_stateless",
    "compile_model",
    "compile_path",
    "convert",
    "dequantize",
    "infer",
    "lifetimes",
    "load_tensorflow",
    "map_arena",
    "operator_costs",
    "pack",
    "place",
    "quantize",
    "read_graph",
    "require_tflm",
    "snap",
]
