"""What TensorFlow Lite Micro takes of this project's image beside a model: the interpreter, its operators, the stack.

Measured on images for a Cortex-M4F, linked by GCC 12.2 with the library of August 2026 (default build, CMSIS-NN): of
models of one operator, and of networks of every family, whose sums these figures meet to the byte. Only what a model
registers is linked. Code that operators share is counted with the first of them in this list.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinynas.deploy import Graph

__all__ = ["CODE_BYTES", "STACK_BYTES", "VARIABLES_BYTES", "operator_bytes"]

#: Flash beyond an image of a compiled model: the interpreter with CONV_2D and FULLY_CONNECTED. The portable kernels
#: were not measured here: they take less by as much as in upstream's own images.
CODE_BYTES: Mapping[str, int] = {"reference": 39_991, "cmsis_nn": 71_567}
#: .data and .bss beside the arena, without the operators' records.
VARIABLES_BYTES = 1_252
#: The most that the stack was seen to hold, of nine models; with the portable kernels as upstream's images differ.
STACK_BYTES: Mapping[str, int] = {"reference": 1_012, "cmsis_nn": 1_544}

_FLASH_BYTES = {
    **{"ADD": 12_560, "PAD": 5_116, "RESHAPE": 1_764, "STRIDED_SLICE": 13_512, "MEAN": 5_540},
    **{"DEPTHWISE_CONV_2D": 18_220, "SUB": 10_588, "MUL": 11_972, "LOGISTIC": 4_440},
}
_RECORD_BYTES = 36  # of an operator that is registered
_LOGISTIC_BYTES = 1_080  # what the C library keeps for its exponential function


def operator_bytes(graph: Graph) -> tuple[int, int]:
    """Flash and SRAM of the operators that a model registers."""
    kinds = {op.kind for op in graph.ops}
    flash = sum(_FLASH_BYTES.get(kind, 0) for kind in kinds)
    return flash, _RECORD_BYTES * len(kinds) + _LOGISTIC_BYTES * ("LOGISTIC" in kinds)
