"""Runs for operators, to read: only the recorder and the actions write them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.experiments.models import Run


@admin.register(Run)
class RunAdmin(admin.ModelAdmin[Run]):
    list_display = ("number", "team", "recipe", "status", "queue", "worker", "attempt", "queued_at", "finished_at")
    list_filter = ("status", "recipe")
    list_select_related = ("team",)
    search_fields = ("experiment__name", "recipe")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False
