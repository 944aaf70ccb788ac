"""The list of devices and the page of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.devices.forms import DeviceForm
from apps.devices.models import Device
from worker import menu


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    rows = Device.objects.visible_to(request.user).filter(team=teams.current(request))
    search = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(hardware__icontains=search) | Q(location__icontains=search))
    return render(request, "devices/devices.html", {"devices": rows, "search": search})


def device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everybody of the team reads; only an administrator of the team may post."""
    found = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    administers = teams.administers(teams.person(request), found.team)
    if request.method == "POST":
        found = get_object_or_404(Device.objects.administered_by(request.user), pk=pk)
    form = DeviceForm(request.POST or None, instance=found) if administers else None
    if request.method == "POST" and form and form.is_valid():
        form.save(commit=False).save(update_fields=form.Meta.fields)
        messages.success(request, "The device is saved.")
        return redirect("device", pk=pk)
    # A rejected form has already written its values into its instance; the page shows what is kept.
    shown = Device.objects.visible_to(request.user).get(pk=pk) if request.method == "POST" else found
    return render(request, "devices/device.html", {"device": shown, "form": form, "is_chosen": _is_chosen()})


def _is_chosen() -> bool:
    """Whether any recipe lets a person choose a device."""
    return any("device" in recipe.params.references().values() for recipe in menu.recipes().values())
