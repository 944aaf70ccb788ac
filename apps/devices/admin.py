"""The registry's desk for operators: devices and what hangs on them, and the trail of who changed what."""

from __future__ import annotations

from typing import Any

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin
from django.http import HttpRequest
from import_export.admin import ExportActionMixin, ImportExportMixin
from import_export.forms import ExportForm

from apps.devices.desk import files
from apps.devices.desk.doing import ManyAtOnce
from apps.devices.desk.forms import DeviceForm
from apps.devices.desk.signed import Signed
from apps.devices.models import Agent, Baseline, Device, Enrolment, Link, Profile

admin.site.unregister(LogEntry)


class InAndOut(ImportExportMixin, ExportActionMixin):  # type: ignore[misc]
    """Lists in and out: text only, what is taken in previewed first."""

    import_form_class = files.FileForm
    tmp_storage_class = files.TextStorage
    export_form_class = ExportForm
    formats = files.FORMATS

    def has_import_permission(self, request: HttpRequest) -> bool:
        """What it brings may be new, and may change what is there."""
        may: Any = self
        return bool(may.has_add_permission(request) and may.has_change_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        may: Any = self
        return bool(may.has_view_permission(request))


class OfLabel(admin.SimpleListFilter):
    """The devices with one label."""

    title, parameter_name = "label", "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        said = Device.objects.exclude(labels=[]).order_by().values_list("labels", flat=True).distinct()[:200]
        return [(label, label) for label in sorted({label for each in said for label in each})]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(labels__contains=[self.value()]) if self.value() else queryset


class ReadOnly(admin.ModelAdmin[Any]):
    """What only agents and measurements write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Device)
class DeviceAdmin(Signed, ManyAtOnce, InAndOut, admin.ModelAdmin[Device]):
    import_export_change_list_template = "admin/devices/change_list.html"
    resource_classes = (files.Devices,)
    list_display = ("name", "team", "tier", "state", "hardware", "host", "last_seen", "draining", "shared", "retired")
    form = DeviceForm
    list_filter = ("tier", OfLabel, "retired", "shared", "draining", "busy", "team")
    list_select_related = ("team",)
    search_fields = ("name", "hardware", "host", "location")
    list_per_page = 100
    readonly_fields = ("last_seen", "health", "busy", "runtimes", "former_names", "merged_into")

    def has_delete_permission(self, request: HttpRequest, obj: Device | None = None) -> bool:
        """What was measured on a device outlives it: it is retired, or merged into another entry."""
        return False


@admin.register(Link)
class LinkAdmin(Signed, InAndOut, admin.ModelAdmin[Link]):
    resource_classes = (files.Links,)
    list_display = ("__str__", "team", "latency_ms", "bandwidth_mbps", "origin", "at")
    list_filter = ("origin", "team")
    list_select_related = ("team", "source", "target")
    search_fields = ("source__name", "target__name")
    raw_id_fields = ("source", "target")


@admin.register(Profile)
class ProfileAdmin(Signed, ReadOnly):
    list_display = ("network", "device", "team", "engine", "origin", "blocks", "total_ms", "form", "created")
    list_filter = ("origin", "form", "team")
    list_select_related = ("device", "team")
    search_fields = ("network", "device__name", "file_name")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Lists never load what a profile holds."""
        return super().get_queryset(request).defer("body")


@admin.register(Enrolment)
class EnrolmentAdmin(Signed, ReadOnly):
    list_display = ("prefix", "team", "boards", "joined", "wrong_tries", "expires", "revoked", "created_by")
    list_select_related = ("team", "created_by")
    search_fields = ("prefix", "location")
    exclude = ("digest",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Agent)
class AgentAdmin(Signed, ReadOnly):
    list_display = ("prefix", "device", "version", "wanted_version", "last_used", "revoked")
    list_filter = ("version",)
    list_select_related = ("device",)
    search_fields = ("device__name", "prefix", "version")
    exclude = ("digest", "next_digest")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Baseline)
class BaselineAdmin(ReadOnly):
    list_display = ("device", "at", "median_ms", "low_ms", "high_ms", "noisy")
    list_select_related = ("device",)
    search_fields = ("device__name",)
    show_full_result_count = False


@admin.register(LogEntry)
class TrailAdmin(LogEntryAdmin):  # type: ignore[misc]
    """Who changed what in the registry; nobody changes this."""

    search_fields = ("object_repr", "changes", "actor__email")
    show_full_result_count = False
