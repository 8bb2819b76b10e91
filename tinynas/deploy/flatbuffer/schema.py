"""What the .tflite format says: its schema, and of each operator operands and versions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = [
    "BUFFER_ALIGNMENT",
    "FILE_IDENTIFIER",
    "OPERANDS",
    "OP_VERSIONS",
    "SCHEMA_VERSION",
    "WEIGHTS_RANK",
    "names",
    "schema",
]

FILE_IDENTIFIER = b"TFL3"
#: The schema asks for 16-byte aligned constants; kernels load 32-bit words from them.
BUFFER_ALIGNMENT = 16
SCHEMA_VERSION = 3
#: Dimensions of the weights.
WEIGHTS_RANK: Mapping[str, int] = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 2}
#: Operands that have to be there; runtimes read them unasked.
OPERANDS: Mapping[str, int] = {
    **{"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "ADD": 2, "PAD": 2, "MEAN": 2},
    **{"STRIDED_SLICE": 4, "RESHAPE": 1, "SUB": 2, "MUL": 2, "EXPAND_DIMS": 2, "SQUEEZE": 1, "CONCATENATION": 1},
    **{"MAX_POOL_2D": 1, "AVERAGE_POOL_2D": 1, "SPACE_TO_BATCH_ND": 3, "BATCH_TO_SPACE_ND": 3},
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE", "RELU", "RELU6", "LOGISTIC", "TANH", "SOFTMAX"), 1),
}
#: Of each type of model the version of its operators, where it is not 1.
OP_VERSIONS: Mapping[str, Mapping[str, int]] = {
    "int8": {
        **{"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "STRIDED_SLICE": 2, "PAD": 2},
        **dict.fromkeys(("ADD", "SUB", "MUL", "MEAN", "CONCATENATION", "MAX_POOL_2D", "AVERAGE_POOL_2D"), 2),
        **dict.fromkeys(("RELU", "RELU6", "LOGISTIC", "TANH", "SOFTMAX", "QUANTIZE", "DEQUANTIZE"), 2),
        **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), 2),
    },
}


@cache
def schema() -> Any:
    """The generated classes of the flatbuffer schema."""
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@cache
def names(enum: str) -> dict[int, str]:
    """Value -> name of an enumeration of the schema."""
    return {v: k for k, v in vars(getattr(schema(), enum)).items() if isinstance(v, int)}
