"""Deployment: a network, or a change of one, on its way to a board. Served: what a board said that it serves."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import TeamOwned
from apps.catalog.models import Blob
from apps.devices.models import Agent, Device
from apps.experiments.models import Run


class Kind(models.TextChoices):
    """A first network takes the place of whatever was served; a change turns the network that is there into the next one."""

    FIRST = "first", "first network"
    CHANGE = "change", "update"


class State(models.TextChoices):
    """Waiting for its board, then exactly one of the others."""

    WAITING = "waiting"
    TAKEN = "taken"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Deployment(TeamOwned):
    """One thing that goes to one board, and the job itself: while it waits the board is told of it with every beat.

    What is sent is `head` (address and signature, see `worker.addressed`) and behind it the bytes of `body`; both go once it is
    settled, the row stays. `sent_bytes`: the whole of it; `everything_bytes`: the network that it leads to sent whole, as a first
    one. `batch_bytes`: what the board fetches besides to try it on, once for all that follow.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="deployments")
    # The agent's own name on its disk: a board set up anew is another one, whose numbers begin again.
    addressed_to = models.CharField(max_length=64)
    number = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The run may go; what it was called then stays.
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="deployments")
    run_number = models.PositiveIntegerField()
    network = models.CharField(max_length=120)
    round = models.PositiveIntegerField(default=0, help_text="Of the run's rounds; 0 for the first network.")
    path = models.CharField(max_length=200, help_text="Of the run's files.")

    head = models.BinaryField(default=b"", editable=False)
    body = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    batch = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, help_text="Of head and body together, as they are sent.")
    sent_bytes = models.PositiveBigIntegerField()
    everything_bytes = models.PositiveBigIntegerField()
    batch_bytes = models.PositiveBigIntegerField(default=0)
    batch_images = models.PositiveIntegerField(default=0)
    least_right = models.PositiveIntegerField(default=0)
    base_sha256 = models.CharField(max_length=64, blank=True)
    result_sha256 = models.CharField(max_length=64)

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=400, blank=True)
    # Whether the board ran it on the stored batch first; empty while it waits.
    tried = models.BooleanField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    settled = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created", "-number")
        constraints = [models.UniqueConstraint(fields=["addressed_to", "number"], name="numbers_rise_on_a_board")]
        indexes = [models.Index(fields=["device", "number"], name="deployments_that_wait", condition=Q(state="waiting")),
                   models.Index(fields=["device", "-created"], name="deployments_of_a_device"),
                   models.Index(fields=["team", "-created"], name="deployments_of_a_team")]

    def __str__(self) -> str:
        return f"number {self.number} for {self.device}"

    @property
    def is_waiting(self) -> bool:
        return self.state == State.WAITING

    @property
    def said(self) -> str:
        """Which network it leads to, in words."""
        what = f"round {self.round}" if self.round else "the first network"
        return f"{what} of run {self.run_number}"

    @property
    def went(self) -> bool:
        """Whether its bytes went to the board, as far as is known: who takes or refuses one has fetched it."""
        return self.state in (State.TAKEN, State.REFUSED)

    @property
    def share(self) -> float:
        """What is sent, of what sending everything would take."""
        return self.sent_bytes / self.everything_bytes


class Served(models.Model):
    """What the agent of a board said last of the network that it serves; a board set up anew has another agent, and none yet.

    `number` is empty where it serves none. `first_sha256`: the first network, which it keeps. `cannot`: why it takes no network,
    in a sentence; `key`: the fingerprint of the portal's key as it was pinned when the board joined.
    """

    agent = models.OneToOneField(Agent, primary_key=True, on_delete=models.CASCADE, related_name="served")
    number = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    first_sha256 = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=64, blank=True)
    cannot = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(help_text="When it was heard first that it serves this one.")

    class Meta:
        verbose_name_plural = "served"

    def __str__(self) -> str:
        return f"number {self.number} on {self.agent.device}" if self.number is not None else f"nothing on {self.agent.device}"

    @property
    def heard(self) -> datetime | None:
        """When it was said last: every beat says it."""
        return self.agent.device.last_seen
