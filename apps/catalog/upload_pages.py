"""What pages show of uploads: those on their way and what became of them, with a form to mend what was refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog import uploading
from apps.catalog.forms import ContentForm, DataForm, FootageForm, SizeForm
from apps.catalog.models import RegisteredModel, Upload, UploadState, shape_words
from apps.live.models import Stream

SHOWN = 12
Mending = SizeForm | FootageForm
READY_SHOWN = timedelta(hours=1)
PLACES = {"model": "models", "dataset": "datasets"}
PROBLEMS = {"missing": "missing", "unexpected": "unexpected", "shape": "of another shape"}
STEPS = {
    "drawing": "weights drawn",
    "gathering": "parts put together", "reading": "file read", "unpacking": "unpacked", "fitting": "fitted to the architecture",
    "graph": "graph read, answers compared in ONNX Runtime",
    "sizes": "sizes looked at", "pictures": "pictures decoded", "storing": "written as a data set",
    "detections": "detections checked line by line",
    "labels": "labels checked", "weights": "weights checked", "measuring": "mean and deviation measured",
    "writing": "written as safetensors and ONNX", "parity": "its ONNX file compared", "keeping": "kept in the store",
}


@require_safe
def uploads(request: HttpRequest, kind: str) -> HttpResponse:
    """Fragment: the uploads of the team's page for models or data."""
    return render(request, "catalog/_uploads.html", listed(request, kind, model=request.GET.get("model", "")))


@require_POST
def again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Check a refused file with what was filled in; what cannot be comes back in the form, with everything typed."""
    found = _editable(request, pk)
    form = _form(found, request.POST)
    if form.is_valid():
        try:
            said = _kept(found, as_new=form.cleaned_data.get("as_new", False)) | form.options()
            return redirect(_place(uploading.again(teams.person(request), found, said)))
        except Refused as refused:
            form.refuse(refused)
    context = listed(request, found.kind, filled=(found, form))
    return render(request, "catalog/uploads.html", context, status=422)


def _form(upload: Upload, typed: Any = None, **more: Any) -> Mending:
    """What may be said anew of a refused file; that it shall be a model of its own, where it was sent to another."""
    if upload.mend == "footage":
        return FootageForm(typed, prefix=str(upload.pk), **more)
    if upload.kind == Upload.Kind.DATASET:
        return SizeForm(typed, prefix=str(upload.pk), **more)
    return ContentForm(typed, prefix=str(upload.pk), is_variant=bool(upload.options.get("model")),
                       has_architecture=bool(upload.findings.get("describes_itself")), **more)


def _kept(upload: Upload, *, as_new: bool) -> dict[str, Any]:
    """Of what was said at first, what the form does not ask again."""
    names = ("name", "description") if as_new else ("name", "description", "model")
    return {name: value for name, value in upload.options.items() if name in names and value}


@require_POST
def abandon(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _editable(request, pk)
    place = _place(found)
    try:
        uploading.abandon(teams.person(request), found)
    except Refused as refused:
        return render(request, "catalog/uploads.html", listed(request, found.kind) | {"refused": refused}, status=409)
    return redirect(place)


def _editable(request: HttpRequest, pk: UUID) -> Upload:
    found: Upload = get_object_or_404(Upload.objects.editable_by(request.user).select_related("team"), pk=pk)
    return found


def _place(upload: Upload) -> str:
    """The page it belongs to: its model's when it is to be a variant."""
    model = upload.options.get("model")
    there = model and RegisteredModel.objects.filter(team=upload.team, pk=model).exists()
    return reverse("model", args=[model]) if there else reverse(PLACES[upload.kind])


def listed(request: HttpRequest, kind: str, *, filled: tuple[Upload, Mending] | None = None,
           model: str = "") -> dict[str, Any]:
    """The uploads that a page shows: unfinished ones, refused ones, and what became ready lately; of one model, or all."""
    rows = Upload.objects.visible_to(request.user).filter(team=teams.current(request), kind=kind)
    rows = rows.filter(options__model=model.replace("\x00", "")) if model else rows
    lately = Q(state=UploadState.READY, touched__gt=timezone.now() - READY_SHOWN)
    shown = rows.filter(~Q(state=UploadState.READY) | lately).select_related("model", "variant", "dataset", "made_by")
    newest = list(shown[:SHOWN + 1])
    uploads = newest[:SHOWN]
    for upload in uploads:
        _tell(upload)
    if filled:
        # However old it is, and of whichever team: what was typed comes back.
        uploads = [_tell(*filled), *(upload for upload in uploads if upload.pk != filled[0].pk)]
    return {"uploads": uploads, "has_older": len(newest) > SHOWN, "kind": kind, "place": PLACES[kind], "may_edit": teams.may_edit(
        teams.person(request), teams.current(request))}


