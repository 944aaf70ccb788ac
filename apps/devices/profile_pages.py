"""Pages of profiles in files: bring one, look at what it would make, take one away, and every file to download."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.devices import profile_files, profiles
from apps.devices.models import Device, Profile
from apps.devices.profile_forms import BringForm, in_the_form
from apps.devices.profiles import Faulty, Plan
from worker.profile.examples import FILES

KEPT_ROWS = 200


@require_http_methods(["GET", "HEAD", "POST"])
def bring(request: HttpRequest) -> HttpResponse:
    """The form; a post with `save` keeps what the file holds, without it the page tells what it would make."""
    user, team = teams.person(request), teams.current(request)
    if team is None or not teams.may_edit(user, team):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, BringForm(user, team, initial={"device": request.GET.get("device", "")[:40]}))
    form = BringForm(user, team, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    done = profiles.bring if "save" in request.POST else profiles.look
    try:
        plan = done(user, team, form.bytes, form.name, form.chosen)
    except Refused as refused:
        return _page(request, _told(form, request, refused), status=422, **_faults(refused))
    if "save" in request.POST and plan.device:
        messages.success(request, said(plan))
        return redirect("device", pk=plan.device.pk)
    return _page(request, _again(form, request), plan=plan, shown=plan.arrivals[:KEPT_ROWS])


def said(plan: Plan) -> str:
    """What was made, in a sentence."""
    same = len(plan.arrivals) - len(plan.fresh)
    made = [f"{len(plan.fresh)} profile{'' if len(plan.fresh) == 1 else 's'} kept"] if plan.fresh else []
    made += [f"{same} as they were already"] if same else []
    made += ["what the file says of the device is kept"] if plan.changes else []
    return f"{plan.name}: {', '.join(made) or 'all as it was already'}."


def _page(request: HttpRequest, form: BringForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "devices/bring_profile.html", {"form": form, "examples": FILES, **more}, status=status)


def _again(form: BringForm, request: HttpRequest) -> BringForm:
    """The same form with the file's text in it, so that nothing has to be chosen again."""
    if not form.cleaned_data.get("file"):
        return form
    data: QueryDict = request.POST.copy()
    for name, value in in_the_form(form.bytes, form.name).items():
        data[name] = value
    again = BringForm(teams.person(request), teams.current(request), data)
    again.is_valid()
    return again


def _told(form: BringForm, request: HttpRequest, refused: Refused) -> BringForm:
    """With what is wrong at its field; of a file's many faults the list itself is on the page."""
    again = _again(form, request)
    for field in again.errors.copy():
        del again.errors[field]
    for field, text in refused.errors.items():
        again.add_error(field if field in again.fields else None, _many(refused) if isinstance(refused, Faulty) else text)
    return again


def _many(faulty: Faulty) -> str:
    many = len(faulty.faults) + faulty.more
    return f"{many} thing{'' if many == 1 else 's'} to mend in the file; the list is below its text."


def _faults(refused: Refused) -> dict[str, Any]:
    return {"faults": refused.faults, "more_faults": refused.more} if isinstance(refused, Faulty) else {}


@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    rows = Profile.objects.editable_by(request.user).select_related("device", "team")
    found: Profile = get_object_or_404(rows, pk=pk)
    device, network = found.device, found.network
    profiles.remove(teams.person(request), found)
    messages.success(request, f"The profile of {network} is deleted.")
    return redirect("device", pk=device.pk)


@require_safe
def one_file(request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
    rows = Profile.objects.visible_to(request.user).select_related("device")
    return profile_files.of_one(get_object_or_404(rows, pk=pk), form)


@require_safe
def device_file(request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
    """The newest of each network, of the team whose device it is, or of the current one where it is shared."""
    found: Device = get_object_or_404(Device.objects.visible_to(request.user).select_related("team"), pk=pk)
    team = found.team if teams.role(teams.person(request), found.team) else teams.current(request)
    return profile_files.of_device(team or found.team, found, form)


@require_safe
def example(request: HttpRequest, name: str) -> HttpResponse:
    return profile_files.example(name)
