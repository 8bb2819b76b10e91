"""Reading and writing .tflite files: what is written is read again, and nothing that is read does harm."""

import tracemalloc
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.cost import lower
from tinynas.deploy import (
    Graph,
    LitertInterpreter,
    Op,
    Quantization,
    Tensor,
    TflmInterpreter,
    arena_head_bytes,
    compile_model,
    pack,
    read_graph,
)
from tinynas.errors import ConversionError, UnsupportedOp
from tinynas.network import TCN

from .candidates import architectures, converted, filled

SMALL = TCN(filters=2, kernel_size=2, dilations=(1, 3), window=12, channels=3, skip_connections=True)
MODEL = pack(filled(lower(SMALL)))


def assert_same(a: Graph, b: Graph):
    assert a.same_structure(b)
    assert [op.options for op in a.ops] == [op.options for op in b.ops]
    for s, t in zip(a.tensors, b.tensors, strict=True):
        assert s.quantization == t.quantization
        assert s.name == t.name
        assert (s.data is None) == (t.data is None)
        assert s.data is None or np.array_equal(s.data, t.data)


@given(architectures(), st.sampled_from(["int8", "float32"]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_what_is_packed_is_read_again(architecture, dtype, seed):
    graph = read_graph(pack(filled(lower(architecture, dtype), seed)))
    assert_same(read_graph(pack(graph)), graph)
    assert pack(graph) == pack(read_graph(pack(graph)))
    predicted = filled(lower(architecture, dtype), seed)
    assert graph.same_structure(predicted)
    for read, known in zip(graph.tensors, predicted.tensors, strict=True):
        assert read.quantization == known.quantization
        assert known.data is None or np.array_equal(read.data, known.data)


@given(architectures(), st.sampled_from(["int8", "float32"]))
@settings(max_examples=30, deadline=None)
def test_constants_lie_on_sixteen_byte_boundaries(architecture, dtype):
    model = pack(filled(lower(architecture, dtype)))
    base = np.frombuffer(model, np.uint8).ctypes.data
    offsets = [t.data.ctypes.data - base for t in read_graph(model).tensors if t.constant]
    assert offsets
    assert all(0 < o < len(model) and o % 16 == 0 for o in offsets)
    assert len(model) % 16 == 0


@given(architectures())
@settings(max_examples=15, deadline=None)
def test_both_runtimes_accept_what_is_packed(architecture):
    model = pack(filled(lower(architecture)))
    LitertInterpreter(model)
    TflmInterpreter(model)


def test_the_file_says_what_it_is():
    assert MODEL[4:8] == b"TFL3"


def test_names_survive_and_cost_nothing_when_absent():
    graph = filled(lower(SMALL))
    named = replace(graph, tensors=tuple(replace(t, name=f"tensor {i} \u00e9") for i, t in enumerate(graph.tensors)))
    assert [t.name for t in read_graph(pack(named)).tensors] == [t.name for t in named.tensors]
    assert len(pack(named)) > len(pack(graph)) + 20 * len(graph.tensors)


def test_foreign_models_shrink_and_keep_their_outputs(anchors):
    for name, (_, model) in anchors.items():
        graph = read_graph(model)
        packed = pack(graph)
        assert_same(read_graph(packed), graph)
        assert len(packed) < len(model)
        shape = graph.tensors[graph.inputs[0]].shape[1:]
        inputs = np.random.default_rng(0).integers(-128, 128, (3, *shape)).astype(np.int8)
        assert np.array_equal(TflmInterpreter(packed).run(inputs), TflmInterpreter(model).run(inputs)), name


def test_options_that_are_lists_are_kept():
    reshape = Op("RESHAPE", (0,), (1,), {"newShape": (1, 6)}, "ReshapeOptions")
    graph = Graph((Tensor((1, 2, 3), "float32"), Tensor((1, 6), "float32")), (reshape,), (0,), (1,))
    model = pack(graph)
    assert read_graph(model).ops[0].options["newShape"] == (1, 6)
    assert pack(read_graph(model)) == model


def test_a_scale_without_a_zero_point_is_none():
    """TFLM takes such a tensor for one that is not quantised."""
    tensors = tuple(Tensor((1, 4), "int8", quantization=Quantization((0.5,), ())) for _ in range(2))
    model = pack(Graph(tensors, (Op("RELU", (0,), (1,)),), (0,), (1,)))
    assert read_graph(model).tensors[0].quantization is None
    with pytest.raises(UnsupportedOp, match="an int8 tensor with one scale is expected"):
        compile_model(model)


def test_operator_codes_above_a_byte():
    graph = Graph((Tensor((1, 4), "float32"),) * 2, (Op("GELU", (0,), (1,), {}, "GeluOptions"),), (0,), (1,))
    assert read_graph(pack(graph)).ops[0].kind == "GELU"


def test_a_predicted_graph_cannot_be_written():
    with pytest.raises(ConversionError, match="not known"):
        pack(lower(SMALL))


def test_custom_operators_cannot_be_written():
    with pytest.raises(ConversionError, match="custom"):
        pack(Graph((Tensor((1,), "int8"),) * 2, (Op("CUSTOM", (0,), (1,)),), (0,), (1,)))


# Malformed input: only ConversionError, in little time and memory.


def harmless(data: bytes) -> bool | None:
    """True if the bytes are read, None if they are refused, False if that is done without naming the file.

    What is read has to be fit for use.
    """
    try:
        graph = read_graph(data, where="f.tflite")
    except ConversionError as e:
        return str(e).startswith("f.tflite: ") and None
    arena_head_bytes(graph)
    assert graph.macs >= 0
    assert graph.weights_bytes >= 0
    return True


def test_a_sound_model_is_read():
    assert harmless(MODEL)


@pytest.mark.slow
def test_cut_short_at_any_length():
    assert all(harmless(MODEL[:n]) is None for n in range(len(MODEL) - 16))


@pytest.mark.parametrize(
    "data", [b"", b"TFL3", b"\0" * 7, b"\0" * 64, b"PK\x03\x04" + b"x" * 99, b"\0\0\0\0TFL3", MODEL[1:]]
)
def test_no_model_at_all(data):
    assert harmless(data) is None


@given(st.lists(st.tuples(st.integers(8, len(MODEL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=400)
def test_flipped_bytes(flips):
    data = bytearray(MODEL)
    for position, value in flips:
        data[position] = value
    assert harmless(bytes(data)) is not False


@given(st.integers(0, len(MODEL) // 4 - 1), st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]))
@settings(max_examples=300)
def test_extreme_words(word, value):
    data = bytearray(MODEL)
    data[4 * word : 4 * word + 4] = value.to_bytes(4, "little")
    assert harmless(bytes(data)) is not False


@given(st.binary(max_size=300))
def test_random_bytes_behind_the_identifier(data):
    assert harmless(b"\x10\0\0\0TFL3" + data) is not False


def rewritten(change) -> bytes:
    """MODEL with a change made to the schema's own objects."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(MODEL, 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _two_subgraphs(m):
    m.subgraphs = m.subgraphs * 2


def _no_operators(m):
    m.subgraphs[0].operators = []


def _no_outputs(m):
    m.subgraphs[0].outputs = []


def _stray_operand(m):
    m.subgraphs[0].operators[0].inputs = [0, 10_000]


def _negative_output(m):
    m.subgraphs[0].operators[0].outputs = [-1]


def _negative_dimension(m):
    m.subgraphs[0].tensors[0].shape = [-1, 12, 3]


def _free_type(m):
    m.subgraphs[0].tensors[0].type = 5  # STRING


def _missing_weights(m):
    next(o for o in m.subgraphs[0].operators if len(o.inputs) == 3).inputs = [0]


def _slice_without_bounds(m):
    strided = next(o for o in m.subgraphs[0].operators if len(o.inputs) == 4)
    strided.inputs = [strided.inputs[0], -1, -1, -1]


def _integers_without_a_scale(m):
    convolution = next(o for o in m.subgraphs[0].operators if len(o.inputs) == 3)
    m.subgraphs[0].tensors[convolution.outputs[0]].quantization = None


def _flat_weights(m):
    weights = next(o for o in m.subgraphs[0].operators if len(o.inputs) == 3).inputs[1]
    m.subgraphs[0].tensors[weights].shape = [int(np.prod(m.subgraphs[0].tensors[weights].shape))]


def _constant_of_another_size(m):
    next(t for t in m.subgraphs[0].tensors if m.buffers[t.buffer].data is not None).shape = [1, 2, 3, 5]


def _scale_that_is_no_number(m):
    m.subgraphs[0].tensors[0].quantization.scale = [float("nan")]


def _zero_points_of_another_number(m):
    m.subgraphs[0].tensors[0].quantization.zeroPoint = [1, 2, 3]


@pytest.mark.parametrize(
    "change", [v for k, v in sorted(globals().items()) if k.startswith("_") and callable(v) and k != "_"]
)
def test_models_that_contradict_themselves(change):
    with pytest.raises(ConversionError):
        read_graph(rewritten(change))


def test_an_unchanged_model_passes_the_same_way():
    assert_same(read_graph(rewritten(lambda m: None)), read_graph(MODEL))


def test_memory_is_bounded_by_the_file():
    """Thousands of tensors on one large buffer: a copy each would be 2 GB."""
    from ai_edge_litert.schema_py_generated import BufferT, TensorT, TensorType

    def share(m):
        m.buffers.append(BufferT(data=np.zeros(1 << 20, np.uint8)))
        tensor = TensorT(shape=[1 << 20], type=TensorType.INT8, buffer=len(m.buffers) - 1)
        m.subgraphs[0].tensors += [tensor] * 2000

    data = rewritten(share)
    tracemalloc.start()
    try:
        assert harmless(data)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(data)
    finally:
        tracemalloc.stop()


def test_a_converted_model_is_read_as_it_was_written():
    model = converted(SMALL)
    assert pack(read_graph(model)) == model


def test_several_subgraphs_are_refused_by_the_operator_that_runs_another():
    schema = schema_py_generated
    parsed = schema.ModelT.InitFromPackedBuf(MODEL, 0)
    parsed.subgraphs.append(parsed.subgraphs[0])
    with pytest.raises(UnsupportedOp, match="2 subgraphs"):
        read_graph(packed(parsed))
    parsed.operatorCodes.append(schema.OperatorCodeT())
    parsed.operatorCodes[-1].builtinCode = schema.BuiltinOperator.CALL_ONCE
    parsed.operatorCodes[-1].deprecatedBuiltinCode = 127
    call = schema.OperatorT()
    call.opcodeIndex = len(parsed.operatorCodes) - 1
    call.builtinOptionsType, call.builtinOptions = schema.BuiltinOptions.CallOnceOptions, schema.CallOnceOptionsT()
    parsed.subgraphs[0].operators.insert(0, call)
    with pytest.raises(UnsupportedOp, match=r"operator 0 \(CALL_ONCE\): it keeps a state in variables"):
        read_graph(packed(parsed))


def test_names_are_harmless_on_a_terminal():
    parsed = schema_py_generated.ModelT.InitFromPackedBuf(MODEL, 0)
    parsed.subgraphs[0].tensors[0].name = "\x1b[2Jred\n\u202e\u00e9"
    assert read_graph(packed(parsed)).tensors[0].name == "\ufffd[2Jred\ufffd\ufffd\u00e9"


def test_what_the_file_leaves_open_and_what_it_keeps_is_read():
    parsed = schema_py_generated.ModelT.InitFromPackedBuf(MODEL, 0)
    tensors = parsed.subgraphs[0].tensors
    tensors[0].shapeSignature = np.array([-1, *tensors[0].shape[1:]], np.int32)
    tensors[1].isVariable = True
    graph = read_graph(packed(parsed))
    assert [t.open for t in graph.tensors[:2]] == [True, False]
    assert [t.variable for t in graph.tensors[:2]] == [False, True]
    assert graph.open
    assert not read_graph(MODEL).open


def packed(parsed):
    builder = flatbuffers.Builder(1024)
    builder.Finish(parsed.Pack(builder), b"TFL3")
    return bytes(builder.Output())
