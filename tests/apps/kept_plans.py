"""A saved plan without anybody who plans: one device, of which nothing is known any more."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.devices.models import Device
from apps.plans.models import SavedPlan
from apps.plans.wanted import Wanted
from worker.planning.answer import HopSaid, PlanSaid, StageSaid


def kept_plan(device: Device, name: str = "Secret plan", **more: Any) -> SavedPlan:
    stages = (StageSaid(device=device.name, tier=0, first=1, last=2, first_layer="a", last_layer="b", ms=10.0),
              StageSaid(device="cloud", tier=2, first=3, last=4, first_layer="c", last_layer="d", ms=5.0))
    hop = HopSaid(sender=device.name, receiver="cloud", cut=2, bytes=1000, tensors=1, ms=3.0)
    plan = PlanSaid(key=f"2@{device.name}/4@cloud", words=f"blocks 1-2 on {device.name}, 3-4 on cloud", stages=stages,
                    hops=(hop,), latency_ms=18.0, compute_ms=15.0, transfer_ms=3.0, per_second=100.0, bytes=1000)
    wanted = Wanted(network="Secret forgotten net", devices=(device.pk,), rules=("raw input stays",))
    there = {"id": str(device.pk), "name": device.name, "tier": device.tier, "profile": str(device.pk), "origin": "measured",
             "noisy": False, "total_ms": 20.0}
    now = timezone.now()
    values = {"wanted": wanted.model_dump(mode="json"), "plan": plan.model_dump(mode="json"), "rank": 1,
              "rests_on": {"devices": [there], "links": [], "blocks": 4, "best": [], "band": []}, "device_ids": [device.pk],
              "saved_at": now, "looked_at": now, "network": wanted.network}
    return SavedPlan.objects.create(team=device.team, name=name, **values | more)
