"""Conversion: the predicted operators, in the predicted order, with the values and ranges of the network."""

import subprocess
import sys
from dataclasses import replace
from time import process_time

import numpy as np
import pytest

from tinynas.cost import lower
from tinynas.deploy import Graph, TflmInterpreter, arrange, convert, dequantize, infer, quantize, read_graph
from tinynas.errors import ConversionError
from tinynas.network import TCN, fold, forward, inference_function, initial_weights, plan

from .candidates import CALIBRATION_WINDOWS, candidates, converted, network_weights, random_windows

#: What the official runtime of the anchors registers, less MEAN.
TFLM_OPS = {"CONV_2D", "FULLY_CONNECTED", "ADD", "PAD", "STRIDED_SLICE", "RESHAPE"}
NETWORKS = candidates(18)
SHORT = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)
EDGES = [
    TCN(filters=1, kernel_size=1, dilations=(1,), window=1, channels=1, outputs=1),
    TCN(filters=3, kernel_size=4, dilations=(6,), window=50, channels=3, skip_connections=True),
    TCN(filters=5, kernel_size=3, dilations=(7, 5, 3), window=40, channels=6),
    TCN(filters=5, kernel_size=3, dilations=(6, 4, 9), window=150, channels=5, skip_connections=True),
    TCN(filters=4, kernel_size=15, dilations=(1, 2, 4, 8, 16, 32, 64, 128, 256), window=33, channels=9, outputs=3),
    TCN(filters=8, kernel_size=2, dilations=(4, 4, 4), window=64, channels=6, norm="batch"),
]


def float_outputs(architecture, windows):
    import tensorflow as tf

    weights = fold(architecture, network_weights(architecture))
    return forward(plan(architecture), weights, tf.constant(windows)).numpy()


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("architecture", [*NETWORKS[:8], *EDGES], ids=lambda a: getattr(a, "key", a))
def test_a_converted_model_is_the_predicted_one(architecture, precision):
    graph, predicted = read_graph(converted(architecture, precision)), lower(architecture, precision)
    assert graph.same_structure(predicted)
    assert {op.kind for op in graph.ops} <= TFLM_OPS
    for op, wanted in zip(graph.ops, predicted.ops, strict=True):
        assert {k: op.options[k] for k in wanted.options} == dict(wanted.options)
    assert (graph.tensors[graph.inputs[0]].dtype, graph.tensors[graph.outputs[0]].dtype) == (precision, precision)
    assert not any(t.name for t in graph.tensors)


