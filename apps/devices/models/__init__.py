"""The device registry: machines, what lies between them, what was measured on them block by block, and who speaks for a board."""

from apps.devices.models.agents import Agent, Enrolment
from apps.devices.models.baseline import Baseline
from apps.devices.models.device import PLACES, SILENT_AFTER, STATES, STOPPED, Device, Tier
from apps.devices.models.links import Link, Origin
from apps.devices.models.profiles import Profile

__all__ = ["PLACES", "SILENT_AFTER", "STATES", "STOPPED", "Agent", "Baseline", "Device", "Enrolment", "Link", "Origin", "Profile",
           "Tier"]
