"""What pages show of networks on boards, and what a person does there: send, send on, take back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.catalog.views import paged
from apps.deployments import actions, offering, run_boards, standing
from apps.deployments.models import Deployment, State
from apps.deployments.standing import Standing
from apps.devices.models import Agent, Device
from apps.experiments.models import Run
from worker.addressed.offered import Offered

ROWS = 15
ALL = "all"
# Where a page says what was done: beside the networks, and what waits until nothing waits any more.
SAID, WAITS = "networks", "networks-wait"
CHOOSE = "Choose a board."


@require_safe
def on_device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment of a device's page: the network that it serves, and all that was ever sent to it."""
    device: Device = get_object_or_404(Device.objects.visible_to(request.user).select_related("team"), pk=pk)
    stands = standing.of(device)
    mine = Deployment.objects.visible_to(request.user).filter(device=device)
    serves, administers = _served(mine, stands), _administers(request, device)
    return render(request, "deployments/_on_device.html", {
        "device": device, "stands": stands, "page": paged(request, mine.defer("head"), ROWS), "sums": _sums(mine),
        "serves": serves, "administers": administers, "onward": _onward(request, serves, stands) if administers else None})


@require_safe
def of_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment of a run's page: the boards that its network can go to, and those that wait for its updates."""
    run: Run = get_object_or_404(Run.objects.visible_to(request.user), pk=pk)
    return render(request, "deployments/_of_run.html", {"run": run, **_offer(request, run)})


@require_POST
def send_first(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`device`: which board shall serve the network of the run; where that takes the place of another, `sure` is asked for."""
    return _sent(request, pk, first=True)


@require_POST
def send_updates(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`device` and `rounds`: so many, or all that are left; where they take the place of another network, `sure` is asked for."""
    return _sent(request, pk, first=False)


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Deployment.objects.administered_by(request.user).select_related("device__team"), pk=pk)
    try:
        actions.withdraw(teams.person(request), found)
        messages.success(request, f"Number {found.number} and what builds on it is not sent.", extra_tags=SAID)
    except Refused as refused:
        _warn(request, refused)
    return _device_page(found.device)


def _sent(request: HttpRequest, pk: UUID, *, first: bool) -> HttpResponse:
    run: Run = get_object_or_404(Run.objects.editable_by(request.user), pk=pk)
    device = _device(request)
    if device is None:
        messages.warning(request, CHOOSE)
        return redirect("run", pk=pk)
    has = run_boards.of_device(run, device)
    if has and (replaced := has.replaces(first=first)) and request.POST.get("sure") != has.stands.will_serve:
        return render(request, "deployments/replace.html", {
            "run": run, "device": device, "has": has, "replaced": replaced, "first": first,
            "rounds": request.POST.get("rounds", "1")[:40]})
    try:
        messages.success(request, _send(request, run, device, first=first), extra_tags=WAITS)
    except Refused as refused:
        _warn(request, refused)
    return _device_page(device)


def _send(request: HttpRequest, run: Run, device: Device, *, first: bool) -> str:
    user = teams.person(request)
    made = [actions.deploy_first(user, run, device)] if first else actions.send(user, run, device, rounds=_rounds(request))
    what = "The first network" if first else _rounds_of(made)
    before = Deployment.objects.filter(device=device, state=State.WAITING).count() - len(made)
    behind = f", behind {before} that waited already" if before > 0 else ""
    it = "it" if len(made) == 1 else "them"
    return (f"{what} of run {run.number} wait{'s' if len(made) == 1 else ''} for {device}{behind}; the board takes {it} between "
            "two runs.")


def _rounds_of(made: list[Deployment]) -> str:
    if len(made) == 1:
        return f"The update of round {made[0].round}"
    return f"The updates of rounds {made[0].round} to {made[-1].round}"


def _rounds(request: HttpRequest) -> int | None:
    said = request.POST.get("rounds", "1")
    if said == ALL:
        return None
    if not said.isascii() or not said.isdigit():
        raise Refused({"rounds": f"How many updates: a whole number, or {ALL}; got {said[:40]}."})
    return int(said[:10])


def _device(request: HttpRequest) -> Device | None:
    """Only an administrator changes what a device serves."""
    try:
        asked = UUID(request.POST.get("device", ""))
    except ValueError:
        return None
    found: Device = get_object_or_404(Device.objects.administered_by(request.user).select_related("team"), pk=asked)
    return found


def _warn(request: HttpRequest, refused: Refused) -> None:
    messages.warning(request, " ".join(refused.errors.values()), extra_tags=SAID)


def _device_page(device: Device) -> HttpResponse:
    return redirect(reverse("device", args=[device.pk]) + "#networks")


# What is shown

def _administers(request: HttpRequest, device: Device) -> bool:
    return bool(Device.objects.administered_by(request.user).filter(pk=device.pk).exists())


def _sums(rows: Any) -> dict[str, Any]:
    """Of the updates that were taken: how many, their bytes, and what sending everything each time would have taken."""
    taken = Q(state=State.TAKEN, kind="change")
    told: dict[str, Any] = rows.aggregate(updates=Count("pk", filter=taken), sent=Sum("sent_bytes", filter=taken),
                                          everything=Sum("everything_bytes", filter=taken))
    return told | {"share": told["sent"] / told["everything"] if told["everything"] else None}


def _served(rows: Any, stands: Standing) -> Deployment | None:
    """Whence the network came that the board says it serves; None where it did not come from here."""
    if stands.served is None or stands.served.number is None or stands.agent is None:
        return None
    found: Deployment | None = rows.filter(addressed_to=stands.agent.instance, number=stands.served.number,
                                           result_sha256=stands.served.sha256).defer("head").first()
    return found


def _onward(request: HttpRequest, serves: Deployment | None, stands: Standing) -> dict[str, Any] | None:
    """The updates that come next, of the run whose network is, or will be, served."""
    newest = stands.waiting[-1] if stands.waiting else serves
    run = Run.objects.visible_to(request.user).filter(pk=newest.run_id).first() if newest else None
    if run is None:
        return None
    try:
        left = actions.upcoming(run, stands.device)
    except Refused as why:
        return {"run": run, "left": [], "why": " ".join(why.errors.values())}
    return {"run": run, "left": left}


def _offer(request: HttpRequest, run: Run) -> dict[str, Any]:
    try:
        offer = offering.offered(run)
    except Refused as why:
        return {"cannot": " ".join(why.errors.values())}
    files, boards = dict(run.files.values_list("path", "blob__size_bytes")), run_boards.of_run(request.user, run, offer)
    first, mean = files.get(offer.first.path), _mean(offer, files)
    return {"offer": offer, "boards": boards, "able": any(each.administers for each in boards), "others": _without_agent(run),
            "first_bytes": first, "updates_bytes": mean, "updates_share": mean / first if mean and first else None}


def _without_agent(run: Run) -> int:
    """How many devices of the team take no network, since no agent speaks for them."""
    return Device.objects.filter(team=run.team_id, retired=False).exclude(agents__in=Agent.objects.filter(revoked=None)).count()


def _mean(offer: Offered, files: dict[str, int]) -> float | None:
    sizes = [files[each.path] for each in offer.updates if each.path in files]
    return sum(sizes) / len(sizes) if sizes else None

