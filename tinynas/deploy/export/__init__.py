"""What a user takes away: a library that makes a path of raw samples, in the form that a tool chain wants."""

from tinynas.deploy.export.arduino import arduino_library, library_name
from tinynas.deploy.export.c_library import c_library
from tinynas.deploy.export.cmsis_pack import cmsis_pack
from tinynas.deploy.export.contents import Contents, Walk
from tinynas.deploy.export.folder import check_target, write_folder
from tinynas.deploy.export.memory_map import memory_map, path_state_bytes

__all__ = [
    "Contents",
    "Walk",
    "arduino_library",
    "c_library",
    "check_target",
    "cmsis_pack",
    "library_name",
    "memory_map",
    "path_state_bytes",
    "write_folder",
]
