"""The engine's benchmark end to end, on a small network and on anchors made up for the purpose."""

import json

import _image
import engine
import numpy as np
import pytest
from _cortex import Report

from tests._tools import needs
from tests.deploy.candidates import filled
from tinynas.cost import lower
from tinynas.deploy import TflmInterpreter, pack
from tinynas.errors import ToolchainMissing
from tinynas.hil.image import Toolchain
from tinynas.network import TCN

NET = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=20, channels=3)
WINDOW = np.random.default_rng(3).integers(-128, 128, (1, 20, 3)).astype(np.int8)
FLASH = {"cmsis_nn": 100_000, "reference": 60_000}
REPORT = Report(
    instructions=400,
    flash_bytes=3000,
    static_ram_bytes=100,
    strict_ram_bytes=150,
    stack_bytes=60,
    outputs=(b"",),
    instructions_each=(400,),
    profile={},
    build_s=0.1,
)


@pytest.fixture(scope="module")
def model():
    return pack(filled(lower(NET)))


@pytest.fixture
def folder(tmp_path, model):
    """Two anchors that are one model, whose interpreter was costly and cheap; one has a few figures only."""
    figures = {"flash": FLASH["cmsis_nn"], "static_ram": 10**6, "stack": 10**6, "instructions": 10**9}
    recorded = {
        "costly": {"head": "mean", "cmsis_nn": figures, "reference": {**figures, "flash": FLASH["reference"]}},
        "cheap": {"head": "last", "arena": {"cmsis_nn": 5}, "instructions": {"cmsis_nn": 10}},
    }
    tmp_path.joinpath("tflm.json").write_text(json.dumps(recorded))
    for name in recorded:
        tmp_path.joinpath(f"{name}.tflite").write_bytes(model)
        tmp_path.joinpath(f"{name}.in").write_bytes(WINDOW.tobytes())
        tmp_path.joinpath(f"{name}.out").write_bytes(TflmInterpreter(model).run(WINDOW).tobytes())
    return tmp_path


def printed(capsys, *arguments):
    engine.main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.emulator
@needs("a cross compiler")
@needs("unicorn")
@needs("tflite_micro")
class TestBenchmark:
    @pytest.mark.slow
    @pytest.mark.parametrize("cpu", _image.CPUS)
    def test_a_model(self, capsys, tmp_path, model, cpu):
        path = tmp_path / "net.tflite"
        path.write_bytes(model)
        rows = printed(capsys, path, "--inputs", 3, "--cpu", cpu)["models"]
        assert [(row["model"], row["optimise"]) for row in rows] == [("net", "speed"), ("net", "size")]
        for row in rows:
            assert row["parity"] == {"inputs": 3, "equal": 3}
            assert row["strict_ram_bytes"] == row["static_ram_bytes"] + WINDOW.size + NET.outputs
            assert row["arena_lower_bound_bytes"] <= row["arena_bytes"] <= row["static_ram_bytes"]
            assert 0 < row["flash_beside_weights_bytes"] < row["flash_bytes"]
            assert 0 < row["macs_needed"] <= row["macs_of_model"]
            assert row["instructions_per_mac"] == pytest.approx(row["instructions"] / row["macs_needed"], abs=1e-3)
            assert "ratios" not in row
        assert rows[0]["instructions"] < rows[1]["instructions"]

    def test_anchors(self, capsys, folder):
        costly, cheap = printed(capsys, "--anchors", folder, "--optimise", "size", "--inputs", 2)["models"]
        assert costly["parity"] == cheap["parity"] == {"inputs": 3, "equal": 3}
        assert costly["met"]
        assert costly["targets"] == engine.TARGETS
        flash = {kernels: found["flash"] for kernels, found in costly["ratios"].items()}
        assert flash == pytest.approx({kernels: costly["flash_bytes"] / FLASH[kernels] for kernels in FLASH}, abs=1e-4)
        assert not cheap["met"]
        assert cheap["targets"] == {"instructions": 0.06}
        assert cheap["ratios"]["cmsis_nn"] == {"instructions": cheap["instructions"] / 10}

    def test_a_recorded_output_that_is_not_met(self, capsys, folder):
        folder.joinpath("costly.out").write_bytes(b"\0\0")
        costly, _ = printed(capsys, "--anchors", folder, "--optimise", "size", "--inputs", 2)["models"]
        assert costly["parity"] == {"inputs": 3, "equal": 2}

    def test_a_model_that_is_refused_does_not_end_the_others(self, capsys, tmp_path, model):
        paths = [tmp_path / "broken.tflite", tmp_path / "sound.tflite"]
        paths[0].write_bytes(model[:200])
        paths[1].write_bytes(model)
        broken, sound = printed(capsys, *paths, "--optimise", "size", "--inputs", 1)["models"]
        assert broken.keys() == {"model", "optimise", "error"}
        assert sound["parity"]["equal"] == 1

    def test_the_table_has_a_line_for_each(self, capsys, folder):
        engine.main(["--anchors", str(folder), "--optimise", "size", "--inputs", "1"])
        out = capsys.readouterr().out
        assert [out.count(word) for word in ("costly", "cheap", "met", "missed")] == [2, 2, 1, 1]


def test_ratios_are_of_what_is_recorded():
    recorded = {
        "cmsis_nn": {"static_ram": 1000, "flash": 6000, "stack": 120, "instructions": 800},
        "instructions": {"reference": 1600},
    }
    assert engine.ratios(recorded, REPORT) == {
        "cmsis_nn": {"static_ram": 0.15, "static_ram_alone": 0.1, "flash": 0.5, "stack": 0.5, "instructions": 0.5},
        "reference": {"instructions": 0.25},
    }


def test_without_the_official_interpreter_only_recorded_outputs_are_compared(monkeypatch, model):
    def missing(_model):
        raise ToolchainMissing("not here")

    monkeypatch.setattr(engine, "TflmInterpreter", missing)
    inputs, expected = engine.examples(engine.Subject("net", model, {}, [(WINDOW.tobytes(), b"ab")]), 2, 0)
    assert [len(given) for given in inputs] == [WINDOW.size] * 3
    assert expected == [b"ab", None, None]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a model"),
        (["nowhere.tflite"], "nowhere.tflite"),
        (["--anchors", "nowhere"], "tflm.json"),
        ([__file__, "--inputs", "0"], "at least one"),
    ],
)
def test_usage(capsys, arguments, words):
    with pytest.raises(SystemExit) as caught:
        engine.main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_without_a_toolchain(capsys, monkeypatch, tmp_path, model):
    path = tmp_path / "net.tflite"
    path.write_bytes(model)
    monkeypatch.setattr(Toolchain, "installed", staticmethod(lambda: ()))
    with pytest.raises(SystemExit) as caught:
        engine.main([str(path)])
    assert caught.value.code == 1
    assert "apt-get install" in capsys.readouterr().err
