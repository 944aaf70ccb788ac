"""A device's own yardstick: one small fixed piece of work, timed again and again, shows whether the device drifts."""

from __future__ import annotations

from django.db import models

from apps.devices.models.device import Device


class Baseline(models.Model):
    """One timing of the yardstick on a device."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="baselines")
    at = models.DateTimeField()
    median_ms = models.FloatField()
    low_ms = models.FloatField(null=True)
    high_ms = models.FloatField(null=True)
    noisy = models.BooleanField(default=False)

    class Meta:
        ordering = ("at",)
        indexes = [models.Index(fields=["device", "at"], name="baselines_of_a_device")]

    def __str__(self) -> str:
        return f"{self.device}: {self.median_ms:.3g} ms"
