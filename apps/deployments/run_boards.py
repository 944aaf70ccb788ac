"""Where the boards of a team stand with the networks of one run: which round each has, and what comes next for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from apps.accounts.refusal import Refused
from apps.deployments import offering, standing
from apps.deployments.models import Deployment, State
from apps.deployments.standing import Standing
from apps.devices.models import Device
from apps.experiments.models import Run
from worker.addressed.offered import Offered, Update

MOST_BOARDS = 200
NOT_FROM_HERE = "a network that did not come from here"
Origins = Mapping[str, Deployment]


@dataclass(frozen=True)
class BoardOfRun:
    """`counts`: how many of this run's networks were sent to it, by state. `administers`: whether the person may send to it.
    `came`: what brought the networks that it serves and will serve, by their SHA-256.
    """

    stands: Standing
    offer: Offered
    administers: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    came: Origins = field(default_factory=dict)

    @property
    def serves(self) -> str:
        """In words, as its agent said it last."""
        served = self.stands.served
        if served is None or served.number is None:
            return "no network yet" if served else "–"
        return "its first network" if self._round(served.sha256) == 0 else self._said(served.sha256)

    @property
    def left(self) -> list[Update]:
        """Which updates come next; none where there is nothing that they could begin with."""
        stands = self.stands
        return offering.following(self.offer.updates, stands.will_serve, stands.will_keep) if stands.will_serve else []

    @property
    def newest(self) -> int:
        """The round that it has, or will have; 0 for the first network, another one, or none."""
        return self._round(self.stands.will_serve) or 0

    @property
    def may_begin(self) -> bool:
        """Whether the first network is what comes next: it serves, and will serve, none of this run's."""
        return not self.left and self._round(self.stands.will_serve) is None

    def replaces(self, *, first: bool) -> str:
        """Which network what is sent takes the place of without building on it, in words; empty where none is lost.

        An update that begins with the first network, which a board keeps, can be taken while another run's network is served.
        """
        serving, left = self.stands.will_serve, self.left
        if not serving or (serving == self.offer.first.sha256 if first else self._builds(left, serving)):
            return ""
        return self._said(serving)

    @property
    def replaced_by_first(self) -> str:
        return self.replaces(first=True)

    @property
    def replaced_by_updates(self) -> str:
        return self.replaces(first=False)

    def _builds(self, left: list[Update], serving: str) -> bool:
        """Whether the next update goes on from this run's, whatever network each of them begins with."""
        return not left or left[0].base == serving or self._round(serving) is not None

    def _said(self, sha256: str) -> str:
        found = self._round(sha256)
        if found is not None:
            return f"round {found} of this run" if found else "the first network of this run"
        return self.came[sha256].said if sha256 in self.came else NOT_FROM_HERE

    def _round(self, sha256: str) -> int | None:
        known = {self.offer.first.sha256: 0} | {each.result: each.round for each in self.offer.updates}
        return known.get(sha256)


def of_run(user: Any, run: Run, offer: Offered) -> list[BoardOfRun]:
    """The boards with an agent that the person may send to, and those that something of this run was sent to already."""
    counts = _counts(user, run)
    mine = Device.objects.administered_by(user).filter(team=run.team_id)
    able = set(mine.filter(retired=False, agents__revoked=None, agents__isnull=False).values_list("pk", flat=True))
    rows = Device.objects.visible_to(user).filter(pk__in=able | set(counts)).select_related("team").order_by("name")
    stands = standing.of_all(list(rows[:MOST_BOARDS]))
    came = _origins(stands)
    return [BoardOfRun(each, offer, each.device.pk in able, counts.get(each.device.pk, {}),
                       came.get(each.agent.instance if each.agent else "", {})) for each in stands]


def of_device(run: Run, device: Device) -> BoardOfRun | None:
    """Where one device stands with this run; None for a run that offers nothing."""
    stands = standing.of(device)
    try:
        offer = offering.offered(run)
    except Refused:
        return None
    came = _origins([stands]).get(stands.agent.instance if stands.agent else "", {})
    return BoardOfRun(stands, offer, administers=True, came=came)


def _origins(all_stands: Sequence[Standing]) -> dict[str, dict[str, Deployment]]:
    """For each agent what brought it the networks that it serves and will serve, the last one of each; in one query."""
    named = [each.agent.instance for each in all_stands if each.agent]
    networks = {each.will_serve for each in all_stands} | {each.served.sha256 for each in all_stands if each.served}
    rows = Deployment.objects.filter(addressed_to__in=named, result_sha256__in=networks - {""},
                                     state__in=(State.WAITING, State.TAKEN)).defer("head").order_by("number")
    found: dict[str, dict[str, Deployment]] = {}
    for row in rows:
        found.setdefault(row.addressed_to, {})[row.result_sha256] = row
    return found


def _counts(user: Any, run: Run) -> dict[UUID, dict[str, int]]:
    rows = Deployment.objects.visible_to(user).filter(run=run).values("device").order_by("device")
    told = rows.annotate(**{str(state.value): Count("result_sha256", filter=Q(state=state), distinct=True) for state in State})
    return {row.pop("device"): row for row in told}
