"""Models, their variants and data sets, as rows that point at immutable files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import TeamOwned

UNTRAINED = "initialised"  # as networks of the house are called before anybody trains them


def shape_words(sides: Sequence[int]) -> str:
    """`3×32×32`."""
    return "×".join(str(side) for side in sides)


class Blob(models.Model):
    """A file by its content: written once, never changed, found by its SHA-256. Rows decide who may read it."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size_bytes = models.PositiveBigIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class RegisteredModel(TeamOwned):
    """A network under a name; its files are its variants."""

    name = models.CharField(max_length=120)
    task = models.CharField(max_length=60, default="image classification")
    in_shape = models.JSONField(help_text="Channels, height, width of one sample.")
    classes = models.PositiveIntegerField()
    description = models.TextField(blank=True)

    class Meta:
        ordering = ("name", "id")
        verbose_name = "model"
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="model_names_are_unique_in_a_team")]

    def __str__(self) -> str:
        return self.name

    def misfit(self, dataset: Dataset) -> str:
        """Why this data set cannot be used with the model, with both numbers; nothing when it can."""
        if list(self.in_shape) != list(dataset.in_shape):
            return f"{self} takes {shape_words(self.in_shape)} samples; {dataset} has {shape_words(dataset.in_shape)}."
        if self.classes != dataset.classes:
            return f"{self} tells {self.classes} classes apart; {dataset} has {dataset.classes}."
        return ""


