"""SavedPlan: a plan that somebody keeps, with all that it rests on, so that it can tell by itself when it no longer holds.

TransferOffer: what a run found that a transfer layer offers a plan.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.accounts.models import TeamOwned
from apps.devices.models import Device


class Freshness(models.TextChoices):
    """Whether a plan still is what it was kept as."""

    FRESH = "fresh", "up to date"
    STALE = "stale", "stale"


class Kind(models.TextChoices):
    """Which question it is an answer to."""

    SINGLE = "single", "one network"
    JOINT = "joint", "joint plan"


class SavedPlan(TeamOwned):
    """A plan of an answer, kept. Its JSON holds no key to another table: devices may go, the plan says so.

    `kind` tells which question `wanted` is: a `Wanted`, or a `JointWanted` of which `version` was kept; with its devices named.
    `plan`: `PlanSaid`, as it was when it was saved or brought up to date last.
    `band`: for each direction that it uses the bandwidths and round trips between which it stays best. `rests_on`: the devices
    with the profiles that speak for them and the links' numbers, and the best plan's place of then.
    `own_now`, `best_now`: the plan and the best one by what is known now, where that is another than it was saved with.
    """

    name = models.CharField(max_length=120)
    network = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SINGLE, db_default=Kind.SINGLE)
    wanted: models.JSONField[Any, Any] = models.JSONField()
    plan: models.JSONField[Any, Any] = models.JSONField()
    # Of a joint plan the version that it is, as the answer had it, without its plan.
    version: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    rank = models.PositiveIntegerField(null=True, blank=True, help_text="1: the best when it was saved; none: not among them.")
    band: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    rests_on: models.JSONField[Any, Any] = models.JSONField()
    # The same devices as `rests_on` names, for whatever happens to one of them to find its plans.
    device_ids: ArrayField[Any, Any] = ArrayField(models.UUIDField(), default=list, blank=True)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(help_text="When it was saved, or brought up to date last.")
    state = models.CharField(max_length=10, choices=Freshness.choices, default=Freshness.FRESH)
    stale_since = models.DateTimeField(null=True, blank=True)
    # What is otherwise now, a sentence each, and whether that matters: [{"text", "matters"}].
    changes: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    own_now: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    best_now: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    sorry = models.CharField(max_length=500, blank=True, help_text="Why there is no best plan now.")
    # Something that it rests on was changed then, and it was not held against that yet.
    due = models.DateTimeField(null=True, blank=True, editable=False)
    looked_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ("-saved_at", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="plan_names_are_unique_in_a_team")]
        indexes = [models.Index(fields=["team", "-saved_at"], name="plans_of_a_team"),
                   models.Index(fields=["looked_at"], name="plans_by_when_looked_at"),
                   models.Index(fields=["due"], name="plans_to_be_looked_at", condition=models.Q(due__isnull=False)),
                   GinIndex(fields=["device_ids"], name="plans_of_a_device")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_joint(self) -> bool:
        return self.kind == Kind.JOINT

    @property
    def is_stale(self) -> bool:
        return self.state == Freshness.STALE

    @property
    def checking(self) -> bool:
        """Something that it rests on changed, and nobody has looked yet."""
        return self.due is not None

    @property
    def latency_ms(self) -> float:
        """When it was saved."""
        return float(self.plan["latency_ms"])

    @property
    def latency_kind(self) -> str:
        return str(self.plan["kind"])

    @property
    def own_now_ms(self) -> float | None:
        """What the plan itself takes by what is known now; nothing where it cannot be run as it is."""
        return None if self.own is None else float(self.own["latency_ms"])

    @property
    def own_now_kind(self) -> str | None:
        return None if self.own is None else str(self.own["kind"])

    @property
    def own(self) -> Any:
        """The plan by what is known now."""
        return self.own_now if self.changes else self.plan

    @property
    def best_now_ms(self) -> float | None:
        return None if self.best_now is None else float(self.best_now["latency_ms"])

    @property
    def best_now_kind(self) -> str | None:
        return None if self.best_now is None else str(self.best_now["kind"])


class TransferOffer(TeamOwned):
    """A transfer layer at a cut of a network, as a run left it: `body` is a `worker.planning.offers.Offer` as JSON.

    `network` is what profiles of it are called here; `device` where its times were measured, while there is such a device.
    """

    network = models.CharField(max_length=120)
    dataset = models.CharField(max_length=120)
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # A run of the team, and the row's place in its file: no foreign key that would keep a run from going.
    made_by = models.UUIDField()
    place = models.PositiveIntegerField(default=0)
    body: models.JSONField[Any, Any] = models.JSONField()

    class Meta:
        ordering = ("-created", "place", "id")
        constraints = [models.UniqueConstraint(fields=["made_by", "place"], name="a_run_offers_a_layer_once")]
        indexes = [models.Index(fields=["team", "network", "-created"], name="offers_of_a_network")]

    def __str__(self) -> str:
        return f"{self.body.get('layer', '')} behind {self.body.get('after', '')} of {self.network}"
