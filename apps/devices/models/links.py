"""What lies between two devices."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import TeamOwned
from apps.devices.models.device import Device


class Origin(models.TextChoices):
    """Where the numbers of a link are from."""

    MEASURED = "measured"
    TYPED = "typed"


class Link(TeamOwned):
    """One direction between two devices: how long a round trip takes, and how much goes that way in a second."""

    source = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="links_in")
    latency_ms = models.FloatField(help_text="A whole round trip (ping).")
    bandwidth_mbps = models.FloatField(help_text="Megabits per second in this direction.")
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.TYPED)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("source__name", "target__name")
        constraints = [
            models.UniqueConstraint(fields=["team", "source", "target"], name="one_link_a_direction"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="no_link_to_itself"),
            models.CheckConstraint(condition=Q(latency_ms__gte=0) & Q(bandwidth_mbps__gt=0), name="links_are_possible"),
        ]

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"
