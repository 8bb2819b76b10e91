"""Ahead-of-time compiler: an int8 .tflite model to plain C with a static memory plan."""

from tinynas.deploy.compiler.compile import CompiledModel, compile_model
from tinynas.deploy.compiler.passes.lower import SUPPORTED

__all__ = ["SUPPORTED", "CompiledModel", "compile_model"]
