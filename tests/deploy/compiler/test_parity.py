"""Compiled models against TFLM, byte for byte, with sanitizers on the host and on a virtual Cortex-M."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests._tools import require
from tests.deploy._models import BUILDERS

from ._bundle import bundle, expected, int8_inputs
from ._networks import architecture, dilated, pyramid

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
NAMES = list(BUILDERS)
WINDOWS = 6


def drawn(names, seeds):
    """Models and inputs, by name and seed."""
    found = {}
    for name in names:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            model = BUILDERS[name](rng)
            found[name, seed] = model, int8_inputs(model, rng, WINDOWS)
    return found


def wrong(models, outputs):
    """Names and seeds of models whose outputs are not TFLM's."""
    return [
        key for (key, (model, x)), y in zip(models.items(), outputs, strict=True) if (expected(model, x) != y).any()
    ]


def check_on_host(models, optimise, compiler, directory):
    made = bundle([model for model, _ in models.values()], optimise, directory)
    outputs = made.run(made.build(compiler), [x for _, x in models.values()])
    assert wrong(models, outputs) == []


@pytest.mark.parametrize(("optimise", "first"), [("size", 0), pytest.param("speed", 2, marks=pytest.mark.slow)])
def test_a_compiled_model_gives_the_bytes_of_tflm(optimise, first, tmp_path):
    check_on_host(drawn(NAMES[first::4], [0]), optimise, "gcc", tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimise", ["size", "speed"])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_compiled_model_gives_the_bytes_of_tflm(optimise, seed, tmp_path):
    check_on_host(drawn(NAMES, [seed]), optimise, "gcc", tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("optimise", "first"), [("size", 1), ("speed", 3)])
def test_clang_builds_the_same(optimise, first, tmp_path):
    check_on_host(drawn(NAMES[first::4], [2]), optimise, "clang", tmp_path)


def networks(form, seeds, windows=20):
    """Random architectures in one of their forms, with inputs."""
    models = {}
    for seed in seeds:
        rng = np.random.default_rng([seed, 4])
        model = form(architecture(rng), rng)
        models[seed] = model, int8_inputs(model, rng, windows)
    return models


@pytest.mark.slow
@pytest.mark.parametrize("form", [pyramid, dilated])
def test_some_random_networks_give_the_bytes_of_tflm(form, tmp_path):
    check_on_host(networks(form, range(300, 306)), "size", "gcc", tmp_path)


# 300 architectures in both forms; inlined kernels take a compiler ten times as long.
PARTS = [
    *(("size", "gcc", range(start, start + 70)) for start in (0, 70)),
    *(("size", "clang", range(start, start + 70)) for start in (140, 210)),
    ("speed", "gcc", range(280, 290)),
    ("speed", "clang", range(290, 300)),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize("form", [pyramid, dilated])
@pytest.mark.parametrize(("optimise", "compiler", "seeds"), PARTS, ids=str)
def test_random_networks_give_the_bytes_of_tflm(form, optimise, compiler, seeds, tmp_path):
    check_on_host(networks(form, seeds), optimise, compiler, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("form", [pyramid, dilated])
def test_outputs_of_random_networks_vary(form):
    """Else their agreement would prove little."""
    outputs = [expected(model, x) for model, x in networks(form, range(24)).values()]
    assert np.median([len(np.unique(y)) for y in outputs]) > 10


# In parts, since all models together are larger than the flash.
CORES = [
    *(("cortex-m4", "size", NAMES[part::2]) for part in (0, 1)),
    ("cortex-m4", "speed", NAMES[2::4]),
    ("cortex-m7", "speed", NAMES[1::4]),
    ("cortex-m33", "speed", NAMES[2::8]),
    ("cortex-m0plus", "size", NAMES[3::8]),
    ("cortex-m0plus", "speed", NAMES[1::8]),
    *(pytest.param("cortex-m4", "speed", names, marks=pytest.mark.exhaustive) for names in (NAMES[::4], NAMES[1::2])),
    pytest.param("cortex-m7", "size", NAMES[::4], marks=pytest.mark.exhaustive),
]


@pytest.fixture
def cortex(monkeypatch):
    require("a cross compiler")
    require("unicorn")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import _cortex

    return _cortex


def check_on_cortex(cortex, models, optimise, cpu, directory):
    made = bundle([model for model, _ in models.values()], optimise, directory)
    windows = np.concatenate([x for _, x in models.values()], axis=1)
    report = cortex.run(made.sources, [directory], [w.tobytes() for w in windows], made.output_bytes, cpu=cpu)
    outputs = np.array([np.frombuffer(output, np.int8) for output in report.outputs])
    assert wrong(models, made.split(outputs)) == []


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize(("cpu", "optimise", "names"), CORES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_cortex_m_gives_the_bytes_of_tflm(cpu, optimise, names, tmp_path, cortex):
    check_on_cortex(cortex, drawn(names, [3]), optimise, cpu, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.emulator
@pytest.mark.parametrize("form", [pyramid, dilated])
@pytest.mark.parametrize(("optimise", "seeds"), [("size", range(140)), ("speed", range(140, 150))], ids=str)
def test_random_networks_on_a_cortex_m_give_the_bytes_of_tflm(form, optimise, seeds, tmp_path, cortex):
    """The extreme inputs and one that is random; the emulator takes longer than the machine it imitates."""
    first = 150 * (form is dilated)
    models = networks(form, range(first + seeds.start, first + seeds.stop), windows=3)
    check_on_cortex(cortex, models, optimise, "cortex-m4", tmp_path)
