"""Where the boards of a team stand with the networks of one run: which round each has, and what comes next for it."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class BoardOfRun:
    """`counts`: what of this run was sent to it, by state. `administers`: whether the person may send to it."""

    stands: Standing
    offer: Offered
    administers: bool
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def serves(self) -> str:
        """In words, as its agent said it last."""
        served = self.stands.served
        if served is None or served.number is None:
            return "no network yet" if served else "–"
        found = self._round(served.sha256)
        return "another network" if found is None else f"round {found} of this run" if found else "its first network"

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

    def _round(self, sha256: str) -> int | None:
        known = {self.offer.first.sha256: 0} | {each.result: each.round for each in self.offer.updates}
        return known.get(sha256)


def of_run(user: Any, run: Run, offer: Offered) -> list[BoardOfRun]:
    """The boards with an agent that the person may send to, and those that something of this run was sent to already."""
    counts = _counts(user, run)
    mine = Device.objects.administered_by(user).filter(team=run.team_id)
    able = set(mine.filter(retired=False, agents__revoked=None, agents__isnull=False).values_list("pk", flat=True))
    rows = Device.objects.visible_to(user).filter(pk__in=able | set(counts)).select_related("team").order_by("name")
    return [BoardOfRun(each, offer, each.device.pk in able, counts.get(each.device.pk, {}))
            for each in standing.of_all(list(rows[:MOST_BOARDS]))]


def newer(run: Run, device: Device) -> BoardOfRun | None:
    """Where a device stands that has, or will have, an update of this run, which its first network would take back; else None."""
    try:
        found = BoardOfRun(standing.of(device), offering.offered(run), administers=True)
    except Refused:
        return None
    return found if found.newest else None


def _counts(user: Any, run: Run) -> dict[UUID, dict[str, int]]:
    rows = Deployment.objects.visible_to(user).filter(run=run).values("device").order_by("device")
    told = rows.annotate(**{str(state.value): Count("pk", filter=Q(state=state)) for state in State})
    return {row.pop("device"): row for row in told}
