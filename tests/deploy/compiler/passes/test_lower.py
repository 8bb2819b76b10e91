"""From a graph to the compiler's own form: what becomes another way of reading, what is fused, what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.deploy._building import RELU, Model
from tests.deploy._models import BUILDERS
from tinynas.deploy import Graph, Op, compile_model, pack, read_graph
from tinynas.deploy.compiler import SUPPORTED
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.program.work import Binary, Copy, Depthwise, Lookup, Matrix
from tinynas.errors import ConversionError, UnsupportedOp

PROMISED = [
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "ADD",
    "MUL",
    "PAD",
    "STRIDED_SLICE",
    "RESHAPE",
    "EXPAND_DIMS",
    "SQUEEZE",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "MEAN",
    "CONCATENATION",
    "RELU",
    "RELU6",
    "QUANTIZE",
    "DEQUANTIZE",
    "SPACE_TO_BATCH_ND",
    "BATCH_TO_SPACE_ND",
    "SOFTMAX",
    "LOGISTIC",
    "TANH",
]


def stored(name):
    return (Path(__file__).parents[1] / "models" / f"{name}.tflite").read_bytes()


def program(model):
    return lower(read_graph(model))[0]


def built(build):
    m = Model(np.random.default_rng(0))
    return m.pack(build(m))


def kinds(model):
    return [op.kind for op in program(model).operators]


def test_what_is_promised_is_there():
    assert set(PROMISED) <= set(SUPPORTED)


def test_each_supported_operator_is_in_a_model_that_tflm_referees():
    covered = {op.kind for build in BUILDERS.values() for op in read_graph(build(np.random.default_rng(0))).ops}
    assert covered == set(SUPPORTED)


class TestRewrites:
    def test_padding_along_time_is_part_of_the_convolution(self):
        model = built(
            lambda m: m.conv(m.pad(m.input(1, 1, 20, 3), [(0, 0), (0, 0), (4, 1), (0, 0)]), 5, (1, 3), same=False)
        )
        [conv] = program(model).operators
        [access] = conv.inputs
        assert (access.value, access.base, access.taps, access.low, access.high) == (0, -4, 3, 0, 20)

    def test_two_paddings_are_one(self):
        def build(m):
            x = m.pad(m.input(1, 1, 20, 3), [(0, 0), (0, 0), (4, 0), (0, 0)])
            return m.conv(m.pad(x, [(0, 0), (0, 0), (2, 3), (0, 0)]), 5, (1, 3), same=False)

        [conv] = program(built(build)).operators
        assert conv.inputs[0].base == -6

    def test_slices_of_time_are_another_way_of_reading(self):
        def build(m):
            x = m.strided_slice(m.input(1, 1, 30, 3), (0, 0, 5, 0), (1, 1, 29, 3), (1, 1, 2, 1))
            return m.conv(x, 5, (1, 3), same=False)

        [conv] = program(built(build)).operators
        assert (conv.inputs[0].base, conv.inputs[0].stride, conv.inputs[0].dilation) == (5, 2, 2)

    @pytest.mark.parametrize("name", ["space_to_batch_3d", "space_to_batch_4d_causal", "space_to_batch_3d_causal"])
    def test_blocks_around_a_convolution_dilate_it(self, name):
        model = BUILDERS[name](np.random.default_rng(0))
        [conv] = program(model).operators
        blocks = next(op for op in read_graph(model).ops if op.kind == "SPACE_TO_BATCH_ND")
        dilation = read_graph(model).tensors[blocks.inputs[1]].data.max()
        assert isinstance(conv.work, Matrix)
        assert conv.inputs[0].dilation == dilation > 1

    def test_blocks_that_do_not_lead_back_are_copies(self):
        def build(m):
            x = m.space_to_batch(m.input(1, 1, 20, 3), (1, 2), [(0, 0), (0, 0)])
            x = m.unary("RELU", x)
            return m.batch_to_space(x, (1, 2), [(0, 0), (0, 0)])

        assert [type(op.work) for op in program(built(build)).operators].count(Copy) == 2

    def test_reshapes_leave_nothing(self):
        def build(m):
            x = m.expand_dims(m.input(1, 12, 3), 1)
            return m.reshape(m.squeeze(m.conv(x, 2, (1, 3)), 1), 1, 24)

        assert kinds(built(build)) == ["CONV_2D"]

    @pytest.mark.parametrize("maker", ["conv", "add", "relu"])
    def test_a_clamp_becomes_part_of_what_makes_its_input(self, maker):
        def build(m):
            x = m.input(1, 6, 6, 3)
            y = {
                "conv": lambda: m.conv(x, 4, (3, 3)),
                "add": lambda: m.arithmetic("ADD", x, x),
                "relu": lambda: m.unary("TANH", x, (1 / 128, 0)),
            }[maker]()
            return m.unary("RELU", y, m.affine(y))

        [one] = program(built(build)).operators
        low = {
            Matrix: lambda w: w.requantization.low,
            Binary: lambda w: w.parameters.low,
            Lookup: lambda w: min(w.table),
        }
        graph = read_graph(built(build))
        assert low[type(one.work)](one.work) == graph.tensors[graph.outputs[0]].quantization.zero_point[0]

    def test_a_clamp_of_what_others_read_too_is_an_operator(self):
        def build(m):
            y = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
            return m.arithmetic("ADD", y, m.unary("RELU", y, m.affine(y)))

        assert kinds(built(build)) == ["CONV_2D", "RELU", "ADD"]

    def test_float_edges_vanish(self):
        model = BUILDERS["float_edges"](np.random.default_rng(0))
        assert kinds(model) == ["CONV_2D", "FULLY_CONNECTED"]

    def test_a_depthwise_convolution_of_one_output_a_channel_stays_one(self):
        works = [program(BUILDERS[n](np.random.default_rng(0))).operators[0].work for n in
                 ("depthwise_same", "depthwise_multiplier")]  # fmt: skip
        assert [type(w) for w in works] == [Depthwise, Matrix]


class TestRefusals:
    @pytest.mark.parametrize("kind", ["GELU", "TRANSPOSE_CONV", "SHAPE", "CUMSUM"])
    def test_an_operator_that_is_not_compiled(self, kind):
        m = Model(np.random.default_rng(0))
        x = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
        out = m.output(m.shape(x), 1.0)
        model = m.pack(m.op(kind, [x], out))
        with pytest.raises(UnsupportedOp, match=rf"operator 1 \({kind}\), tensor {out} \(1, 6, 6, 4\)"):
            lower(read_graph(model))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda t: replace(t, dtype="int16"), "int8 tensor"),
            (lambda t: replace(t, quantization=replace(t.quantization, zero_point=(200,))), "zero point of 200"),
            (lambda t: replace(t, quantization=replace(t.quantization, scale=(0.0,))), "one scale"),
            (
                lambda t: replace(t, quantization=replace(t.quantization, scale=(0.1, 0.2), zero_point=(0, 0))),
                "one scale",
            ),
            (lambda t: replace(t, shape=(1, 7, 6, 4)), "window"),
            (lambda t: replace(t, shape=(1, 6, 6, 5)), "shape"),
        ],
    )
    def test_an_output_that_does_not_fit(self, change, said):
        m = Model(np.random.default_rng(0))
        y = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
        m.tensors[y] = change(m.tensors[y])
        with pytest.raises(UnsupportedOp, match=said) as caught:
            lower(read_graph(m.pack(y)))
        assert "operator 0 (CONV_2D)" in str(caught.value)

    def test_weights_that_are_computed(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4)
        y = m.dense(x, 4)
        op = m.ops[0]
        m.ops[0] = replace(op, inputs=(x, x, op.inputs[2]))
        m.tensors[x] = replace(m.tensors[x], shape=(4, 4))
        with pytest.raises(UnsupportedOp, match=r"operator 0 \(FULLY_CONNECTED\).*constant"):
            lower(read_graph(m.pack(y)))

    @pytest.mark.parametrize(("name", "number"), [("depth_multiplier", -1), ("depth_multiplier_2", 65535)])
    def test_a_depth_multiplier_that_contradicts_the_shapes(self, name, number):
        """TFLM goes by the number, others by the shapes: their outputs differ."""
        with pytest.raises(UnsupportedOp, match=rf"operator 0 \(DEPTHWISE_CONV_2D\).*Multiplier of {number} contra"):
            lower(read_graph(stored(name)))

    @pytest.mark.parametrize(("name", "axis"), [("MEAN", 258), ("MEAN", -5), ("CONCATENATION", 4)])
    def test_an_axis_that_is_not_there(self, name, axis):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 6, 4, 2)
        if name == "MEAN":
            y = m.mean(x, (1, 2))
            at = m.ops[-1].inputs[1]
            m.tensors[at] = replace(m.tensors[at], data=np.array([1, axis], np.int32))
        else:
            y = m.concatenation([x, x], 3)
            m.ops[-1] = replace(m.ops[-1], options={**m.ops[-1].options, "axis": axis})
        with pytest.raises(UnsupportedOp, match=f"axis {axis} of 4"):
            lower(read_graph(m.pack(y)))

    def test_options_of_another_operator(self):
        m = Model(np.random.default_rng(0))
        graph = read_graph(m.pack(m.conv(m.input(1, 6, 6, 3), 4, (3, 3))))
        wrong = replace(graph.ops[0], options_table="DepthwiseConv2DOptions")
        with pytest.raises(ConversionError, match="DepthwiseConv2DOptions where Conv2DOptions belong"):
            lower(replace(graph, ops=(wrong,)))

    @pytest.mark.parametrize("field", ["dilationWFactor", "dilationHFactor"])
    def test_a_dilation_that_tflm_would_cut_to_sixteen_bits(self, field):
        m = Model(np.random.default_rng(0))
        graph = read_graph(m.pack(m.conv(m.input(1, 6, 6, 3), 4, (3, 3))))
        wide = replace(graph.ops[0], options={**graph.ops[0].options, field: 65536})
        with pytest.raises(UnsupportedOp, match="at most 32767"):
            lower(replace(graph, ops=(wide,)))

    def test_an_operator_that_writes_a_constant(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4, 2)
        y = m.arithmetic("ADD", x, x)
        m.tensors[y] = replace(m.tensors[y], constant=True, data=np.zeros((1, 4, 2), np.int8))
        with pytest.raises(ConversionError, match=r"operator 0 \(ADD\) writes tensor 1, a constant"):
            read_graph(m.pack(y))

    def test_an_operator_that_writes_what_another_has_written(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4, 2)
        y = m.arithmetic("ADD", x, x)
        m.ops.append(m.ops[0])
        with pytest.raises(ConversionError, match=r"operator 1 \(ADD\) writes tensor 1, what is there already"):
            read_graph(m.pack(y))

    def test_an_operator_in_real_numbers_is_named_and_not_what_leads_to_it(self):
        with pytest.raises(UnsupportedOp, match=r"operator 2 \(ELU\), tensor 5 \(1, 8, 8, 4\)"):
            lower(read_graph(stored("elu")))

    def test_an_operator_that_keeps_a_state_is_named(self):
        lstm = Path(__file__).parents[2] / "interpreters" / "models" / "lstm.tflite"
        with pytest.raises(
            UnsupportedOp, match=r"operator 0 \(UNIDIRECTIONAL_SEQUENCE_LSTM\).*keeps a state"
        ) as caught:
            lower(read_graph(lstm.read_bytes()))
        assert "--engine" not in caught.value.advice  # it is refused there, too

    def test_a_custom_operator_is_called_by_its_name(self):
        m = Model(np.random.default_rng(0))
        x = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
        out = m.output(m.shape(x), 1.0)
        graph = read_graph(m.pack(m.op("GELU", [x], out)))
        ops = (graph.ops[0], replace(graph.ops[1], kind="CUSTOM", custom="MaxUnpool2D"))
        with pytest.raises(UnsupportedOp, match=r"operator 1 \(CUSTOM MaxUnpool2D\), tensor"):
            lower(replace(graph, ops=ops))

    def test_the_way_out_is_an_option_of_measure(self):
        m = Model(np.random.default_rng(0))
        x = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
        model = m.pack(m.op("HARD_SWISH", [x], m.output(m.shape(x), 1.0)))
        with pytest.raises(UnsupportedOp) as caught:
            lower(read_graph(model))
        assert "`tinynas measure --engine tflm`" in caught.value.advice
        assert "--mode" not in str(caught.value)

    def test_two_inputs(self):
        m = Model(np.random.default_rng(0))
        x, y = m.input(1, 4, 2), m.input(1, 4, 2)
        with pytest.raises(ConversionError, match=r"2 inputs: tensor 0 .* \(1, 4, 2\), tensor 1"):
            lower(read_graph(m.pack(m.arithmetic("ADD", x, y))))

    def test_two_outputs(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4, 2)
        with pytest.raises(ConversionError, match=r"2 outputs: tensor 1 "):
            lower(read_graph(m.pack(m.unary("RELU", x), m.unary("RELU", x))))

    def test_a_float_model(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4, 2, dtype="float32")
        with pytest.raises(ConversionError):
            lower(read_graph(m.pack(m.op("RELU", [x], m.tensor((1, 4, 2), None, 1.0, "float32")))))

    @pytest.mark.parametrize("kind", ["ADD", "MUL"])
    def test_scales_that_are_absurdly_far_apart(self, kind):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 4, 2)
        y = m.arithmetic(kind, x, x)
        scale = m.tensors[y].quantization
        m.tensors[y] = replace(m.tensors[y], quantization=replace(scale, scale=(1e-30,)))
        with pytest.raises(UnsupportedOp, match="absurdly"):
            lower(read_graph(m.pack(y)))

    def test_shapes_of_a_concatenation_that_differ_elsewhere(self):
        m = Model(np.random.default_rng(0))
        x = m.input(1, 6, 4, 2)
        y = m.concatenation([x, x], 3)
        small = m.strided_slice(x, (0, 0, 0, 0), (1, 3, 4, 2))
        m.ops = [m.ops[1], replace(m.ops[0], inputs=(x, small))]
        with pytest.raises(UnsupportedOp, match="add up"):
            lower(read_graph(m.pack(y)))


def test_operators_that_nothing_reads_are_no_harm():
    m = Model(np.random.default_rng(0))
    x = m.input(1, 6, 6, 3)
    m.conv(x, 9, (3, 3), activation=RELU)
    model = m.pack(m.unary("RELU", x))
    assert compile_model(model).macs == 0


def test_the_models_input_may_be_its_output():
    tensors = read_graph(built(lambda m: m.unary("RELU", m.input(1, 4, 2)))).tensors
    graph = Graph(tensors, (Op("RELU", (0,), (1,)),), (0,), (0,))
    assert [op.kind for op in program(pack(graph)).operators][-1] == "COPY"
