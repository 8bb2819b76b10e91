"""Readers of datasets, one layout a file; `load_dataset` knows each by the name that stands before the colon."""

from tinynas.odometry.readers.idol import read_idol
from tinynas.odometry.readers.oxiod import read_oxiod
from tinynas.odometry.readers.ridi import read_ridi
from tinynas.odometry.readers.ronin import read_ronin
from tinynas.odometry.readers.table import read_table
from tinynas.odometry.readers.unsplit import read_unsplit
from tinynas.odometry.recording import Reader

__all__ = ["READERS", "read_idol", "read_oxiod", "read_ridi", "read_ronin", "read_table", "read_unsplit"]

READERS: dict[str, Reader] = {
    "oxiod": read_oxiod,
    "ronin": read_ronin,
    "ridi": read_ridi,
    "idol": read_idol,
    "csv": read_table,
}
"""Name in a dataset's specification to the function that reads such a folder."""
