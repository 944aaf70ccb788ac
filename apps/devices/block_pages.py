"""What networks take on a device, block by block: the page of one profile, and the newest of each network on the device."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, FloatField, IntegerField, Max
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.devices import blocks
from apps.devices.colours import places
from apps.devices.comparing import MOST as MOST_COMPARED
from apps.devices.models import Device, Profile
from apps.devices.models.profiles import TRUST
from worker.profile import NetworkProfile

MOST_NETWORKS, MOST_OTHERS = 50, 12


@require_safe
def profile(request: HttpRequest, pk: UUID, profile: UUID) -> HttpResponse:
    """One profile: what it depends on, its table, bars and graph, its files, and the devices it can be held against."""
    rows = Profile.objects.visible_to(request.user).select_related("device", "team")
    found: Profile = get_object_or_404(rows, pk=profile, device__in=Device.objects.visible_to(request.user).filter(pk=pk))
    told = NetworkProfile.model_validate(found.body)
    name = found.device.name
    graph = reverse("variant-graph", args=[found.variant]) if found.variant else ""
    context = blocks.shown(told, request.GET.dict(), device=name, place=places(found.team, [name])[name], graph=graph)
    return render(request, "devices/profile.html", {
        "profile": found, "device": found.device, "told": told, "others": _others(request, found), **context})


def _others(request: HttpRequest, found: Profile) -> list[Device]:
    """Other devices of which the same network is known block by block."""
    same = Profile.objects.visible_to(request.user).filter(team=found.team, network=found.network).exclude(device=found.device)
    mine = Device.objects.visible_to(request.user).filter(pk__in=same.values("device"))
    return list(mine.order_by("retired", "name", "pk")[:MOST_OTHERS])


@require_safe
def newest(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment for a device's page: of each network the newest profile, those of today first."""
    found = get_object_or_404(Device.objects.visible_to(request.user), pk=pk)
    mine = Profile.objects.visible_to(request.user).filter(device=found)
    counted = mine.values("network").annotate(newest=Max("created"), profiles=Count("pk")).order_by("-newest", "network")
    networks: dict[str, Any] = {each["network"]: each["profiles"] for each in counted[:MOST_NETWORKS]}
    rows = mine.filter(network__in=networks).order_by("network", TRUST, "-created", "pk").distinct("network").defer("body")
    rows = rows.annotate(within=Cast(KeyTextTransform("predicted_within", "body"), FloatField()),
                         left_out=Cast(KeyTextTransform("predicted_from", "body"), IntegerField()))
    shown = sorted(rows, key=lambda row: list(networks).index(row.network))
    others = _knowing(request, found, list(networks))
    return render(request, "devices/_newest_profiles.html", {
        "device": found, "rows": [(row, networks[row.network], others.get(row.network, [])) for row in shown],
        "left_out": max(0, counted.count() - MOST_NETWORKS)})


def _knowing(request: HttpRequest, device: Device, networks: list[str]) -> dict[str, list[UUID]]:
    """For each network the other devices that know it, as many as can stand beside this one."""
    mine = Profile.objects.visible_to(request.user).filter(team=teams.current(request), network__in=networks)
    mine = mine.exclude(device=device).filter(device__in=Device.objects.visible_to(request.user), device__retired=False)
    found: dict[str, list[UUID]] = {}
    for network, other in mine.order_by("device__name", "device").values_list("network", "device").distinct():
        if len(beside := found.setdefault(network, [])) < MOST_COMPARED - 1:
            beside.append(other)
    return found