@pytest.mark.parametrize("architecture", EDGES[:4], ids=lambda a: a.key)
def test_float_models_compute_the_network(architecture):
    windows = random_windows(architecture, 9, seed=4)
    wanted = float_outputs(architecture, windows)
    assert np.allclose(infer(converted(architecture, "float32"), windows), wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.slow
def test_int8_models_approximate_the_network():
    for architecture in NETWORKS[:6]:
        windows = random_windows(architecture, CALIBRATION_WINDOWS)  # the ones the ranges come from
        wanted = float_outputs(architecture, windows)
        error = np.abs(infer(converted(architecture), windows) - wanted).max()
        assert error < 0.12 * np.ptp(wanted) + 0.02 * np.abs(wanted).max(), architecture.key


def steps_from_tflm(architecture, count, **options):
    model = converted(architecture)
    graph = read_graph(model)
    windows = random_windows(architecture, count, seed=9)
    official = TflmInterpreter(model).run(quantize(windows, graph.tensors[graph.inputs[0]]))
    ours = quantize(infer(model, windows, **options), graph.tensors[graph.outputs[0]])
    return np.abs(official.astype(int) - ours.astype(int)).ravel()


@pytest.mark.slow
def test_litert_s_reference_kernels_are_within_one_step_of_tflm_and_mostly_equal():
    steps = np.concatenate([steps_from_tflm(a, 10, reference=True) for a in NETWORKS])
    assert steps.max() <= 1
    assert (steps == 0).mean() > 0.98


@pytest.mark.slow
def test_litert_s_optimised_kernels_are_seldom_off():
    steps = np.concatenate([steps_from_tflm(a, 40) for a in NETWORKS])
    assert steps.max() <= 3
    assert (steps == 0).mean() > 0.95


def test_a_conversion_takes_less_than_a_cpu_second():
    converted(NETWORKS[0])  # TensorFlow is loaded and warm
    seconds = []
    for architecture in candidates(6, seed=77):
        function = inference_function(architecture, network_weights(architecture))
        windows = random_windows(architecture, 20)
        start = process_time()
        convert(function, lower(architecture), windows)
        seconds.append(process_time() - start)
    assert sorted(seconds)[len(seconds) // 2] < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [NETWORKS[2], NETWORKS[4], *EDGES[2:4]], ids=lambda a: a.key)
def test_no_weights_change_the_operators(architecture):
    """Fresh, trained and half-dead networks cost the same."""
    rng = np.random.default_rng(0)
    fresh = initial_weights(architecture, rng)
    dead = {name: value - 50.0 if name.endswith("conv1/bias") else value for name, value in fresh.items()}
    zero = {name: np.zeros_like(value) if "block0/conv2/kernel" in name else value for name, value in fresh.items()}
    windows = random_windows(architecture, 4)
    for weights in (fresh, dead, zero):
        model = convert(inference_function(architecture, weights), lower(architecture), windows)
        assert read_graph(model).same_structure(read_graph(converted(architecture)))
        assert len(model) <= 1.01 * len(converted(architecture)) + 32


def activations(model, graph, windows):
    """Least and greatest value of every tensor that a float model computes, zero included as quantisation does."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    ranges = {}
    for window in windows:
        interpreter.set_tensor(graph.inputs[0], window[None])
        interpreter.invoke()
        for tensor in {t for op in graph.ops for t in op.outputs}:
            value = interpreter.get_tensor(tensor)
            low, high = ranges.get(tensor, (0.0, 0.0))
            ranges[tensor] = (min(low, float(value.min())), max(high, float(value.max())))
    return ranges


@pytest.mark.parametrize("architecture", [*NETWORKS[:7], *EDGES[2:4]], ids=lambda a: a.key)
def test_every_scale_spans_the_true_range(architecture):
    """TensorFlow's calibrator takes an in-place sum's range for its overwritten operand's: up to 8 times too coarse."""
    windows = random_windows(architecture, CALIBRATION_WINDOWS)
    reference = converted(architecture, "float32")
    ranges = activations(reference, read_graph(reference), windows)
    graph = read_graph(converted(architecture))
    computed = [op.outputs[0] for op in graph.ops if op.kind in ("CONV_2D", "ADD", "FULLY_CONNECTED")]
    assert any(op.kind == "ADD" for op in graph.ops)
    for tensor in computed:
        low, high = ranges[tensor]
        assert graph.tensors[tensor].quantization.scale[0] == pytest.approx((high - low) / 255, rel=0.01), tensor


def test_the_input_scale_spans_the_representative_windows():
    windows = random_windows(NETWORKS[0], CALIBRATION_WINDOWS)
    source = read_graph(converted(NETWORKS[0])).tensors[0]
    assert source.quantization.scale[0] == pytest.approx(float(np.ptp(windows)) / 255, rel=0.01)
    assert np.abs(dequantize(quantize(windows, source), source) - windows).max() <= source.quantization.scale[0]


def test_the_same_network_gives_the_same_bytes():
    function = inference_function(SHORT, network_weights(SHORT))
    windows = random_windows(SHORT, 5)
    assert convert(function, lower(SHORT), windows) == convert(function, lower(SHORT), windows)


@pytest.mark.parametrize(
    ("shape", "precision"),
    [((0, 20, 3), "int8"), ((4, 20, 4), "int8"), ((4, 19, 3), "float32"), ((20, 3), "int8"), ((4, 1, 20, 3), "int8")],
)
def test_windows_of_another_shape(shape, precision):
    with pytest.raises(ConversionError, match=r"shape \(n, 20, 3\)"):
        convert(
            inference_function(SHORT, network_weights(SHORT)),
            lower(SHORT, precision),
            np.ones(shape, np.float32),
            precision,
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_windows_that_are_not_finite(value):
    windows = random_windows(SHORT, 4)
    windows[1, 2, 0] = value
    with pytest.raises(ConversionError, match="finite"):
        convert(inference_function(SHORT, network_weights(SHORT)), lower(SHORT), windows)


def test_float_models_need_no_windows():
    model = convert(
        inference_function(SHORT, network_weights(SHORT)), lower(SHORT, "float32"), random_windows(SHORT, 0), "float32"
    )
    assert read_graph(model).same_structure(lower(SHORT, "float32"))


def test_another_network_than_predicted():
    other = replace(SHORT, filters=5)
    with pytest.raises(ConversionError, match="predicted"):
        convert(inference_function(other, network_weights(other)), lower(SHORT), random_windows(SHORT, 4))


def test_a_function_that_tensorflow_cannot_convert():
    import tensorflow as tf

    with pytest.raises(ConversionError):
        convert(lambda x: [tf.strings.length(tf.strings.as_string(x))], lower(SHORT), random_windows(SHORT, 4))


def test_an_operator_too_many_is_noticed():
    graph = read_graph(converted(SHORT))
    extra = Graph(graph.tensors, (*graph.ops, graph.ops[-1]), graph.inputs, graph.outputs)
    with pytest.raises(ConversionError, match="not predicted"):
        arrange(extra, lower(SHORT))


def test_an_operator_with_other_options_is_noticed():
    graph = read_graph(converted(SHORT))
    ops = tuple(
        replace(op, options={**op.options, "fusedActivationFunction": 3}) if op.kind == "ADD" else op
        for op in graph.ops
    )
    with pytest.raises(ConversionError, match="no ADD"):
        arrange(replace(graph, ops=ops), lower(SHORT))


def test_arrange_undoes_any_order():
    """The converter is free to emit the residual path late: the file has our order all the same."""
    rng = np.random.default_rng(0)
    for architecture in (NETWORKS[4], NETWORKS[5]):
        graph = read_graph(converted(architecture))
        for order in (rng.permutation(len(graph.ops)), range(len(graph.ops) - 1, -1, -1)):
            shuffled = replace(graph, ops=tuple(graph.ops[i] for i in order))
            arranged = arrange(shuffled, lower(architecture))
            assert arranged.ops == graph.ops
            for found, wanted in zip(arranged.tensors, graph.tensors, strict=True):
                assert found.quantization == wanted.quantization
                assert wanted.data is None or np.array_equal(found.data, wanted.data)


@pytest.mark.slow
def test_nothing_is_printed():
    code = (
        "import numpy as np\nfrom tinynas.cost import lower\nfrom tinynas.deploy import convert\n"
        "from tinynas.network import TCN, inference_function, initial_weights\n"
        "a = TCN(filters=2, kernel_size=2, dilations=(1,), window=8, channels=2)\n"
        "w = initial_weights(a, np.random.default_rng(0))\nimport tensorflow, os\n"
        "os.write(1, b'ready'); os.write(2, b'ready')\n"
        "convert(inference_function(a, w), lower(a), np.ones((2, 8, 2), np.float32))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "ready"
    assert done.stderr.split("ready")[1].strip() == ""
