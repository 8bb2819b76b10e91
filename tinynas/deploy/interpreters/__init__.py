"""Official interpreters of .tflite models on the host, in a process of their own."""

from tinynas.deploy.interpreters.interpreter import HostArena, LitertInterpreter, TflmInterpreter, require_tflm

__all__ = ["HostArena", "LitertInterpreter", "TflmInterpreter", "require_tflm"]
