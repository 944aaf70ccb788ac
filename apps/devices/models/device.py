"""A machine that a team can run on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import ROLES, Membership, Role, TeamOwned, TeamQuerySet

SILENT_AFTER = timedelta(seconds=settings.DEVICE_SILENT_S)
# Of its health: its agent has said that it stops. Nobody has to wait to know that it is gone.
STOPPED = "stopped"


class Tier(models.TextChoices):
    """How far from the sensor a device stands."""

    DEVICE = "device"
    EDGE = "edge"
    CLOUD = "cloud"


STATES = ("online", "busy", "draining", "contact lost", "never seen", "retired")
PLACES = {Tier.DEVICE: "at the sensor", Tier.EDGE: "near it (edge)", Tier.CLOUD: "far off (cloud)"}


class Devices(TeamQuerySet):
    """A team's own devices; and those that an administrator of the portal shares with every team, to see and to run on."""

    def visible_to(self, user: Any) -> Self:
        mine = Membership.objects.granting(user, ROLES)
        return self.filter(Q(team__in=mine.values("team_id")) | Q(shared=True) & Q(models.Exists(mine)))

    def usable_by(self, team: Any) -> Self:
        """What this team may run on: its own and the shared ones; nothing for somebody who is in none."""
        return self.filter(Q(team=team) | Q(shared=True)) if team else self.none()

    def _with_role(self, user: Any, roles: tuple[Role, ...]) -> Self:
        """Whoever may change a device of the team; what every team shares is for operators to change."""
        mine = super()._with_role(user, roles)
        return mine if getattr(user, "is_staff", False) else mine.filter(shared=False)

    def in_state(self, state: str) -> Self:
        """Those of which `Device.state` is this word; a word that nobody knows finds none."""
        heard = Q(last_seen__gt=timezone.now() - SILENT_AFTER) & ~Q(health__has_key=STOPPED)
        which = {"retired": Q(retired=True), "never seen": Q(last_seen=None, draining=False),
                 "contact lost": ~heard & Q(last_seen__isnull=False),
                 "draining": (heard | Q(last_seen=None)) & Q(draining=True), "busy": heard & Q(draining=False, busy=True),
                 "online": heard & Q(draining=False, busy=False)}.get(state, Q(pk=None))
        return self.filter(which) if state == "retired" else self.filter(which, retired=False)


class Device(TeamOwned):
    """A machine that runs networks: a host of a worker (`host`), or a board whose agent pulls its work (`Agent`)."""

    name = models.CharField(max_length=120)
    tier = models.CharField(max_length=10, choices=Tier.choices, default=Tier.DEVICE)
    hardware = models.CharField("processor", max_length=200, blank=True)
    os = models.CharField("operating system", max_length=120, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    accelerators = models.CharField(max_length=200, blank=True)
    # {"onnxruntime": "1.23.2", ...}: versions of what runs networks there.
    runtimes: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    location = models.CharField(max_length=120, blank=True)
    labels: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    shared = models.BooleanField(default=False, help_text="Every team may run on it.")
    host = models.CharField(max_length=120, blank=True, help_text="Name of the worker host that measures on it.")
    last_seen = models.DateTimeField(null=True, blank=True)
    # What it said of itself last: {"governor", "temperature_c", "throttled", "free_memory_bytes", "load", ...}.
    health: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    # An administrator asked that nothing new begins on it.
    draining = models.BooleanField(default=False)
    # It holds a run now: said by its agent, or by its host's worker.
    busy = models.BooleanField(default=False)
    retired = models.BooleanField(default=False)
    # What was measured names a device as it was called then.
    former_names: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True, editable=False, db_default=[])
    # It was entered twice: all that it had moved there, and it is retired for good.
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged",
                                    editable=False)
    # When people were told that it is silent; empty again when it is back.
    alerted = models.DateTimeField(null=True, blank=True, editable=False)
    objects = Devices.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="device_names_are_unique_in_a_team")]
        indexes = [GinIndex(fields=["labels"], name="devices_by_label")]

    def __str__(self) -> str:
        return self.name

    @property
    def names(self) -> set[str]:
        """What measurements call it, now and before."""
        return {self.name, self.host, *self.former_names} - {""}

    @property
    def place(self) -> str:
        """Where it stands, in plain words."""
        return PLACES[Tier(self.tier)]

    @property
    def queue(self) -> str:
        """The queue of one in which this device's measurements wait their turn."""
        return f"bench.{self.host or self.pk.hex}"

    @property
    def state(self) -> str:
        """`online`, `busy`, `draining`, `contact lost`, `never seen` or `retired`; a silent board is never called failed."""
        if self.retired:
            return "retired"
        if self.last_seen is None:
            return "draining" if self.draining else "never seen"
        if STOPPED in self.health or timezone.now() - self.last_seen >= SILENT_AFTER:
            return "contact lost"
        return "draining" if self.draining else "busy" if self.busy else "online"
