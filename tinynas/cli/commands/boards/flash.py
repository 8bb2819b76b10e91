"""`tinynas boards flash`: put an image on an attached board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinynas.cli.options import BoardArgument, FlasherOption, LinkOption, ProbeOption

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command to the group `boards`."""
    group.command(
        "flash",
        short_help="Put an image on an attached board.",
        help="Put a linked image on an attached board and start it: image.elf of `tinynas measure --keep` or of the"
        " firmware's CMake, or a program of your own. tinynas's firmware is then asked for the CRC of its flash.",
    )(flash)


def flash(
    board: BoardArgument,
    image: Annotated[Path, typer.Argument(metavar="IMAGE.elf", help="The linked image.")],
    link: LinkOption = "auto",
    flasher: FlasherOption = "auto",
    probe: ProbeOption = None,
) -> None:
    """Read, flash, ask."""
    from tinynas.board import load_board
    from tinynas.cli.progress import working
    from tinynas.errors import ConfigError
    from tinynas.hil.boards import SerialRig, put_image, rig_for
    from tinynas.hil.image import read_image
    from tinynas.scratch import scratch_folder

    target = load_board(board)
    if link == "virtual":
        advice = "`tinynas boards emulate` runs a virtual one"
        raise ConfigError("a virtual board is not flashed", where="--link virtual", advice=advice)
    with scratch_folder() as scratch, working(f"flashing {target.name}"):
        found = read_image(target, image, scratch)
        rig = rig_for(target, link, flasher=flasher, probe_id=probe)
        assert isinstance(rig, SerialRig)
        proven = put_image(rig, found)
    print(f"flashed {len(found.binary):,} bytes, CRC {found.image_hash}")
    if proven:
        print("the board says that it runs them")
    else:
        print("the board does not speak the firmware's protocol: nothing but the flasher's word says that it runs them")
