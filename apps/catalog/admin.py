"""Models, variants and data sets for operators; files themselves are immutable."""

from __future__ import annotations

from django.contrib import admin

from apps.catalog.models import Dataset, RegisteredModel, Variant


@admin.register(RegisteredModel)
class RegisteredModelAdmin(admin.ModelAdmin[RegisteredModel]):
    list_display = ("name", "team", "task", "created")
    list_select_related = ("team",)
    search_fields = ("name",)


@admin.register(Variant)
class VariantAdmin(admin.ModelAdmin[Variant]):
    list_display = ("name", "model", "team", "params", "size_bytes", "created")
    list_select_related = ("model", "team")
    search_fields = ("name", "model__name")
    raw_id_fields = ("model", "parent", "file", "onnx")


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin[Dataset]):
    list_display = ("name", "team", "classes", "created")
    list_select_related = ("team",)
    search_fields = ("name",)
    raw_id_fields = ("file",)
