"""What a network takes on a device, block by block."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.accounts.models import TeamOwned
from apps.devices.models.device import Device

# Of several profiles what was measured counts before what was emulated, and what was predicted last of all.
TRUST = models.Case(models.When(origin="measured", then=0), models.When(origin="emulated", then=1), default=2)


class Profile(TeamOwned):
    """Per-block times of one network on one device: measured here by a run, or brought in a file.

    `body` is a `worker.profile.NetworkProfile` as JSON, the columns beside it are what lists show: lists defer it. Files of
    other tools hold many networks: their rows share `source`, in the order of `place`.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="profiles")
    network = models.CharField(max_length=120)
    # A variant of the catalog and the run that measured it, where there are such: no foreign key points sideways or up.
    variant = models.UUIDField(null=True, blank=True)
    made_by = models.UUIDField(null=True, blank=True)
    engine = models.CharField(max_length=60, blank=True)
    threads = models.PositiveIntegerField(null=True, blank=True)
    batch = models.PositiveIntegerField(null=True, blank=True)
    origin = models.CharField(max_length=10, default="measured")
    blocks = models.PositiveIntegerField()
    total_ms = models.FloatField()
    form = models.CharField(max_length=20, help_text="The form it came in: house, scission, scissiontl.")
    file_name = models.CharField(max_length=200, blank=True)
    source = models.UUIDField(null=True, blank=True)
    place = models.PositiveIntegerField(default=0)
    body: models.JSONField[Any, Any] = models.JSONField()
    # How its file wrote it, where that is not the standard way: what an export needs to give the same bytes again.
    written: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created", "place", "id")
        indexes = [models.Index(fields=["device", "network", "-created"], name="profiles_of_a_device")]

    def __str__(self) -> str:
        return f"{self.network} on {self.device}"
