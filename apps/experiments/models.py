"""Experiment (what was asked), Run (one execution of it), and what runs leave: measurements, files, variants."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from apps.accounts.models import TeamOwned
from apps.catalog.models import Blob, Variant
from apps.devices.models import Device
from apps.live.models import Stream


class Status(models.TextChoices):
    """The life of a run: queued, running, perhaps cancelling, then exactly one of the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (Status.QUEUED, Status.RUNNING, Status.CANCELLING)
HELD = (Status.RUNNING, Status.CANCELLING)
ENDED = (Status.FINISHED, Status.FAILED, Status.CANCELLED)


class Experiment(TeamOwned):
    """What somebody asked for: a recipe with parameters, perhaps several values of some and several seeds."""

    name = models.CharField(max_length=200)
    recipe = models.CharField(max_length=80)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # [[field, [value, ...]], ...] in the order they were asked for.
    sweep: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    tags: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    archived = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created", "id")
        indexes = [
            models.Index(fields=["team", "-created"], name="experiments_of_a_team", condition=Q(archived=None)),
            GinIndex(fields=["tags"], name="experiments_by_tag"),
        ]

    def __str__(self) -> str:
        return self.name


class Run(TeamOwned):
    """One execution, and the job itself: whoever holds an unexpired lease with the current token may write here."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    stream = models.OneToOneField(Stream, on_delete=models.PROTECT, related_name="run")
    number = models.PositiveIntegerField()
    recipe = models.CharField(max_length=80)
    params: models.JSONField[Any, Any] = models.JSONField()
    inputs: models.JSONField[Any, Any] = models.JSONField(default=dict)
    live_params: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=150, default="cpu")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)

    queued_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    token = models.PositiveBigIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    stalls = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    worker_pid = models.PositiveIntegerField(null=True)

    # For a run on a board: the board; what the workshop prepared for it (recipe, params, facts, files), empty until then; the
    # request by which the board's agent took it, the fencing token it got, and the last batch that was heard under that.
    board = models.ForeignKey(Device, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    order: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    claim_request = models.UUIDField(null=True, blank=True)
    board_lease = models.PositiveBigIntegerField(null=True)
    last_batch = models.PositiveIntegerField(db_default=0, default=0)

    done = models.FloatField(default=0)
    total = models.FloatField(default=0)
    stage = models.CharField(max_length=80, blank=True)
    # What the present attempt said of each of its stages: {name: {since, began, at, done, total, part}}: times as ISO text,
    # `began` and `part` are shares of the stage's work, when it began and now.
    stages: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    environment: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    summary: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    reason = models.TextField(blank=True)
    trace = models.TextField(blank=True)
    cancelled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=["team", "number"], name="run_numbers_are_unique_in_a_team")]
        indexes = [
            models.Index(fields=["queue", "queued_at"], name="runs_that_wait", condition=Q(status="queued")),
            models.Index(fields=["lease_until"], name="runs_that_are_held",
                         condition=Q(status__in=["running", "cancelling"])),
            models.Index(fields=["team", "-number"], name="runs_of_a_team"),
            models.Index(fields=["team"], name="runs_that_live", condition=Q(status__in=["queued", "running", "cancelling"])),
        ]

    def __str__(self) -> str:
        return f"run {self.number}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_with_board(self) -> bool:
        """Whether a board's agent holds it, not a worker of the portal."""
        return self.status in HELD and self.board_lease == self.token


class RunVariant(models.Model):
    """A variant that a run made, or measured as it was given, under the name the run gave it."""

    REFERS_AS: ClassVar[str] = "runs that made or measured it"
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="variants")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="a_run_names_a_variant_once")]

    def __str__(self) -> str:
        return self.name


# What files of a run are, by their ending; others say their media type.
KINDS = {".onnx": "network, ONNX", ".safetensors": "weights, safetensors", ".change": "change of a network, for its boards",
         ".npz": "arrays, NumPy", ".json": "JSON", ".csv": "table, CSV", ".svg": "picture, SVG", ".bib": "citations, BibTeX"}


class RunFile(models.Model):
    """A file that a run left for download."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100, default="application/octet-stream")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="a_run_leaves_a_file_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """What it is, as people say it."""
        return KINDS.get(PurePosixPath(self.path).suffix.lower(), self.media_type)

    @property
    def file_name(self) -> str:
        """What it is called once downloaded: its name, with the extension by which programs know what it is."""
        ending = PurePosixPath(self.path).suffix
        return self.name if self.name.lower().endswith(ending.lower()) else f"{self.name}{ending}"


class BoardFile(models.Model):
    """A file that goes to a board (`is_order`), or that a board sent: kept by content, so that every web process has it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="board_files")
    path = models.CharField(max_length=200)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    is_order = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="a_board_has_a_file_once")]

    def __str__(self) -> str:
        return self.path


class Standing(models.TextChoices):
    """Where a slice on a board stands: wanted there, served there, or no longer."""

    WANTED = "wanted"
    SERVING = "serving"
    GONE = "gone"


STANDS = (Standing.WANTED, Standing.SERVING)


class Hosting(models.Model):
    """A slice of a run that a board keeps for the run's lead: reserved when the lead takes the run, over with the run."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="hostings")
    part = models.PositiveIntegerField()
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")
    # What it was called then.
    name = models.CharField(max_length=120)
    # [{"path", "sha256", "size_bytes"}, ...]: what of the run's order goes there, and what its process is to know of it.
    files: models.JSONField[Any, Any] = models.JSONField(default=list)
    facts: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=Standing.choices, default=Standing.WANTED)
    # The run's token for its slices is made anew of `salt` and the portal's secret; only its hash lies here.
    salt = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64)
    # Where it serves, and by which certificate it is known there; nothing where the portal relays.
    hosts: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    relayed = models.BooleanField(default=False)
    claim_request = models.UUIDField(null=True, blank=True)
    expires = models.DateTimeField()
    reason = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering = ("part",)
        constraints = [
            models.UniqueConstraint(fields=["run", "part"], name="a_part_stands_in_one_place"),
            models.UniqueConstraint(fields=["device"], condition=Q(state__in=["wanted", "serving"]),
                                    name="a_board_keeps_one_slice"),
        ]

    def __str__(self) -> str:
        return f"part {self.part} of {self.run} on {self.name}"


class Measurement(TeamOwned):
    """A number about a variant, and everything it depends on."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="measurements")
    variant_name = models.CharField(max_length=120)
    variant = models.ForeignKey(Variant, null=True, on_delete=models.SET_NULL, related_name="+")
    metric = models.CharField(max_length=80)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField(null=True)
    unit = models.CharField(max_length=20)
    origin = models.CharField(max_length=10)
    device = models.CharField(max_length=120, blank=True)
    engine = models.CharField(max_length=60, blank=True)
    threads = models.PositiveIntegerField(null=True)
    batch = models.PositiveIntegerField(null=True)
    dataset = models.CharField(max_length=120, blank=True)
    split = models.CharField(max_length=20, blank=True)
    samples = models.ForeignKey(RunFile, null=True, on_delete=models.SET_NULL, related_name="+")
    # Whether other work disturbed this timing.
    noisy = models.BooleanField(default=False)

    class Meta:
        ordering = ("created",)
        indexes = [models.Index(fields=["run", "variant_name", "metric"], name="numbers_of_a_run")]

    def __str__(self) -> str:
        return f"{self.variant_name} {self.metric} {self.value} {self.unit}"
