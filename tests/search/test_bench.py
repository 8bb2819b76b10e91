"""The bench with a power meter: energy of the candidates, and whose fault a meter's is."""

import dataclasses
from contextlib import nullcontext

import numpy as np
import pytest

from tests.deploy.candidates import filled
from tinynas.config import HilOptions
from tinynas.cost import Engine, estimate, lower
from tinynas.deploy import pack
from tinynas.errors import BoardError, ConfigError, LinkTimeout
from tinynas.hil import measure as module
from tinynas.hil.pool import BoardPool
from tinynas.network import TCN
from tinynas.search.bench import Bench, check_rig

from .test_hil import Rig

NETWORK = TCN(2, 2, (1,), window=16, channels=6)
METERED = HilOptions(meter="lpm01a:COM5@1.8")


@pytest.fixture(autouse=True)
def taken(monkeypatch):
    """A board whenever one is asked for."""
    monkeypatch.setattr(BoardPool, "take", lambda pool: nullcontext())


def measured(board, options):
    bench = Bench(board, options, sleep=lambda seconds: None)
    return bench.measured(
        pack(filled(lower(NETWORK))), estimate(NETWORK, Engine.aot(board)), np.zeros((16, 6), np.float32)
    )


@pytest.mark.parametrize(("options", "energy_uj"), [(METERED, 42.5), (HilOptions(), None)])
def test_the_energy_of_a_candidate(board, monkeypatch, options, energy_uj):
    rig = Rig(source="hil", energy_uj=energy_uj)
    monkeypatch.setattr(module, "measure", rig)
    found = measured(board, options)
    assert (found.energy_uj, found.source) == (energy_uj, "hil")
    assert rig.options["meter"] == options.meter


def test_a_meter_that_falls_silent_once_is_asked_again(board, monkeypatch):
    rig = Rig(LinkTimeout("the meter sends nothing"), energy_uj=42.5)
    monkeypatch.setattr(module, "measure", rig)
    assert measured(board, METERED).energy_uj == 42.5
    assert len(rig.calls) == 2


def test_a_meter_that_stays_silent_ends_it(board, monkeypatch):
    rig = Rig(*[LinkTimeout("the meter sends nothing", where="COM5")] * 3)
    monkeypatch.setattr(module, "measure", rig)
    with pytest.raises(BoardError, match="failed 3 times: the meter sends nothing") as caught:
        measured(board, METERED)
    assert caught.value.where == "COM5"


def test_a_search_keeps_the_energy_in_its_study(search, configure, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", Rig(source="hil", energy_uj=42.5))
    config = configure(mode="hil", trials=1, hil={"meter": "ina228:/dev/ttyACM1"})
    assert [trial.measurement["energy_uj"] for trial in search(tmp_path / "study", config)] == [42.5]


@pytest.mark.parametrize(
    ("hil", "said"),
    [
        ({"meter": "lpm01a:COM5", "link": "virtual"}, "takes no current"),
        ({"meter": "watt:COM5"}, "names no meter"),
        ({"meter": "lpm01a:COM5@5"}, "5 V is not between"),
    ],
)
def test_a_meter_that_cannot_be_is_refused_when_the_configuration_is_read(configure, hil, said):
    with pytest.raises(ConfigError, match=said) as caught:
        configure(mode="hil", hil=hil)
    assert caught.value.where == "settings.yaml:hil.meter"


def test_the_command_line_s_link_is_held_against_the_file_s_meter(configure):
    config = configure(mode="hil", hil=dataclasses.asdict(METERED))
    with pytest.raises(ConfigError, match="takes no current"):
        config.with_options(link="virtual")


def test_two_boards_and_one_meter_are_refused(board, configure, monkeypatch):
    config = configure(mode="hil", hil=dataclasses.asdict(METERED))
    monkeypatch.setattr(BoardPool, "rigs", lambda pool: [object(), object()])
    with pytest.raises(ConfigError, match="2 boards fit, and the meter"):
        check_rig(board, config)
    monkeypatch.setattr(BoardPool, "rigs", lambda pool: [object()])
    check_rig(board, config)
