"""The device registry for operators."""

from __future__ import annotations

from django.contrib import admin

from apps.devices.models import Device


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin[Device]):
    list_display = ("name", "team", "tier", "hardware", "host", "last_seen", "retired")
    list_filter = ("tier", "retired")
    list_select_related = ("team",)
    search_fields = ("name", "hardware", "host")
