"""Three devices with links, a network known on all of them, and the planner itself in this process in place of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.accounts.refusal import Refused
from apps.devices.models import Device, Link, Profile
from apps.live import asking
from apps.plans import actions, noticing, reviewing
from apps.plans.models import SavedPlan
from apps.plans.wanted import Wanted
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from worker.partitioning.answering import Unfit, answer
from worker.partitioning.joint.answering import joint_answer
from worker.planning import Question, joint_example
from worker.planning.joint_question import JointQuestion
from worker.profile import NetworkProfile

BYTES = (400_000, 100_000, 4_000)
SLOW, MIDDLE, FAST = (0.040, 0.120, 0.040), (0.015, 0.030, 0.010), (0.002, 0.005, 0.002)


@dataclass
class Planner:
    """Who answers, in this process. `asked`: every question; `silent`: it does not answer.

    `fails`: what it says in place of an answer, to questions of which that is not nothing.
    """

    asked: list[Question] = field(default_factory=list)
    jointly: list[JointQuestion] = field(default_factory=list)
    silent: bool = False
    fails: Callable[[Question], Exception | None] = lambda _: None

    def __call__(self, name: str, question: dict[str, Any], **_: Any) -> dict[str, Any]:
        assert name in ("plan", "joint")
        if self.silent:
            raise asking.Silent("The planner does not answer.")
        if name == "joint":
            return self._jointly(JointQuestion.model_validate(question["question"]))
        said = Question.model_validate(question["question"])
        self.asked.append(said)
        if failure := self.fails(said):
            raise failure
        bodies = Profile.objects.in_bulk([place.profile for place in said.places])
        try:
            found = answer(said, {str(pk): NetworkProfile.model_validate(row.body) for pk, row in bodies.items()})
        except Unfit as unfit:
            raise Refused(dict(unfit.faults)) from None
        told: dict[str, Any] = found.model_dump(mode="json")
        return told

    def _jointly(self, said: JointQuestion) -> dict[str, Any]:
        self.jointly.append(said)
        keys = {key for each in said.variants for key in each.profiles.values()}
        bodies = Profile.objects.in_bulk([key for key in keys if not key.startswith(joint_example.PREFIX)])
        profiles = {str(pk): NetworkProfile.model_validate(row.body) for pk, row in bodies.items()}
        try:
            found = joint_answer(said, joint_example.profiles() | profiles)
        except Unfit as unfit:
            raise Refused(dict(unfit.faults)) from None
        told: dict[str, Any] = found.model_dump(mode="json")
        return told


@dataclass
class Town:
    """A board, a box near it and a server far off."""

    cast: Cast
    planner: Planner
    pi: Device
    box: Device
    cloud: Device
    settled: Callable[..., Any]

    @property
    def wanted(self) -> Wanted:
        return Wanted(network="small", rules=("raw input stays",))

    def link(self, source: Device, target: Device, latency_ms: float, mbps: float) -> Link:
        values = {"latency_ms": latency_ms, "bandwidth_mbps": mbps}
        return Link.objects.update_or_create(team=self.cast.team, source=source, target=target, defaults=values)[0]

    def profile(self, device: Device, seconds: tuple[float, ...], **more: Any) -> Profile:
        told = network(seconds, input_bytes=600_000, **more)
        blocks = tuple(block.model_copy(update={"output_bytes": sent}) for block, sent in zip(told.blocks, BYTES, strict=False))
        return keep(device, told.model_copy(update={"blocks": blocks}))

    def save(self, name: str = "the plan", wanted: Wanted | None = None, rank: int = 1, user: Any = None) -> SavedPlan:
        wanted = wanted or self.wanted
        found = actions.ask(self.cast.alice, self.cast.team, wanted)
        return actions.save(user or self.cast.mia, self.cast.team, wanted, name, found.plans[rank - 1].key)

    def after(self, change: Callable[[], Any]) -> None:
        """Something changes, what is heard of it is heard, and the desk has its round."""
        with self.settled(execute=True):
            change()
        reviewing.tend()


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Planner:
    found = Planner()
    monkeypatch.setattr(asking, "ask", found)
    return found


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each wake-up of the desk."""
    found: list[str] = []
    monkeypatch.setattr(noticing, "wake", lambda: found.append("plans"))
    return found


@pytest.fixture
def town(cast: Cast, planner: Planner, wakes: list[str],
         django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Iterator[Town]:
    pi, box, cloud = (Device.objects.create(team=cast.team, name=name, tier=tier)
                      for name, tier in (("pi-4", "device"), ("box", "edge"), ("server", "cloud")))
    found = Town(cast, planner, pi, box, cloud, django_capture_on_commit_callbacks)
    for device, seconds in ((pi, SLOW), (box, MIDDLE), (cloud, FAST)):
        found.profile(device, seconds)
    for source, target, latency_ms, mbps in ((pi, box, 5, 40), (box, pi, 5, 40), (pi, cloud, 30, 20), (cloud, pi, 30, 20),
                                             (box, cloud, 20, 100), (cloud, box, 20, 100)):
        found.link(source, target, latency_ms, mbps)
    return found
