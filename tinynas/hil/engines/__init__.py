"""The engines on the board, which execute models: "aot", compiled; "tflm", TensorFlow Lite Micro's interpreter."""

from tinynas.hil.engines.prepare import EngineName, Prepared, prepared, used_arena_bytes
from tinynas.hil.engines.public import check_model_id, public_defines
from tinynas.hil.engines.tflm import TflmLibrary, tflm_model

__all__ = [
    "EngineName",
    "Prepared",
    "TflmLibrary",
    "check_model_id",
    "prepared",
    "public_defines",
    "tflm_model",
    "used_arena_bytes",
]
