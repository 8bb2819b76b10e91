"""Ahead-of-time compiler: an int8 .tflite model to plain C with a static memory plan.

A `Program` is the compiler's own form of a model. `lower` makes it of a graph; `keep_live`, `make_schedule` and
`lay_out` find what is computed, when, and where it lies. Whoever predicts a program knows its costs without any C.
"""

from tinynas.deploy.compiler.compile import CompiledModel, check_name, compile_model
from tinynas.deploy.compiler.memory_map import (
    ArenaMap,
    OperatorCost,
    Slot,
    map_arena,
    map_graph,
    map_program,
    operator_costs,
)
from tinynas.deploy.compiler.passes.liveness import LiveProgram, Turns, keep_live
from tinynas.deploy.compiler.passes.lower import SUPPORTED, lower
from tinynas.deploy.compiler.plan.layout import ALIGNMENT, Layout, lay_out
from tinynas.deploy.compiler.plan.schedule import Schedule, make_schedule, segments
from tinynas.deploy.compiler.program.bounds import MAX_READS, MAX_ROWS, MAX_TENSOR_BYTES
from tinynas.deploy.compiler.program.ir import Access, Operator, Program, Rows, Value
from tinynas.deploy.compiler.program.work import Binary, Depthwise, Lookup, Matrix, Mean, Requantization, Window, Work

__all__ = [
    "ALIGNMENT",
    "MAX_READS",
    "MAX_ROWS",
    "MAX_TENSOR_BYTES",
    "SUPPORTED",
    "Access",
    "ArenaMap",
    "Binary",
    "CompiledModel",
    "Depthwise",
    "Layout",
    "LiveProgram",
    "Lookup",
    "Matrix",
    "Mean",
    "Operator",
    "OperatorCost",
    "Program",
    "Requantization",
    "Rows",
    "Schedule",
    "Slot",
    "Turns",
    "Value",
    "Window",
    "Work",
    "check_name",
    "compile_model",
    "keep_live",
    "lay_out",
    "lower",
    "make_schedule",
    "map_arena",
    "map_graph",
    "map_program",
    "operator_costs",
    "segments",
]
