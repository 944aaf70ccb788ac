"""Who speaks for a board: the code it joins with, and the token it has from then on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.accounts.models import TeamOwned
from apps.devices.models.device import Device, Tier

# Tiers of boards that may take connections; what stands at a sensor only ever makes them.
LISTENING = (Tier.EDGE, Tier.CLOUD)


class Enrolment(TeamOwned):
    """A code that lets boards join a team: short-lived, for so many boards, ended by too many wrong tries. Kept as a hash."""

    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=8)
    expires = models.DateTimeField()
    boards = models.PositiveIntegerField(default=1)
    joined = models.PositiveIntegerField(default=0)
    wrong_tries = models.PositiveIntegerField(default=0)
    tier = models.CharField(max_length=10, choices=Tier.choices, default=Tier.DEVICE)
    location = models.CharField(max_length=120, blank=True)
    labels: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    # The device it is for, where it gives an existing one a new agent (a board set up anew).
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    revoked = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"code {self.prefix}…"

    @property
    def is_open(self) -> bool:
        """Whether boards can still join with it."""
        return not self.revoked and self.expires > timezone.now() and self.joined < self.boards


class Agent(models.Model):
    """The program on a board, with a token of its own, bound to its device and so to its team; one living agent a device."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="agents")
    enrolment = models.ForeignKey(Enrolment, null=True, on_delete=models.SET_NULL, related_name="agents")
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    # A new token lives beside the old one until it is used for the first time.
    next_prefix = models.CharField(max_length=8, blank=True)
    next_digest = models.CharField(max_length=64, blank=True)
    # When it got its token; empty when somebody asked for another one.
    token_made = models.DateTimeField(null=True, blank=True)
    # Drawn by the agent at its start of life, kept on its disk: a second board with a copied card has the same token, not
    # the same boot.
    instance = models.CharField(max_length=64, blank=True)
    version = models.CharField(max_length=40, blank=True)
    # The version it is asked to become; empty when it is as it should be.
    wanted_version = models.CharField(max_length=40, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)
    # Whether this agent knows how to host a slice; and, where its owner lets tensors in (`--data-port`), where it takes them
    # and by which certificate it is known there: what it calls its own address, and the one it was last heard from.
    can_host = models.BooleanField(default=False, db_default=False)
    data_port = models.PositiveIntegerField(null=True, blank=True)
    data_fingerprint = models.CharField(max_length=64, blank=True, db_default="")
    data_host = models.CharField(max_length=64, blank=True, db_default="")
    seen_host = models.CharField(max_length=64, blank=True, db_default="")
    # When a second board was last turned away that had this one's token.
    copied = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        indexes = [models.Index(fields=["next_prefix"], name="agents_with_a_next_token", condition=~models.Q(next_prefix=""))]
        constraints = [models.UniqueConstraint(fields=["device"], condition=models.Q(revoked=None),
                                               name="one_living_agent_a_device")]

    def __str__(self) -> str:
        return f"agent {self.prefix} of {self.device}"

    @property
    def has_spoken(self) -> bool:
        """Whether it was heard since it joined. Joining counts for its device, a moment before the agent is there."""
        return self.device.last_seen is not None and self.device.last_seen > self.created

    @property
    def takes_tensors(self) -> bool:
        """Whether others may connect to it: its owner said so, and it stands at an edge or in a cloud."""
        return bool(self.can_host and self.data_port and self.data_fingerprint) and self.device.tier in LISTENING

    @property
    def data_hosts(self) -> list[str]:
        """Where to try, best first: a certificate that is pinned makes a wrong one harmless."""
        return list(dict.fromkeys(filter(None, (self.data_host, self.seen_host))))
