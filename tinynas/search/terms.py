"""What a search counts and limits; nothing is limited that nobody knows."""

from __future__ import annotations

from tinynas.board import Board
from tinynas.config import Config
from tinynas.cost import Costs, Engine
from tinynas.errors import ConfigError
from tinynas.network import FamilyChoice
from tinynas.objective import Limits

__all__ = ["check_known", "check_terms", "limits_on", "predicts_time"]


def limits_on(board: Board, config: Config) -> Limits:
    """What a candidate may use: the board's limits, or the configuration's where they are lower.

    Args:
        board: The board.
        config: The search's configuration.
    """
    chosen = config.objective.limits
    sram, flash = board.sram_limit_bytes, board.flash_limit_bytes
    if config.whole_image:
        sram, flash = board.image_sram_bytes, board.image_flash_bytes
    sram, flash = min(sram, chosen.sram_bytes or sram), min(flash, chosen.flash_bytes or flash)
    return Limits(sram, flash, chosen.latency_us, chosen.energy_uj)


def check_terms(board: Board, config: Config, engine: Engine) -> None:
    """Check clocks, and limits of time and energy, against what the board's description knows.

    Raises:
        ConfigError: A limit is set on what nothing knows, or a clock is to be chosen that the board does not list or
            the firmware does not set; at the key.
    """
    clocks = config.space.clock_hz
    for place, clock in enumerate(clocks):
        if clock not in board.clocks_hz:
            what = f"{board.name} lists no clock of {clock} Hz"
            advice = f"it lists {', '.join(map(str, board.clocks_hz))}; operating_points of the board file add some"
            raise ConfigError(what, where=f"space.clock_hz[{place}]", advice=advice)
        engine.at(clock)
    limits, measured = config.objective.limits, config.mode == "hil"
    pareto = config.objective.pareto
    if pareto and isinstance(config.space, FamilyChoice):
        advice = "name one family in space.family, or leave objective.pareto out"
        raise ConfigError("a front is looked for in one family", where="objective.pareto", advice=advice)
    key = "limits.latency_us" if limits.latency_us is not None else "pareto" if "latency_us" in pareto else None
    if key is not None and not measured and engine.timing is None:
        what = f"the resource model has no cycles of the {board.mcu} with {engine.compiler}"
        raise ConfigError(what, where=f"objective.{key}", advice="set mode to hil, or leave it out")
    key = "limits.energy_uj" if limits.energy_uj is not None else "pareto" if "energy_uj" in pareto else None
    if key is None or (measured and config.hil.meter is not None):
        return
    timed = measured or engine.timing is not None
    if not timed or any(board.at(clock).power is None for clock in clocks or (board.clock_hz,)):
        what = f"the energy of an update is not known on {board.name}"
        advice = (
            "measure its power, and write it into operating_points of the board file; or set mode hil and hil.meter"
        )
        raise ConfigError(what, where=f"objective.{key}", advice=advice)


def predicts_time(config: Config) -> bool:
    """Whether the resource model has to know the time or the energy of networks: one is limited or traded off."""
    limits, pareto = config.objective.limits, config.objective.pareto
    named = any(getattr(limits, name) is not None or name in pareto for name in ("latency_us", "energy_uj"))
    return named and config.mode != "hil"


def check_known(cost: Costs, config: Config) -> None:
    """Check that what is limited or traded off is known of a network of the space.

    Args:
        cost: Of any network, predicted.
        config: Of the search. Where a board measures, it will tell.

    Raises:
        ConfigError: The resource model does not know the time of such networks.
    """
    for name in ("latency_us", "energy_uj") if config.mode != "hil" else ():
        limited = getattr(config.objective.limits, name) is not None
        if (limited or name in config.objective.pareto) and getattr(cost, name) is None:
            what = f"the resource model does not know the time of networks of the family {config.space.family}"
            where = f"objective.{f'limits.{name}' if limited else 'pareto'}"
            raise ConfigError(what, where=where, advice="set mode to hil, or leave it out")
