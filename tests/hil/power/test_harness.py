"""The harness with an INA228: energies from its registers, and what happens when something is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hil.power._boards import loaded_dut
from tests.hil.power._meters import Harness, metered, signed
from tinynas.errors import BoardError, LinkTimeout, ProtocolError
from tinynas.hil.power import Ina228Harness, energy_of
from tinynas.hil.power.harness import checksum
from tinynas.hil.power.registers import Ina228Setup


@contextmanager
def harness(fake: Harness) -> Iterator[Ina228Harness]:
    with metered(fake) as link:
        meter = Ina228Harness(link)
        try:
            yield meter
        finally:
            meter.close()


class TestIna228:
    #: 15 mOhm and SHUNT_CAL 3750: 19.0735 uA a step of CURRENT, 976.56 uJ a step of ENERGY.
    AMPERE = 3750 / (13107.2e6 * 0.015)
    JOULE = 16 * 3.2 * AMPERE
    #: 300 ms of 50 mA at 3.3 V.
    MARKS = ((1_000_000, 100, 1000), (1_300_000, 100 + round(0.0495 / JOULE), 1000 + round(0.015 / AMPERE)))

    def test_energy_of_a_recording(self):
        with harness(Harness(self.MARKS)) as meter, loaded_dut() as dut:
            assert energy_of(meter, dut, 300) == pytest.approx(round(0.0495 / self.JOULE) * self.JOULE / 300 * 1e6)
            assert energy_of(meter, dut, 300) == pytest.approx(165, rel=0.02)

    def test_steps_follow_the_data_sheet(self):
        setup = Ina228Setup(0.0162, 4050, fine=False, period_s=1e-3)
        assert setup.current_lsb_a == pytest.approx(10 / 2**19, rel=1e-4)
        assert setup.energy_lsb_j == pytest.approx(16 * 3.2 * 10 / 2**19, rel=1e-4)
        assert Ina228Setup(0.0162, 4 * 4050, fine=True, period_s=1e-3).current_lsb_a == setup.current_lsb_a

    def test_the_set_up_is_the_harness_s(self):
        fake = Harness()
        fake.identity = "ina228 1 shunt_uohm=100000 cal=5000 range=1 period_us=560"
        with harness(fake) as meter:
            assert meter.setup == Ina228Setup(0.1, 5000, True, 560e-6)
            assert meter.resolution_s == 560e-6

    def test_a_banner_and_noise_before_the_answer(self):
        fake = Harness()
        fake.alter = lambda command, reply: b"\xff\x00boot\r\n" + signed("hello") + reply
        with metered(fake) as link:
            assert Ina228Harness(link).setup.calibration == 3750

    def test_it_is_asked_again(self):
        fake = Harness()
        fake.alter = lambda command, reply: reply if len(fake.received) > 1 else b""
        with metered(fake) as link:
            assert Ina228Harness(link).setup.calibration == 3750
        assert fake.received == ["id", "id"]

    @pytest.mark.parametrize(
        ("identity", "kind", "said"),
        [
            ("ina228 2 shunt_uohm=15000 cal=3750 range=0 period_us=1000", ProtocolError, "version 2"),
            ("ina228 1 shunt_uohm=15000 cal=0 range=0 period_us=1000", BoardError, "not set up"),
            ("ina219 1", LinkTimeout, "heard 'ina219 1"),
        ],
    )
    def test_another_harness(self, identity, kind, said):
        fake = Harness()
        fake.identity = identity
        with metered(fake) as link, pytest.raises(kind, match=said):
            Ina228Harness(link)

    @pytest.mark.parametrize(
        ("flags", "said"),
        [(1 << 11 | 1, "the energy"), (1 << 10 | 1, "the charge"), (1 << 9 | 1, "the arithmetic"), (0, "trim memory")],
    )
    def test_what_the_chip_reports(self, flags, said):
        fake = Harness(self.MARKS)
        fake.flags = flags
        with harness(fake) as meter:
            meter.start()
            with pytest.raises(BoardError, match=said):
                meter.stop()

    @pytest.mark.parametrize(
        ("second", "said"),
        [
            ((1_300_000, 151, 1000), "no current"),
            ((1_300_000, 151, -500), "the other way"),
            ((1_300_000, 101, 1786), "0.07 V cannot be"),
            ((1_300_000, 400, 1786), "19.54 V cannot be"),
        ],
    )
    def test_wrong_wiring(self, second, said):
        with harness(Harness((self.MARKS[0], second))) as meter:
            meter.start()
            with pytest.raises(BoardError, match=said):
                meter.stop()

    def test_charge_is_signed(self):
        with harness(Harness(((0, 0, -786), (300_000, 51, 0)))) as meter:
            meter.start()
            assert meter.stop()[1].energy_j == pytest.approx(51 * self.JOULE)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b"mark 1 1300", b"mark 1 1301", "damaged"),
            (b"mark", b"m\xe4rk", "damaged"),
            (signed("mark 0 1000000 0000000064 00000003e8"), b"", "mark 1 comes as number 0"),
            (signed("stopped 2 0001"), signed("stopped 3 0001"), "2 of 3 marks"),
            (signed("stopped 2 0001"), signed("error i2c"), "harness reports: i2c"),
            (signed("stopped 2 0001"), signed("started"), "answered by 'started'"),
            (signed("stopped 2 0001"), b"", "not answered"),
        ],
    )
    def test_damaged_answers(self, old, new, said):
        fake = Harness(self.MARKS)
        with harness(fake) as meter:
            meter.start()
            fake.alter = lambda command, reply: reply.replace(old, new)
            assert old in Harness(self.MARKS).answer("stop")
            with pytest.raises(BoardError, match=said):
                meter.stop()
            fake.alter = lambda command, reply: reply

    def test_an_answer_without_end(self):
        fake = Harness(self.MARKS)
        with harness(fake) as meter:
            meter.start()
            fake.alter = lambda command, reply: b""
            fake.floods = b"\r\n" * 100
            with pytest.raises(LinkTimeout, match="`stop` is not answered"):
                meter.stop()

    def test_it_does_not_start(self):
        fake = Harness()
        with harness(fake) as meter:
            fake.alter = lambda command, reply: signed("error no INA228 on the bus")
            with pytest.raises(BoardError, match="no INA228 on the bus"):
                meter.start()

    def test_out_of_turn(self):
        with harness(Harness(self.MARKS)) as meter:
            with pytest.raises(BoardError, match="not recording"):
                meter.stop()
            meter.start()
            with pytest.raises(BoardError, match="already"):
                meter.start()

    def test_the_examples_of_the_documentation_are_understood(self):
        text = (Path(__file__).parents[3] / "docs" / "energy.md").read_text(encoding="utf-8")
        lines = re.findall(r"`([a-z][^`]*)\*([0-9a-f]{2})`", text)
        assert [line.split()[0] for line, _ in lines] == ["ina228", "started"]
        assert [digits for _, digits in lines] == [checksum(line) for line, _ in lines]
        fake = Harness()
        fake.identity = lines[0][0]
        with harness(fake) as meter:
            assert meter.setup == Ina228Setup(0.015, 3750, False, 1080e-6)

    def test_checksums(self):
        assert checksum("") == "00"
        assert checksum("id") == f"{ord('i') ^ ord('d'):02x}"
