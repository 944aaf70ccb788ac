"""The page that holds several devices against each other on one network, and its table as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.devices import blocks, side_by_side
from apps.devices.colours import places
from apps.devices.models import Device, Profile
from apps.devices.side_by_side import Column, Known
from apps.live.tables import Table
from worker.profile import NetworkProfile

MOST, MOST_NETWORKS, MOST_KNOWN, LONGEST = 8, 200, 500, 120


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """What the address names: devices, a network, the one that the others are held against."""
    devices, network = _devices(request), _network(request)
    if len(devices) > MOST:
        problem = f"At most {MOST} devices can be compared at a time; these are {len(devices)}."
        return render(request, "devices/compare.html", {"devices": devices[:MOST], "problem": problem}, status=422)
    if devices and not network:
        network = _only(request, devices)
    devices = devices or _of_network(request, network)
    context = {"devices": devices, "network": network, "networks": _networks(request, devices)}
    columns = _columns(request, devices, network) if network else []
    return render(request, "devices/compare.html", context | (_held_against(request, devices, columns) if columns else {}))


@require_safe
def table(request: HttpRequest) -> Table:
    """The same as CSV: a line for each block and device, their sum, and the network in one piece where it is known."""
    devices, network = _devices(request)[:MOST], _network(request)
    columns = _columns(request, devices or _of_network(request, network), network) if network else []
    if not columns:
        raise Http404
    return Table(f"{network} on devices", HEAD, _csv(columns, _reference(request, columns)))


HEAD = ("device", "block", "first", "last", "ms", "low_ms", "high_ms", "output_bytes", "times_of_reference", "origin", "engine",
        "threads", "batch", "noisy", "network_sha256")


def _csv(columns: Sequence[Column], reference: Column) -> Iterator[list[Any]]:
    comparable = not side_by_side.cut_otherwise(columns)
    for column in columns:
        told = column.profile
        about = [told.origin, told.engine, told.threads, told.batch, told.noisy, told.sha256]
        for at, row in enumerate(blocks.rows_of(told)):
            base = reference.profile.blocks[at].seconds if comparable else 0
            yield [column.name, row.number, row.first, row.last, row.ms, row.low_ms, row.high_ms, row.output_bytes,
                   told.blocks[at].seconds / base if base else None, *about]
        times = column.total_ms / reference.total_ms if reference.total_ms else None
        ends = [told.blocks[0].first, told.blocks[-1].last]
        yield [column.name, "all", *ends, column.total_ms, None, None, None, times, *about]
        if column.whole_ms is not None:
            times = column.whole_ms / reference.whole_ms if reference.whole_ms else None
            yield [column.name, "whole", *ends, column.whole_ms, None, None, None, times, *about]


def _devices(request: HttpRequest) -> list[Device]:
    """The devices that the address names, in its order; not there when one of them is not, or not for this person."""
    try:
        ids = list(dict.fromkeys(UUID(text) for text in request.GET.getlist("device")[:1000]))
    except ValueError:
        raise Http404 from None
    found = {device.pk: device for device in Device.objects.visible_to(request.user).filter(pk__in=ids)} if ids else {}
    if len(found) < len(ids):
        raise Http404
    return [found[pk] for pk in ids]


def _network(request: HttpRequest) -> str:
    return request.GET.get("network", "").replace("\x00", "")[:LONGEST]


def _mine(request: HttpRequest) -> Any:
    """The profiles of the team that is looked at; of shared devices too, where this team has some."""
    return Profile.objects.visible_to(request.user).filter(team=teams.current(request))


def _of_network(request: HttpRequest, network: str) -> list[Device]:
    """A network alone names the devices of which it is known, as many as a page can show."""
    if not network:
        return []
    known = Device.objects.visible_to(request.user).filter(pk__in=_mine(request).filter(network=network).values("device"))
    return list(known.order_by("retired", "name", "pk")[:MOST])


def _networks(request: HttpRequest, devices: Sequence[Device]) -> list[dict[str, Any]]:
    """The networks that are known block by block on any of them (of any device, where none is picked), the commonest first."""
    mine = _mine(request).filter(device__in=devices) if devices else _mine(request)
    counted = mine.values("network").annotate(on=Count("device", distinct=True)).order_by("-on", "network")
    return list(counted[:MOST_NETWORKS])


def _only(request: HttpRequest, devices: Sequence[Device]) -> str:
    """The one network that all of them have; nothing where there is none, or a choice."""
    common = [each["network"] for each in _networks(request, devices) if each["on"] == len(devices)]
    return str(common[0]) if len(common) == 1 else ""


def _columns(request: HttpRequest, devices: Sequence[Device], network: str) -> list[Column]:
    """Three queries, whatever is compared: what is known, the colours, the blocks of those that speak."""
    rows = _mine(request).filter(network=network, device__in=devices).order_by("-created", "pk")
    told = rows.annotate(hash=KeyTextTransform("sha256", "body")).values_list(
        "pk", "device", "origin", "engine", "threads", "batch", "hash")
    known = [Known(row[0], row[1], row[2], tuple(row[3:])) for row in told[:MOST_KNOWN]]
    like = next((each for each in known if str(each.pk) == request.GET.get("like", "")), None)
    chosen = side_by_side.speaking(known, [device.pk for device in devices], like)
    bodies = dict(Profile.objects.filter(pk__in=[each.pk for each in chosen]).values_list("pk", "body")) if chosen else {}
    names = _names(devices)
    colours = places(teams.current(request), [device.name for device in devices]) if chosen else {}
    by_id = {device.pk: device for device in devices}
    return [Column(by_id[each.device], names[each.device], colours[by_id[each.device].name], each.pk,
                   NetworkProfile.model_validate(bodies[each.pk])) for each in chosen if each.pk in bodies]


def _names(devices: Sequence[Device]) -> dict[UUID, str]:
    """A shared device may be called as one of the team's own is."""
    seen: dict[str, int] = {}
    found = {}
    for device in devices:
        seen[device.name] = seen.get(device.name, 0) + 1
        found[device.pk] = device.name if seen[device.name] == 1 else f"{device.name} ({seen[device.name]})"
    return found


def _reference(request: HttpRequest, columns: Sequence[Column]) -> Column:
    asked = request.GET.get("reference", "")
    return next((column for column in columns if str(column.device.pk) == asked), columns[0])


def _held_against(request: HttpRequest, devices: Sequence[Device], columns: Sequence[Column]) -> dict[str, Any]:
    reference = _reference(request, columns)
    otherwise = side_by_side.cut_otherwise(columns)
    lines = [] if otherwise else side_by_side.lines(columns, reference)
    drawn = [(column.name, column.place, column.profile) for column in columns]
    return {"columns": columns, "reference": reference, "totals": side_by_side.totals(columns, reference),
            "warnings": side_by_side.unlike(columns) if len(columns) > 1 else [], "otherwise": otherwise,
            "disturbed": side_by_side.disturbed(columns), "by_whole": side_by_side.by_whole(columns),
            "page": Paginator(lines, blocks.ROWS_A_PAGE).get_page(request.GET.get("page")),
            "silent": [device for device in devices if device.pk not in {column.device.pk for column in columns}],
            "page_config": None if otherwise else blocks.config(drawn)}

