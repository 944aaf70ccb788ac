"""The device registry: what a team can run on."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from apps.accounts.models import TeamOwned

SILENT_AFTER = timedelta(seconds=90)


class Tier(models.TextChoices):
    """How far from the sensor a device stands."""

    DEVICE = "device"
    EDGE = "edge"
    CLOUD = "cloud"


class Device(TeamOwned):
    """A machine that runs networks. `host` ties it to the worker that serves its bench queue."""

    name = models.CharField(max_length=120)
    tier = models.CharField(max_length=10, choices=Tier.choices, default=Tier.DEVICE)
    hardware = models.CharField("processor", max_length=200, blank=True)
    os = models.CharField("operating system", max_length=120, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    accelerators = models.CharField(max_length=200, blank=True)
    location = models.CharField(max_length=120, blank=True)
    host = models.CharField(max_length=120, blank=True, help_text="Name of the worker host that measures on it.")
    last_seen = models.DateTimeField(null=True, blank=True)
    retired = models.BooleanField(default=False)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="device_names_are_unique_in_a_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def queue(self) -> str:
        """The queue of one in which this device's measurements wait their turn."""
        return f"bench.{self.host or self.pk.hex}"

    @property
    def state(self) -> str:
        """`online`, `contact lost`, `never seen` or `retired`; a silent board is never called failed."""
        if self.retired:
            return "retired"
        if self.last_seen is None:
            return "never seen"
        return "online" if timezone.now() - self.last_seen < SILENT_AFTER else "contact lost"
