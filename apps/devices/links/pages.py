"""The page of a team's links, the form there and back, and network files in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.devices.links import actions
from apps.devices.links.forms import ORIGINS, LinkForm
from apps.devices.links.network import LARGEST, written_network
from apps.devices.links.numbers import written
from apps.devices.models import Device, Link, Origin

ROWS_A_PAGE, MOST_OF_A_DEVICE = 50, 50
UNREAD = "This is no text in UTF-8."


def links(request: HttpRequest) -> HttpResponse:
    """All links of the team; a post says one, there and back."""
    form = LinkForm(teams.person(request), teams.current(request), request.POST or None, initial=_asked(request))
    if request.method == "POST":
        team = teams.current(request)
        if not teams.may_edit(teams.person(request), team):
            return _shown(request, None, status=403)
        if form.is_valid() and team:
            try:
                made = actions.connect(teams.person(request), team, form.cleaned_data["source"], form.cleaned_data["target"],
                                       form.there, form.back, form.cleaned_data["origin"])
            except Refused as refused:
                for field, text in refused.errors.items():
                    form.add_error(field or None, text)
            else:
                messages.success(request, f"The link is kept: {made[0].source} and {made[0].target}, there and back.")
                return redirect("links")
        return _shown(request, form, status=422)
    return _shown(request, form)


@require_POST
def take_in(request: HttpRequest) -> HttpResponse:
    """A network file: chosen, or typed into the page; what is wrong is said line by line, and the text stays."""
    team, user = teams.current(request), teams.person(request)
    if not team or not teams.may_edit(user, team):
        return _shown(request, None, status=403)
    text, faults = _text(request)
    origin = request.POST.get("origin", Origin.TYPED)
    if origin not in dict(ORIGINS):
        faults = [*faults, "Say whether these numbers are measured."]
    if not faults:
        try:
            kept = actions.take_in(user, team, text, origin)
        except Refused as refused:
            faults = "\n".join(refused.errors.values()).split("\n")
        else:
            messages.success(request, f"{len(kept)} directions are kept.")
            return redirect("links")
    return _shown(request, LinkForm(user, team), status=422, faults=faults, typed=text, origin=origin)


@require_safe
def network_file(request: HttpRequest) -> HttpResponse:
    """Every link of the team, as Scission reads them."""
    named = {"Content-Disposition": 'attachment; filename="network.csv"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(b"".join(written_network(_links(request))), content_type="text/csv; charset=utf-8", headers=named)


@require_POST
def remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Link.objects.editable_by(request.user).select_related("team", "source", "target"), pk=pk)
    actions.remove(teams.person(request), found)
    messages.success(request, f"The link from {found.source} to {found.target} is removed.")
    return redirect("links")


def of_device(request: HttpRequest, device: Device) -> dict[str, Any]:
    """The links that begin or end at a device, of this team."""
    rows = _links(request).filter(Q(source=device) | Q(target=device))
    return {"links": list(rows[:MOST_OF_A_DEVICE]), "most_links": MOST_OF_A_DEVICE}


def _links(request: HttpRequest) -> QuerySet[Link]:
    rows: QuerySet[Link] = Link.objects.visible_to(request.user).filter(team=teams.current(request))
    return rows.select_related("source", "target").order_by("source__name", "target__name", "pk")


def _shown(request: HttpRequest, form: LinkForm | None, *, status: int = 200, **more: Any) -> HttpResponse:
    page = Paginator(_links(request), ROWS_A_PAGE).get_page(request.GET.get("page"))
    may_edit = teams.may_edit(teams.person(request), teams.current(request))
    context = {"page": page, "form": form if may_edit else None, "may_edit": may_edit, "largest": LARGEST, "origins": ORIGINS}
    return render(request, "devices/links.html", context | more, status=status)


def _asked(request: HttpRequest) -> dict[str, str]:
    """A form that begins with the ends that the address names, and with what is known between them."""
    ends = {end: known for end in ("source", "target") if (known := _id(request.GET.get(end, "")))}
    begun: dict[str, Any] = {end: str(known) for end, known in ends.items()}
    if len(ends) < 2:
        return begun
    both = list(ends.values())
    for link in _links(request).filter(source__in=both, target__in=both):
        way = "" if link.source_id == ends["source"] else "back_"
        begun |= {f"latency_{way}ms": written(link.latency_ms), f"bandwidth_{way}mbps": written(link.bandwidth_mbps),
                  "origin": link.origin}
    return begun


def _id(text: str) -> UUID | None:
    try:
        return UUID(text[:40])
    except ValueError:
        return None


def _text(request: HttpRequest) -> tuple[str, list[str]]:
    """What was sent, and what is wrong with it as text."""
    sent = request.FILES.get("file")
    if sent is None:
        text = request.POST.get("text", "")
        return text, [] if text.strip() else ["Choose a file, or type its lines."]
    if (sent.size or 0) > LARGEST:
        return "", [f"A network file has at most {LARGEST:,} bytes; this has {sent.size:,}."]
    try:
        return sent.read().decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return "", [UNREAD]
