"""Devices and links in and out as CSV or JSON: strict on the way in, nothing a spreadsheet runs on the way out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets
from import_export.formats.base_formats import CSV, JSON
from import_export.forms import ImportForm
from import_export.tmp_storages import CacheStorage

from apps.accounts.models import Team
from apps.accounts.words import plain
from apps.devices import labels, names
from apps.devices.desk.forms import NO_HOST, STAYS, lives
from apps.devices.models import Device, Link
from worker.profile.sheet import guarded, unguarded

FORMATS = [CSV, JSON]
LARGEST, MOST_ROWS = 1_000_000, 5_000


class TextStorage(CacheStorage):  # type: ignore[misc]
    """What waits for its preview to be confirmed: as text, where every web process finds it."""

    CACHE_LIFETIME = 3600

    def save(self, data: bytes) -> None:
        super().save(data.decode("utf-8-sig"))


class FileForm(ImportForm):  # type: ignore[misc]
    """A file of a size and in letters that can be read."""

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST:
            raise forms.ValidationError(f"At most {LARGEST:,} bytes; this has {file.size:,}.")
        try:
            text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("This is no text in UTF-8.") from None
        file.seek(0)
        if "\x00" in text or not text.strip():
            raise forms.ValidationError("This is empty, or has characters that cannot be kept.")
        return file


class Labels(widgets.Widget):  # type: ignore[misc]
    """Labels as words with blanks between them."""

    def clean(self, value: Any, row: Any = None, **more: Any) -> list[str]:
        return labels.words(str(value or ""))

    def render(self, value: Any, obj: Any = None, **more: Any) -> str:
        return " ".join(value or [])


class YesOrNo(widgets.BooleanWidget):  # type: ignore[misc]
    """Nothing else is taken for a yes; left empty, it is a no."""

    def clean(self, value: Any, row: Any = None, **more: Any) -> bool:
        said = str(value if value is not None else "").strip().lower()
        if said not in ("", "0", "1", "true", "false", "yes", "no"):
            raise ValueError("must be 1 or 0")
        return said in ("1", "true", "yes")


class Guarded(resources.ModelResource):  # type: ignore[misc]
    """Text that a spreadsheet would run goes out with an apostrophe before it, and comes in without."""

    def export_field(self, field: Any, instance: Any, **more: Any) -> Any:
        value = super().export_field(field, instance, **more)
        return guarded(value) if isinstance(value, str) else value

    def before_import(self, dataset: Any, **more: Any) -> None:
        if len(dataset) > MOST_ROWS:
            raise ValidationError(f"At most {MOST_ROWS:,} rows; this has {len(dataset):,}.")
        strange = [name for name in dataset.headers or [] if name not in self.fields]
        missing = [name for name in self.needed if name not in (dataset.headers or [])]
        if strange or missing:
            said = [f"there is no column {', '.join(map(repr, strange))}"] * bool(strange)
            said += [f"the column {', '.join(missing)} is missing"] * bool(missing)
            raise ValidationError(f"{' and '.join(said)}; columns are {', '.join(self.fields)}.")

    def before_import_row(self, row: Any, **more: Any) -> None:
        for name, value in row.items():
            row[name] = unguarded(value) if isinstance(value, str) else value

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """What would go out as it came in changes nothing; compared as text, for a file knows no other."""
        if import_validation_errors or original._state.adding:
            return False
        return all(field.export(instance) == field.export(original) for field in self.get_import_fields())

    needed: tuple[str, ...] = ()


class Devices(Guarded):
    """A row a device, known by its id, else new."""

    team = fields.Field("team", "team", widgets.ForeignKeyWidget(Team, "name"))
    labels = fields.Field("labels", "labels", Labels())
    shared = fields.Field("shared", "shared", YesOrNo())
    draining = fields.Field("draining", "draining", YesOrNo())
    retired = fields.Field("retired", "retired", YesOrNo())
    needed = ("team", "name", "tier")

    class Meta:
        model = Device
        fields = ("id", "team", "name", "tier", "hardware", "os", "cores", "memory_bytes", "accelerators", "location", "labels",
                  "host", "shared", "draining", "retired")
        export_order = fields
        clean_model_instances = True
        use_transactions = True
        skip_unchanged = report_skipped = True

    def validate_instance(self, instance: Device, import_validation_errors: Any = None, validate_unique: bool = True) -> None:
        wrong = dict(import_validation_errors or {}) | _unkept(instance) | _astray(instance)
        super().validate_instance(instance, wrong, validate_unique)


class Links(Guarded):
    """A row a direction, between devices of the team by their names."""

    team = fields.Field("team", "team", widgets.ForeignKeyWidget(Team, "name"))
    source = fields.Field("source", "source", widgets.ForeignKeyWidget(Device, "pk"))
    target = fields.Field("target", "target", widgets.ForeignKeyWidget(Device, "pk"))
    needed = ("team", "source", "target", "latency_ms", "bandwidth_mbps")

    class Meta:
        model = Link
        fields = ("id", "team", "source", "target", "latency_ms", "bandwidth_mbps", "origin")
        export_order = fields
        clean_model_instances = True
        use_transactions = True
        skip_unchanged = report_skipped = True

    def validate_instance(self, instance: Link, import_validation_errors: Any = None, validate_unique: bool = True) -> None:
        wrong = dict(import_validation_errors or {})
        for end in ("source", "target"):
            device = getattr(instance, end) if getattr(instance, f"{end}_id") and instance.team_id else None
            if device and device.team_id != instance.team_id and not device.shared:
                wrong[end] = ValidationError("This device is of another team, which does not share it.")
        super().validate_instance(instance, wrong, validate_unique)


TEXTS = {"name": 120, "hardware": 200, "os": 120, "accelerators": 200, "location": 120, "host": 120}


def _unkept(instance: Device) -> dict[str, ValidationError]:
    """The texts as they are seen; what cannot be kept, by its column."""
    wrong: dict[str, str] = {}
    for name, longest in TEXTS.items():
        setattr(instance, name, plain(name, getattr(instance, name) or "", longest, wrong, needed=name == "name"))
    return {name: ValidationError(said) for name, said in wrong.items()}


def _astray(instance: Device) -> dict[str, ValidationError]:
    """What the row would take to another team, bring back though another entry has all of it, give a second servant or call as
    another is called."""
    was = Device.objects.filter(pk=instance.pk).first() if not instance._state.adding else None
    wrong = {"team": STAYS} if was and was.team_id != instance.team_id else {}
    if was and was.merged_into_id and not instance.retired:
        wrong["retired"] = "It was merged into another entry, which has all of it; it stays retired."
    if was and instance.host and lives(was):
        wrong["host"] = NO_HOST
    is_other = was is None or (was.name, was.host, was.shared) != (instance.name, instance.host, instance.shared)
    if instance.team_id and is_other and (said := names.clash([instance])):
        wrong["name"] = said
    return {name: ValidationError(said) for name, said in wrong.items()}
