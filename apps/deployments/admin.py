"""Deployments for operators, to read: only the actions and the boards write them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.deployments.models import Deployment


@admin.register(Deployment)
class DeploymentAdmin(admin.ModelAdmin[Deployment]):
    list_display = ("device", "number", "kind", "network", "run_number", "round", "state", "sent_bytes", "created", "settled")
    list_filter = ("state", "kind", "team")
    list_select_related = ("device",)
    search_fields = ("device__name", "network")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Deployment | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Deployment | None = None) -> bool:
        return False
