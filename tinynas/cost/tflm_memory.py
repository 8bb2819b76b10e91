"""TensorFlow Lite Micro's arena: the activations' plan at its head, the interpreter's own records at its tail.

The head is the greedy plan (`deploy.planner`), the same on host and device. The tail holds one record per tensor and
operator, the operators' parsed options and kernel data, and per-channel multipliers and shifts of convolutions. Its
records are full of pointers, so a 64-bit host needs 1.6 to 1.8 times the tail of a 32-bit device; the official
interpreter's figure on the host is an upper bound of the board's, 6 to 16 % above it for whole arenas.

Structure sizes follow TFLM's sources (micro_allocator, micro_common and the kernels' op data); the constant rest is
fitted to six models measured on a Cortex-M4, which the sum then meets within 20 bytes.
"""

from __future__ import annotations

from tinynas.deploy import Buffer, Graph, arena_head_bytes

__all__ = ["arena_bytes", "persistent_bytes", "scratch_buffers"]

_ALIGNMENT = 16
#: Parsed options (TfLite*Params), independent of the pointer's width.
_OPTIONS_BYTES = {
    **{"CONV_2D": 28, "DEPTHWISE_CONV_2D": 28, "ADD": 8, "FULLY_CONNECTED": 16},
    **{"STRIDED_SLICE": 24, "RESHAPE": 36, "MEAN": 1, "SUB": 8, "MUL": 4, "LOGISTIC": 0},
}
#: Kernel data (OpData*), 32-bit and 64-bit; 0: the kernel keeps none.
_KERNEL_BYTES = {
    "CONV_2D": (60, 72),
    "DEPTHWISE_CONV_2D": (60, 72),
    "ADD": (60, 60),
    "SUB": (60, 60),
    "MUL": (36, 36),
    "LOGISTIC": (16, 16),
    "FULLY_CONNECTED": (48, 64),
    "STRIDED_SLICE": (88, 88),
    "PAD": (56, 56),
    "MEAN": (48, 48),
    "RESHAPE": (0, 0),
}
_UNKNOWN_KERNEL_BYTES = (64, 64)
#: Allocator, planner, interpreter records, the input and the output tensor (fitted).
_FIXED_BYTES = {4: 260, 8: 800}
#: Larger kernel data and the list of scratch buffers with CMSIS-NN (fitted), beside a handle for every buffer.
_CMSIS_NN_BYTES = 36


def persistent_bytes(graph: Graph, *, cmsis_nn: bool = False, pointer_bytes: int = 4) -> int:
    """The arena's tail.

    Args:
        graph: The model, parsed or predicted.
        cmsis_nn: Whether the CMSIS-NN kernels run (they register scratch buffers).
        pointer_bytes: 4 on the device, 8 on the host.

    Returns:
        Bytes; 0 to 20 above what was measured on a Cortex-M4, 0 to 96 (float32: 192) above what a 64-bit host reports.
    """
    wide = pointer_bytes == 8
    used = 3 * pointer_bytes * len(graph.tensors) + 8 * pointer_bytes * len(graph.ops)
    used += sum((_OPTIONS_BYTES.get(op.kind, 4) + 3) // 4 * 4 for op in graph.ops)
    for op in graph.ops:
        kernel = _KERNEL_BYTES.get(op.kind, _UNKNOWN_KERNEL_BYTES)[wide]
        if kernel:
            used = _allocate(used, kernel)
    for op in graph.ops:
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):  # allocated for floats, too, though unused there
            weights = graph.tensors[op.inputs[1]].shape
            channels = weights[0] if op.kind == "CONV_2D" else weights[-1]
            used = _allocate(_allocate(used, 4 * channels), 4 * channels)
    if cmsis_nn:
        used += _CMSIS_NN_BYTES + pointer_bytes * len(scratch_buffers(graph))
    return used + _FIXED_BYTES[pointer_bytes]


def _allocate(used: int, size: int) -> int:
    return (used + size + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT


def scratch_buffers(graph: Graph) -> list[Buffer]:
    """CMSIS-NN's scratch buffers.

    An int8 convolution unrolls two columns of its input to int16, 4 k C bytes; a 1x1 convolution does not. A depthwise
    one unrolls one column, 2 k C bytes; one with a dilation does not.

    Source: arm_convolve_s8_get_buffer_size, arm_convolve_1x1_s8_fast_get_buffer_size and
    arm_depthwise_conv_wrapper_s8_get_buffer_size of CMSIS-NN for cores with DSP.
    """
    buffers: list[Buffer] = []
    for index, op in enumerate(graph.ops):
        if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or graph.tensors[op.inputs[1]].dtype != "int8":
            continue
        _, height, width, channels = graph.tensors[op.inputs[1]].shape
        dilated = any(op.options.get(f"dilation{axis}Factor", 1) > 1 for axis in "HW")
        if op.kind == "CONV_2D" and height * width > 1:
            buffers.append((4 * height * width * channels, index, index))
        elif op.kind == "DEPTHWISE_CONV_2D" and not dilated and channels == graph.tensors[op.inputs[0]].shape[-1]:
            buffers.append((2 * height * width * channels, index, index))
    return buffers


def arena_bytes(graph: Graph, *, cmsis_nn: bool = False, pointer_bytes: int = 4) -> int:
    """The whole arena: head and tail.

    Example:
        >>> from tinynas.cost import lower
        >>> from tinynas.network import TCN
        >>> graph = lower(TCN(filters=16, kernel_size=5, dilations=(1, 2, 4, 8), window=200, channels=6))
        >>> 6000 < arena_bytes(graph) < arena_bytes(graph, pointer_bytes=8)
        True
    """
    head = arena_head_bytes(graph, scratch_buffers(graph) if cmsis_nn else ())
    return head + persistent_bytes(graph, cmsis_nn=cmsis_nn, pointer_bytes=pointer_bytes)
