"""Changes by which a network would fit: of its layers, of its turns, of the board's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tinynas.cost import Costs, Engine, costs, repeat
from tinynas.errors import ConfigError, ConversionError, SpaceError
from tinynas.measurement import Measurement
from tinynas.network import Architecture

__all__ = ["Placed", "Remedy", "find_remedies"]

# What the data decide, not the search.
_GIVEN = {"channels", "outputs", "window"}
_SHARES = tuple(share / 20 for share in range(19, 0, -1))
_TURNS = (4, 2, 1)
# A first layer that skips more than so many samples hears no step of a walk.
_WIDEST_STRIDE = 10

_NAMES = ("sram_bytes", "flash_bytes", "latency_us", "energy_uj")


@dataclass(frozen=True)
class Remedy:
    """A change by which a network fits.

    Attributes:
        change: Of each parameter its value before and after; `turns` and `clock_hz` are no layers.
        sram_bytes, flash_bytes: What it takes then, as predicted.
        latency_us, energy_uj: What an update takes then; None where that is not known.
    """

    change: Mapping[str, tuple[Any, Any]]
    sram_bytes: int
    flash_bytes: int
    latency_us: float | None = None
    energy_uj: float | None = None


@dataclass(frozen=True)
class Placed:
    """A trial's network, and where and how it runs.

    Attributes:
        network: The network.
        engine: The runtime, at the trial's clock.
        precision: Of the model.
        turns: How many turned windows an update takes.
        measured: What the trial takes, of an update.
        limits: What it may take, by the measurement's names; None, or no entry: any.
    """

    network: Architecture
    engine: Engine
    precision: str
    turns: int
    measured: Measurement
    limits: Mapping[str, float | None]

    @property
    def clock_hz(self) -> int | None:
        """The clock of the core; None where the runtime does not set it."""
        return None if self.engine.board is None else self.engine.board.clock_hz

    @cached_property
    def _predicted(self) -> Costs:
        return repeat(costs(self.network, self.engine, self.precision), self.turns)

    def become(self, change: Mapping[str, Any]) -> Remedy | None:
        """The remedy that a change of parameters is; None where the network does not fit then, or is none."""
        turns, clock = change.get("turns", self.turns), change.get("clock_hz", self.clock_hz)
        before = {**self.network.to_dict(), "turns": self.turns, "clock_hz": self.clock_hz}
        fields = _settled({name: change.get(name, value) for name, value in self.network.to_dict().items()})
        try:
            network, engine = Architecture.from_dict(fields), self.engine.at(clock)
            found = self._correct(repeat(costs(network, engine, self.precision), turns), turns, clock)
        except (SpaceError, ConversionError, ConfigError):  # no network of the family, or none that is compiled
            return None
        # What is limited and not known may be too much.
        fits = all((used := found[name]) is not None and used <= most for name, most in self._limited.items())
        return Remedy({name: (before[name], change[name]) for name in change}, **found) if fits else None

    @property
    def _limited(self) -> dict[str, float]:
        return {name: most for name in _NAMES if (most := self.limits.get(name)) is not None}

    def _correct(self, then: Costs, turns: int, clock_hz: int | None) -> dict[str, Any]:
        """What a changed network takes: the prediction, moved by what a board has measured of the present one.

        Bytes are off by as many, time and energy in proportion. The time of an engine that is not predicted goes by
        multiply-accumulates.
        """
        now, known = self._predicted, self.measured
        found: dict[str, Any] = {name: getattr(then, name) for name in _NAMES[:2]}
        if known.source != "proxy":
            found = {name: value + getattr(known, name) - getattr(now, name) for name, value in found.items()}
        work = now.latency_us or now.macs * self.turns, then.latency_us or then.macs * turns
        found["latency_us"] = None if known.latency_us is None else known.latency_us * work[1] / work[0]
        found["energy_uj"] = None
        if known.energy_uj is not None and now.energy_uj is not None and then.energy_uj is not None:
            found["energy_uj"] = known.energy_uj * then.energy_uj / now.energy_uj
        elif known.energy_uj is not None and clock_hz == self.clock_hz:
            found["energy_uj"] = known.energy_uj * work[1] / work[0]
        return found


def find_remedies(placed: Placed) -> Iterator[Remedy]:
    """Find changes of one parameter, each as small as it can be; where none is enough, one of all.

    Args:
        placed: A network that does not fit.
    """
    fields, found = placed.network.to_dict(), False
    for name, values in _choices(placed):
        remedy = next(filter(None, (placed.become({name: value}) for value in values)), None)
        if remedy is not None:
            found = True
            yield remedy
    if found:
        return
    fewest = {} if placed.turns == 1 or not _is_slow(placed) else {"turns": 1}
    for share in _SHARES:
        shrunk = _settled({name: _shrink(name, value, share) for name, value in fields.items()})
        change = {name: value for name, value in shrunk.items() if value != fields[name]}
        if (remedy := placed.become({**change, **fewest})) is not None:
            yield remedy
            return


def _choices(placed: Placed) -> Iterator[tuple[str, Iterator[Any]]]:
    """Cheaper values of each parameter, the nearest first."""
    for name, value in placed.network.to_dict().items():
        yield name, _smaller(name, value)
        if name == "strides":
            yield name, ([value[0] + more, *value[1:]] for more in range(1, _WIDEST_STRIDE - value[0] + 1))
    if not _is_slow(placed):
        return  # turns and clock change no memory
    yield "turns", (turns for turns in _TURNS if turns < placed.turns)
    board = placed.engine.board
    if board is not None:
        others = sorted(set(board.clocks_hz) - {board.clock_hz}, key=lambda clock: abs(clock - board.clock_hz))
        yield "clock_hz", iter(others)


def _is_slow(placed: Placed) -> bool:
    """Whether time or energy are what is too much, also."""
    used = {name: getattr(placed.measured, name) for name in _NAMES[2:]}
    return any(u is not None and (most := placed.limits.get(name)) is not None and u > most for name, u in used.items())


def _settled(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with filters for no more blocks than there are."""
    filters, blocks = fields["filters"], fields.get("dilations", fields.get("strides", ()))
    return {**fields, "filters": filters[: len(blocks)]} if isinstance(filters, list) else fields


def _smaller(name: str, value: Any) -> Iterator[Any]:
    """Values below one, the nearest first."""
    if name in _GIVEN:
        return
    if isinstance(value, int) and not isinstance(value, bool):
        yield from range(value - 1, 0, -1)
    elif name == "filters":  # of each block: all of them shrink
        yield from (_shrink(name, value, share) for share in _SHARES)
    elif isinstance(value, list | tuple):
        yield from (list(value[:count]) for count in range(len(value) - 1, 0, -1))


def _shrink(name: str, value: Any, share: float) -> Any:
    if name in _GIVEN:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        small = max(1, int(value * share))
        return small - small % 4 if small >= 4 else small  # symmetric networks have groups of four
    if name == "filters" and isinstance(value, list):
        return [_shrink(name, width, share) for width in value]
    if isinstance(value, list | tuple):
        return list(value[: max(1, int(len(value) * share))])
    return value
