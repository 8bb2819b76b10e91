"""Network -> something a board can run: .tflite models, their graphs and their memory plans."""

from tinynas.deploy.compiler import CompiledModel, compile_model
from tinynas.deploy.flatbuffer import pack, read_graph
from tinynas.deploy.graph import Graph, Op, Quantization, Tensor
from tinynas.deploy.inference import dequantize, infer, quantize, verified
from tinynas.deploy.planner import arena_head_bytes, lifetimes, place
from tinynas.deploy.tflite import Precision, arrange, convert

__all__ = [
    "CompiledModel",
    "Graph",
    "Op",
    "Precision",
    "Quantization",
    "Tensor",
    "arena_head_bytes",
    "arrange",
    "compile_model",
    "convert",
    "dequantize",
    "infer",
    "lifetimes",
    "pack",
    "place",
    "quantize",
    "read_graph",
    "verified",
]
