"""Models, their variants and data sets, as rows that point at immutable files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from apps.accounts.models import TeamOwned


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

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="variants")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    name = models.CharField(max_length=120)
    file = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    onnx = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    precision = models.CharField(max_length=5, choices=Precision.choices, default=Precision.FP32)
    size_bytes = models.PositiveBigIntegerField()
    params = models.PositiveBigIntegerField()
    macs = models.PositiveBigIntegerField()
    activation_bytes = models.PositiveBigIntegerField()
    made_by = models.UUIDField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ("created", "id")

    def __str__(self) -> str:
        return self.name


class Dataset(TeamOwned):
    """Images and labels with fixed train, validation and test parts. `counts` says how many each part has."""

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    in_shape = models.JSONField(help_text="Channels, height, width of one sample.")
    classes = models.PositiveIntegerField()
    labels: models.JSONField[Any, Any] = models.JSONField(default=list)
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    file = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="dataset_names_are_unique_in_a_team")]

    def __str__(self) -> str:
        return self.name
