"""How much a team keeps, and how much more it may: every team pays in full, whatever others hold."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F, Sum

from apps.accounts.models import Team
from apps.catalog.models import Dataset, DerivedFile, Upload, UploadState, Variant


def used_bytes(team: Team) -> int:
    """Files of variants and data sets, those made of variants, and what uploads hold or have asked for."""
    variants = Variant.objects.filter(team=team)
    onnx = variants.filter(onnx__isnull=False).exclude(onnx=F("file"))
    derived = DerivedFile.objects.filter(team=team, made__isnull=False)
    pending = Upload.objects.filter(team=team).exclude(state=UploadState.READY)
    kept = pending.exclude(state=UploadState.REFUSED, received_bytes=0)
    sums = (variants.aggregate(sum=Sum("file__size_bytes")), onnx.aggregate(sum=Sum("onnx__size_bytes")),
            Dataset.objects.filter(team=team).aggregate(sum=Sum("file__size_bytes")),
            Dataset.objects.filter(team=team).aggregate(sum=Sum("samples__size_bytes")), kept.aggregate(sum=Sum("size_bytes")),
            derived.aggregate(sum=Sum("file__size_bytes")), derived.aggregate(sum=Sum("tail__size_bytes")))
    return sum(each["sum"] or 0 for each in sums)


def left_bytes(team: Team) -> int:
    return max(0, settings.TEAM_QUOTA_BYTES - used_bytes(team))
