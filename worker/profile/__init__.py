"""What a network takes on a device, block by block: the one form that uploads become, runs leave and the planner reads.

`NetworkProfile` and `Hardware` are the forms; `reading.read` makes them of a file, `writing.write` a file of them.
"""

from worker.profile.hardware import Hardware
from worker.profile.network import (
    ENOUGH_LEFT_OUT,
    LONGEST_S,
    MEDIA_TYPE,
    MOST_BLOCKS,
    MOST_BYTES,
    Block,
    Bytes,
    Fact,
    Name,
    NetworkProfile,
    Seconds,
    TransferLayer,
)

__all__ = ["ENOUGH_LEFT_OUT", "LONGEST_S", "MEDIA_TYPE", "MOST_BLOCKS", "MOST_BYTES", "Block", "Bytes", "Fact", "Hardware",
           "Name", "NetworkProfile", "Seconds", "TransferLayer"]
