"""Frames over a connection: one side listens, the other connects, and both show that they know the run's token."""

from worker.links.calling import Address, connect
from worker.links.listener import Listener
from worker.links.talking import Wire

__all__ = ["Address", "Listener", "Wire", "connect"]
