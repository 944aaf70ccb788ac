"""Asking: sliders of the planner's page moved through the real web process, by one person and by ten at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from bench.house import House
from tests.portal import until

Row = tuple[str, str]
MOVES, CROWD, WARM = 300, 10, 10
GOAL_PAGE_MS, GOAL_PLANNER_MS = 150, 50
NETWORK, BLOCKS = "ninety-two blocks", 92
DEVICES = (("camera", "device", 30.0), ("gateway", "edge", 8.0), ("hall", "edge", 6.0), ("rack", "cloud", 2.0),
           ("far rack", "cloud", 1.0))


@dataclass
class Heard:
    """What came back of some moves, in milliseconds."""

    took: list[float] = field(default_factory=list)
    planned: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def rows() -> Iterator[Row]:
    house = House()
    try:
        house.start()
        session, ends = _filled_house(house)
        _start_answers(house)
        house.open()
        people = _people(house, session)
        try:
            yield from _measured(people, ends)
        finally:
            for person in people:
                person.close()
    finally:
        house.stop()


def _measured(people: list[httpx.Client], ends: tuple[str, str]) -> Iterator[Row]:
    what = f"{BLOCKS} blocks, {len(DEVICES)} devices in 3 tiers, 5 plans and the band of the moved link"
    for person in people:
        _drag(person, "/planner/part/", ends, WARM, 0)
    _check(people[0].get("/planner/answer/", params=_query(ends, random.Random(0))).json())
    alone = _drag(people[0], "/planner/answer/", ends, MOVES, 1)
    yield f"the planner itself ({what})", _said(alone.planned, GOAL_PLANNER_MS)
    yield "one person, the answer as JSON: question to answer", _said(alone.took, GOAL_PAGE_MS, alone.statuses)
    part = _drag(people[0], "/planner/part/", ends, MOVES, 2)
    yield "one person, what the page paints: question to answer", _said(part.took, GOAL_PAGE_MS, part.statuses)
    for name, path in (("the answer as JSON", "/planner/answer/"), ("what the page paints", "/planner/part/")):
        crowd = _drag_all(people, path, ends)
        yield f"{CROWD} people at once, none of them waits between two moves, {name}", _said(crowd.took, None, crowd.statuses)
        if crowd.planned:
            yield "the planner itself meanwhile, by the clock, beside a busy web process", _said(crowd.planned, None)


def _check(answer: dict[str, Any]) -> None:
    """That something is planned at all: parts on several devices, others best elsewhere in the band."""
    assert len(answer["plans"]) == 5 and len(answer["bands"]) > 1 and answer["blocks"] == BLOCKS, answer


def _drag_all(people: list[httpx.Client], path: str, ends: tuple[str, str]) -> Heard:
    together = Heard()
    with ThreadPoolExecutor(CROWD) as crowd:
        for one in crowd.map(lambda at: _drag(people[at], path, ends, MOVES // CROWD, 10 + at), range(CROWD)):
            together.took += one.took
            together.planned += one.planned
            together.statuses += one.statuses
    return together


def _drag(person: httpx.Client, path: str, ends: tuple[str, str], moves: int, seed: int) -> Heard:
    """One question after the other, as the page asks them: the next when the last is answered."""
    heard, chance = Heard(), random.Random(seed)
    for _ in range(moves):
        begun = time.perf_counter()
        answer = person.get(path, params=_query(ends, chance))
        heard.took.append(1e3 * (time.perf_counter() - begun))
        heard.statuses[answer.status_code] += 1
        if answer.status_code == 200 and path.endswith("answer/"):
            heard.planned.append(answer.json()["took_ms"])
    return heard


def _query(ends: tuple[str, str], chance: random.Random) -> str:
    """The address of the page with one link moved, and who wins over it."""
    source, target = ends
    moved = f"{source},{target},{chance.uniform(1, 100):.6g},{10 ** chance.uniform(-1, 3):.6g}"
    return urlencode({"network": NETWORK, "link": moved, "varying": "bandwidth", "from": source, "to": target, "low": "0.1",
                      "high": "1000"})


def _said(took: list[float], goal: float | None, statuses: Counter[int] | None = None) -> str:
    each = sorted(took)
    p50, p95 = each[len(each) // 2], each[int(len(each) * 0.95)]
    others = {status: many for status, many in (statuses or {}).items() if status != 200}
    missed = goal is not None and (p95 > goal or bool(others))
    aim = f" ({'**MISSED** ' if missed else ''}goal: p95 at most {goal:.0f} ms)" if goal else ""
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms of {len(each)}{aim}" + (f"; not answered: {others}" if others else "")


def _filled_house(house: House) -> tuple[str, tuple[str, str]]:
    """The cookie of somebody, and the two ends of the link that is moved."""
    from django.db import connection

    from apps.accounts.models import Membership, Team, User
    from apps.devices.models import Device, Link

    team, user = Team.objects.create(name="Bench"), User.objects.create(email="planner@example.org")
    Membership.objects.create(team=team, user=user, role="member")
    devices = [Device.objects.create(team=team, name=name, tier=tier) for name, tier, _ in DEVICES]
    for device, (_, _, slower) in zip(devices, DEVICES, strict=True):
        _profile(device, slower)
    Link.objects.bulk_create(
        Link(team=team, source=source, target=target, latency_ms=5, bandwidth_mbps=50)
        for source in devices for target in devices if source != target)
    connection.close()
    return house.session(user), (str(devices[0].pk), str(devices[-1].pk))


def _profile(device: Any, slower: float) -> None:
    """Tensors that shrink, blocks that take longer towards the end: like a network of convolutions."""
    from apps.devices.models import Profile
    from worker.profile import Block, NetworkProfile

    chance = random.Random(7)
    blocks = tuple(Block(first=f"layer {at}", last=f"layer {at}", seconds=slower * 1e-4 * chance.uniform(0.5, 1.5),
                         output_bytes=4000 + int(1.2e6 * 0.96**at * chance.uniform(0.5, 1))) for at in range(BLOCKS))
    told = NetworkProfile(network=NETWORK, blocks=blocks, input_bytes=602_112, engine="onnxruntime", threads=1)
    Profile.objects.create(team=device.team, device=device, network=NETWORK, engine=told.engine, threads=1, batch=1,
                           blocks=BLOCKS, total_ms=told.total_s * 1e3, form="house", body=told.model_dump(mode="json"))


def _start_answers(house: House) -> None:
    """The program as the portal starts it, and its first pulse."""
    from apps.home import pulses
    from edgeportal import programs

    house.beside(programs.answers())
    until(lambda: any(name.startswith("answers@") for name in pulses.heard()), 60, "a pulse of the answers")


def _people(house: House, session: str) -> list[httpx.Client]:
    """One tab each."""
    return [httpx.Client(base_url=house.address, cookies={"sessionid": session}, headers={"X-Tab": f"tab-{at}"}, timeout=30)
            for at in range(CROWD)]
