"""The list of devices, the page of one, and what an administrator does there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.answers import status as status_of
from apps.accounts.refusal import Refused
from apps.devices import actions, drift, listing, live
from apps.devices.certificate import readable
from apps.devices.forms import DeviceForm, HandForm, form_for
from apps.devices.links import pages as links
from apps.devices.models import Device
from worker import menu

ROWS_A_PAGE = 25


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """What the team can run on: its own and the shared ones."""
    team, user = teams.current(request), teams.person(request)
    rows = listing.narrowed(listing.usable(user, team), listing.asked(request), team)
    page = Paginator(rows.select_related("team"), ROWS_A_PAGE).get_page(request.GET.get("page"))
    found = drift.drifts([device.pk for device in page.object_list])
    context = {"page": page, "rows": [(device, found.get(device.pk)) for device in page.object_list], "team": team,
               "administers": teams.administers(user, team)}
    return render(request, "devices/devices.html", context | listing.context(request) | live.following(team))


def new_device(request: HttpRequest) -> HttpResponse:
    """Register a device by hand."""
    team, user = teams.current(request), teams.person(request)
    if not teams.administers(user, team):
        return render(request, "devices/new.html", {"form": None}, status=403)
    form = HandForm(request.POST or None, instance=Device(team=team))
    if request.method == "POST":
        try:
            return redirect("device", pk=actions.keep(user, form).pk)
        except Refused as refused:
            _tell(form, refused)
    return render(request, "devices/new.html", {"form": form}, status=422 if form.errors else 200)


def device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everybody of the team reads; only an administrator of the team may post, of a shared device only an operator."""
    found = get_object_or_404(Device.objects.visible_to(request.user).select_related("team", "merged_into"), pk=pk)
    if request.method != "POST":
        return shown(request, found)
    changed = administered(request, pk)
    form = form_for(changed)(request.POST, instance=changed)
    try:
        actions.keep(teams.person(request), form)
    except Refused as refused:
        _tell(form, refused)
        # A rejected form has already written its values into its instance; the page shows what is kept.
        return shown(request, found, form=form, status=status_of(refused))
    messages.success(request, "The device is saved.")
    return redirect("device", pk=pk)


def shown(request: HttpRequest, found: Device, *, form: DeviceForm | None = None, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a device."""
    user, team = teams.person(request), teams.current(request)
    administers = Device.objects.administered_by(user).filter(pk=found.pk).exists()
    agent = found.agents.filter(revoked=None).first()
    context = {
        "device": found, "is_chosen": _is_chosen(), "administers": administers, "team": team,
        "form": form or (form_for(found)(instance=found) if administers else None),
        "agent": agent, "data_fingerprint": readable(agent.data_fingerprint) if agent else "",
        "drift": drift.drifts([found.pk]).get(found.pk), "points": drift.points(found.pk),
        "charts": {"charts": [CHART], "recipe": "", "title": found.name},
    }
    context |= live.following(team if team == found.team else None, found.pk)
    return render(request, "devices/device.html", context | links.of_device(request, found) | more, status=status)


CHART = {"kind": "line", "title": "Yardstick", "x": "time", "x_title": "time", "y": ["yardstick_ms"], "y_title": "median, ms",
         "by": "", "percent": False}


def administered(request: HttpRequest, pk: UUID) -> Device:
    found: Device = get_object_or_404(Device.objects.administered_by(request.user).select_related("team"), pk=pk)
    return found


@require_POST
def retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.retire, "The device is retired. What was measured on it stays.")


@require_POST
def bring_back(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, actions.bring_back, "The device is back.")


@require_POST
def drain(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`on`: let nothing new begin; anything else ends that."""
    on = request.POST.get("on") == "1"
    said = "Nothing new begins on it; what runs there ends in its own time." if on else "It takes work again."
    return _act(request, pk, lambda user, device: actions.drain(user, device, on=on), said)


def _act(request: HttpRequest, pk: UUID, action: Callable[[Any, Device], None], said: str) -> HttpResponse:
    action(teams.person(request), administered(request, pk))
    messages.success(request, said)
    return redirect("device", pk=pk)


def _tell(form: DeviceForm, refused: Refused) -> None:
    """What the form has not said itself."""
    if not form.errors:
        for field, text in refused.errors.items():
            form.add_error(field if field in form.fields else None, text)


def _is_chosen() -> bool:
    """Whether any recipe lets a person choose a device."""
    return any("device" in recipe.params.references().values() for recipe in menu.recipes().values())
