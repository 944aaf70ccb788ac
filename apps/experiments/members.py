"""Boards that take part in a run which this computer leads, each by itself: the run goes on without one that is not there.

They are reserved under the lock of each device, as slices are. One that was not there is asked again while the run goes on; how
it is reached is known before it answers, so that the lead finds it as soon as it serves.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.devices.models import Agent, Device
from apps.experiments import hostings
from apps.experiments.hostings import Hosts, Place
from apps.experiments.models import HELD, Hosting, Run, Standing


def reserve(run: Run, order: dict[str, Any]) -> str:
    """Ask all that are there: why not, or nothing. Call it in a transaction that has the run locked."""
    wanted = _Wanted(run, order)
    for place in wanted.places:
        if place.device in wanted.busy and not wanted.hindered(place):
            return f"waits for {place.name}, which is to take part and {wanted.busy[place.device]}"
        if place.device not in wanted.locked and place.device in wanted.devices:
            return f"waits for {place.name}, which the portal speaks with at this moment"
    away = [why for place in wanted.places if (why := wanted.hindered(place))]
    if len(away) == len(wanted.places):
        return away[0].rstrip(".")
    hostings.forget_the_dead(sorted(wanted.devices))
    for place in wanted.places:
        wanted.ask(place)
    return ""


@transaction.atomic
def again(run: Run, order: dict[str, Any]) -> None:
    """Ask those that are there and do not serve, while this holder has the run. Who gave it back is left alone for a lease."""
    if Run.objects.select_for_update(of=("self",)).filter(pk=run.pk, token=run.token, status__in=HELD).first() is None:
        return
    idle = [row.part for row in run.hostings.all() if not hostings.stands(row) and row.expires <= timezone.now()]
    if not idle:
        return
    wanted = _Wanted(run, order)
    for place in wanted.places:
        is_free = place.device in wanted.locked and place.device not in wanted.busy
        if place.part in idle and is_free and not wanted.hindered(place):
            hostings.forget_the_dead([place.device])
            wanted.ask(place)


def of_run(run: Run, *, is_patient: bool = True) -> Hosts:
    """All of them, as soon as none has still to answer and one serves; without patience, as soon as one serves."""
    rows = list(run.hostings.select_related("run", "device"))
    late = [row for row in rows if row.state == Standing.WANTED and hostings.stands(row)]
    if late and (is_patient or not any(row.state == Standing.SERVING and hostings.stands(row) for row in rows)):
        return Hosts([], f"{late[0].name} makes itself ready", "")
    if not any(hostings.stands(row) for row in rows):
        return Hosts([], "", " ".join(f"{row.name} does not take part: {(row.reason or 'it was not heard in time').rstrip('.')}."
                                      for row in rows))
    return Hosts(rows, "", "")


class _Wanted:
    """The boards that a run names, as they are now; their devices are locked where nobody else has them."""

    def __init__(self, run: Run, order: dict[str, Any]) -> None:
        self._run, self._order, self.places = run, order, hostings.places(run)
        ids = sorted(each.device for each in self.places)
        free = Device.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk__in=ids)
        self.locked = {str(row.pk) for row in free}
        self.devices = {str(row.pk): row for row in Device.objects.filter(pk__in=ids)}
        self.busy = hostings.busy(run, list(self.devices.values()))
        self._agents = {str(each.device_id): each
                        for each in Agent.objects.filter(device__in=self.devices.values(), revoked=None).select_related("device")}
        self._rows = {row.part: row for row in run.hostings.all()}
        # The same for as long as the run lives: its lead knows the tokens that are made of it.
        self._salt = next((row.salt for row in self._rows.values()), secrets.token_hex(16))

    def hindered(self, place: Place) -> str:
        device = self.devices.get(place.device)
        if device is None:
            return f"{place.name} is no longer in the registry."
        return hostings.hinders(self._run, device, self._agents.get(place.device))

    def ask(self, place: Place) -> None:
        """Unless it stands already; of one that is not there it is kept why."""
        row, parcel = self._rows.get(place.part), hostings.parcel_of(self._order, place.part)
        if place.device not in self.devices or (row and self._is_right(row, place, parcel)):
            return
        known = self._reached(place)
        if why := self.hindered(place):
            known |= {"state": Standing.GONE, "reason": why[:hostings.LONGEST_REASON], "expires": timezone.now()}
        hostings.want(self._run, place, self._salt, parcel, **known)

    def _is_right(self, row: Hosting, place: Place, parcel: hostings.Parcel) -> bool:
        return hostings.stands(row) and str(row.device_id) == place.device and (row.files, row.facts) == parcel

    def _reached(self, place: Place) -> dict[str, Any]:
        agent = self._agents.get(place.device)
        if agent is None or not agent.takes_tensors:
            return {}
        return {"hosts": agent.data_hosts, "port": agent.data_port, "fingerprint": agent.data_fingerprint}
