"""Saved plans and offers for operators, to read: only the actions, the desk and runs write them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.plans.models import SavedPlan, TransferOffer


@admin.register(SavedPlan)
class SavedPlanAdmin(admin.ModelAdmin[SavedPlan]):
    list_display = ("name", "team", "network", "state", "stale_since", "saved_by", "saved_at", "due")
    list_filter = ("state",)
    list_select_related = ("team", "saved_by")
    search_fields = ("name", "network")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SavedPlan | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SavedPlan | None = None) -> bool:
        return False


@admin.register(TransferOffer)
class TransferOfferAdmin(admin.ModelAdmin[TransferOffer]):
    list_display = ("__str__", "team", "network", "dataset", "device", "made_by", "created")
    list_select_related = ("team", "device")
    search_fields = ("network", "dataset")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: TransferOffer | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TransferOffer | None = None) -> bool:
        return False