def _tell(upload: Upload, form: Mending | None = None) -> Upload:
    """What the template shows beside the row's own columns."""
    upload.said = [(STEPS.get(step["name"], step["name"]), step["detail"]) for step in upload.steps]  # type: ignore[attr-defined]
    upload.parity = _parity(upload)  # type: ignore[attr-defined]
    upload.problems = _problems(upload.findings.get("counts") or {})  # type: ignore[attr-defined]
    if upload.is_fresh:
        upload.anew = _anew(upload)  # type: ignore[attr-defined]
        return upload
    upload.part = upload.received_bytes / upload.size_bytes  # type: ignore[attr-defined]
    is_here = upload.state == UploadState.REFUSED and upload.received_bytes == upload.size_bytes
    if is_here and (upload.kind == "model" or upload.mend in ("in_shape", "footage")):
        upload.form = form or _form(upload, initial=_initial(upload))  # type: ignore[attr-defined]
    return upload


def _anew(upload: Upload) -> str:
    """What was asked for, as the address of the page that asks for it anew."""
    said = upload.options
    drawn = said["fresh"]
    of = {"dataset": drawn["dataset"]} if drawn["dataset"] else {
        "in_shape": "x".join(map(str, said["in_shape"])), "classes": said["classes"]}
    name = {"name": said["name"]} if drawn["is_named"] else {}
    return urlencode({"architecture": said["architecture"], **of, "width": f"{drawn['width']:g}", "seed": drawn["seed"], **name})


def _parity(upload: Upload) -> str:
    """How far ONNX Runtime's answers were from the network's."""
    found = upload.findings.get("parity") or {}
    if None in (found.get("max_abs"), found.get("max_relative")):
        return ""
    return (f"Compared with ONNX Runtime on random images: the largest difference is {found['max_abs']:.1e}, "
            f"{found['max_relative']:.1e} of the largest answer.")


def _problems(counts: dict[str, int]) -> str:
    """`3 missing, 1 of another shape`."""
    return ", ".join(f"{counts[name]:,} {words}" for name, words in PROBLEMS.items() if counts.get(name))


def _initial(upload: Upload) -> dict[str, Any]:
    """What was said, and what the inspection proposes: the one architecture that fits, or is most alike."""
    suited = upload.findings.get("suited") or []
    said = upload.options.get("architecture") or ""
    fits = suited[0] if len(suited) == 1 else said or upload.findings.get("closest", "")
    in_shape = upload.findings.get("in_shape") or upload.options.get("in_shape")
    return {"architecture": fits, "classes": upload.options.get("classes") if upload.mend != "classes" else None,
            "in_shape": shape_words(in_shape).replace("×", "x") if in_shape else "",
            "footage": _filmed(upload.options.get("footage"))}


def _filmed(footage: list[float] | None) -> str:
    """`1920x1080 at 30`."""
    return "{:g}x{:g} at {:g}".format(*footage) if footage else ""


def panel(request: HttpRequest, team: Team | None, kind: str, model: RegisteredModel | None = None) -> dict[str, Any]:
    """What the upload panel of a page needs: its form, its list, and the stream that tells when something changes."""
    own = str(model.pk) if model else ""
    found = listed(request, kind, model=own)
    if team is None or not found["may_edit"]:
        return found
    stream = Stream.of_team(team)
    address = reverse(f"{kind}-uploads") + (f"?model={own}" if own else "")
    config = {"kind": kind, "stream": str(stream.pk), "head": stream.head, "list": address,
              "model": own or None, "limit": settings.UPLOAD_LIMITS[kind],
              "signIn": settings.LOGIN_URL}
    return found | {"upload_config": config, "content": ContentForm() if kind == "model" else DataForm(), "upload_model": model,
                    "limit_bytes": settings.UPLOAD_LIMITS[kind]}