class Precision(models.TextChoices):
    """The numbers a variant computes with. All but fp32 are ONNX files: they run and are measured, and are not trained on."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class Variant(TeamOwned):
    """One file of a model with its lineage and its facts. `made_by` is the id of the run that made it."""

    REFERS_AS: ClassVar[str] = "variants made of it"
    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="variants")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    name = models.CharField(max_length=120)
    file = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    onnx = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    structure = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    precision = models.CharField(max_length=5, choices=Precision.choices, default=Precision.FP32)
    size_bytes = models.PositiveBigIntegerField()
    params = models.PositiveBigIntegerField()
    macs = models.PositiveBigIntegerField()
    activation_bytes = models.PositiveBigIntegerField()
    made_by = models.UUIDField(null=True, blank=True, db_index=True)
    notes: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True, help_text="What a person must know of it.")

    class Meta:
        ordering = ("created", "id")
        indexes = [
            models.Index(fields=["model", "created", "id"], name="variants_of_a_model"),
            models.Index(fields=["team", "-created"], name="variants_of_a_team"),
            models.Index(fields=["team", "-created"], name="originals_of_a_team", condition=Q(parent=None)),
        ]

    def __str__(self) -> str:
        return self.name


class DeskJob(models.Model):
    """What somebody wants of a variant and the desk does: see `apps.catalog.deskwork`. One with a `why` could not be done."""

    UNFINISHED: ClassVar[Q] = Q(why="")
    variant: Any  # each kind of job has its own: one for a variant, or many
    asked = models.DateTimeField()
    why = models.TextField(blank=True)
    token = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Description(DeskJob):
    """Somebody wants to see what a variant is made of: the row is the job of `apps.catalog.structures`, gone when it is done.

    One with a `why` could not be done; it stays, so that nobody tries at every look.
    """

    variant = models.OneToOneField(Variant, primary_key=True, on_delete=models.CASCADE, related_name="description")

    class Meta:
        indexes = [models.Index(fields=["asked"], name="variants_to_describe", condition=Q(why=""))]

    def __str__(self) -> str:
        return f"description of {self.variant_id}"


class Rehearsal(DeskJob):
    """Somebody asked what training a variant takes of memory: the row is the job of `apps.catalog.rehearsals` until it is `made`.

    `needs` are those of `worker.training.fitted`, as the prediction's `version` foretells them.
    """

    UNFINISHED: ClassVar[Q] = Q(why="", made=None)
    variant = models.OneToOneField(Variant, primary_key=True, on_delete=models.CASCADE, related_name="rehearsal")
    made = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    needs: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True, help_text="Of a step of each way of training.")

    class Meta:
        indexes = [models.Index(fields=["asked"], name="variants_to_rehearse", condition=Q(why="", made=None))]

    def __str__(self) -> str:
        return f"rehearsal of {self.variant_id}"


class DerivedFile(TeamOwned, DeskJob):
    """Files that are made of a variant when somebody wants them: the row is the job of `apps.catalog.derived` until it is `made`.

    `file` is the folded network, or the head of a cut behind the layer `after`, whose `tail` lies beside it.
    """

    class Kind(models.TextChoices):
        FOLDED = "folded"
        SLICES = "slices"

    UNFINISHED: ClassVar[Q] = Q(why="", made=None)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="derived")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    after = models.CharField(max_length=300, blank=True)
    made = models.DateTimeField(null=True, blank=True)
    file = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    tail = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    about: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True, help_text="Shapes, costs and parity of each.")

    class Meta:
        ordering = ("kind", "-asked", "id")
        constraints = [models.UniqueConstraint(fields=["variant", "kind", "after"], name="a_file_is_derived_once")]
        indexes = [
            models.Index(fields=["asked"], name="files_to_derive", condition=Q(why="", made=None)),
            models.Index(fields=["team"], name="derived_files_of_a_team", condition=Q(made__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"slices behind {self.after}" if self.kind == self.Kind.SLICES else "folded"

    @property
    def is_waiting(self) -> bool:
        return not self.why and self.made is None


class Dataset(TeamOwned):
    """Images and labels with fixed train, validation and test parts (`counts` says how many each has), or recorded detections.

    `recorded`: of recorded detections frames, fps, width, height, boxes by detector, and boxes of the truth where it came with
    them; then there are no images, and `in_shape` is empty.
    """

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    in_shape = models.JSONField(help_text="Channels, height, width of one sample.")
    classes = models.PositiveIntegerField()
    labels: models.JSONField[Any, Any] = models.JSONField(default=list)
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    file = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    samples = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    notes: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True, help_text="What a person must know of it.")
    recorded: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="dataset_names_are_unique_in_a_team")]

    def __str__(self) -> str:
        return self.name


# What a data set holds: rows of a choice, of a list.
IMAGES, RECORDINGS = Q(recorded__isnull=True), Q(recorded__isnull=False)


class UploadState(models.TextChoices):
    """The life of an upload: its parts come in, it is checked in a limited process, then it is one of the last two."""

    RECEIVING = "receiving"
    CHECKING = "checking"
    READY = "ready"
    REFUSED = "refused"


class Upload(TeamOwned):
    """A model or a data set on its way in. While it is `checking` the row is the job: see `apps.catalog.checking`."""

    class Kind(models.TextChoices):
        MODEL = "model"
        DATASET = "dataset"

    kind = models.CharField(max_length=7, choices=Kind.choices)
    file_name = models.CharField(max_length=200, help_text="As its owner calls it; for display only, never a path.")
    size_bytes = models.PositiveBigIntegerField()
    received_bytes = models.PositiveBigIntegerField(default=0)
    fingerprint = models.CharField(max_length=100, blank=True, help_text="What the sender knows the file again by.")
    options: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=9, choices=UploadState.choices, default=UploadState.RECEIVING)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    touched = models.DateTimeField(auto_now=True)

    # What the inspection says: its steps, why it refused, in which table, and what came of it.
    steps: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    why = models.TextField(blank=True)
    mend = models.CharField(max_length=20, blank=True, help_text="What would help: another architecture, a shape; or nothing.")
    findings: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    model = models.ForeignKey(RegisteredModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    variant = models.ForeignKey(Variant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    dataset = models.ForeignKey(Dataset, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    token = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "made_by", "kind", "size_bytes", "fingerprint"], name="a_file_is_received_once",
                condition=Q(state="receiving") & ~Q(fingerprint="")),
        ]
        indexes = [
            models.Index(fields=["team", "-created"], name="uploads_of_a_team"),
            models.Index(fields=["created"], name="uploads_to_check", condition=Q(state="checking")),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_fresh(self) -> bool:
        """Whether no file comes: a network is made from an architecture, see `apps.catalog.fresh`."""
        return "fresh" in self.options

    @property
    def keeps_bytes(self) -> bool:
        """Whether its parts still lie in the store and count towards the team's quota."""
        return self.state != UploadState.READY and self.received_bytes > 0


class UploadPart(models.Model):
    """A piece of an upload: one object in the store, under a name of ours."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    size_bytes = models.PositiveIntegerField()
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ("offset",)
        constraints = [models.UniqueConstraint(fields=["upload", "offset"], name="one_part_an_offset")]

    def __str__(self) -> str:
        return f"{self.name} from {self.offset}"
