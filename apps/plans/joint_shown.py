"""What the templates of joint plans are told of what an address shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.devices.colours import places
from apps.plans.asking_page import SILENCE
from apps.plans.joint_bars import bars
from apps.plans.joint_lessons import lessons
from apps.plans.joint_plot import Dot, Plot, plot, share
from apps.plans.joint_running import run_of
from apps.plans.joint_scene import Scene
from apps.plans.joint_wanted import JointWanted
from apps.plans.planner_band import short
from apps.plans.planner_bars import in_order
from apps.plans.planner_form import Sheet, written
from apps.plans.planner_shown import tier_shown
from apps.plans.relays import Relays, of_answer
from worker.planning.answer import NOT_RUN
from worker.planning.joint_answer import FORMS, JointAnswer, VersionSaid
from worker.planning.joint_example import DATASET, DEADLINE_MS
from worker.planning.rules import EXAMPLES

# The example as it is opened: with a deadline at which the choice says what joint plans are for.
OPENING = urlencode({"example": "on", "deadline_ms": DEADLINE_MS})
FIELDS = ("rules", "links", "deadline_ms", "floor", "input_mb")
PLAIN = ("deadline_ms", "floor", "goal", "returns", "input_mb", "dataset")


@dataclass(frozen=True)
class Looked:
    """What an address shows: what is planned with, the form, and what came of asking. `own`: what the team has of its own."""

    scene: Scene
    sheet: Sheet
    own: Scene
    wanted: JointWanted | None = None
    answer: JointAnswer | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    late: bool = False
    too_long: str = ""

    @property
    def elsewhere(self) -> dict[str, str]:
        """What is wrong and has no field on the page."""
        return {name: text for name, text in self.faults.items() if name.split(".")[0] not in FIELDS}

    @property
    def query(self) -> str:
        """As it was typed where it cannot be read; with the version that is looked at."""
        told = self.wanted.query() if self.wanted else plain(self.sheet.query).urlencode(safe=",")
        show = self.sheet.query.get("show", "")
        return "&".join(part for part in (told, f"show={_quoted(show)}" if show else "") if part)


class NetworkShown(NamedTuple):
    """A network as the form lists it: whether it is planned, how accurate it is, on how many devices it is known."""

    name: str
    is_on: bool
    accuracy: float | None
    n: int | None
    devices: int
    layers: int

    @property
    def right(self) -> str:
        return "" if self.accuracy is None else share(self.accuracy)


class FrontRow(NamedTuple):
    """A version of the front as the table lists it, with its dot; `query`: the address that shows it."""

    version: VersionSaid
    dot: Dot | None
    right: str
    interval: str
    is_shown: bool
    is_choice: bool
    query: str

    @property
    def runs_on(self) -> str:
        return short(self.version.plan) if self.version.plan else ""


def plain(query: QueryDict) -> QueryDict:
    """Without the words that are the page's own."""
    told = query.copy()
    for name in ("part", "csrfmiddlewaretoken", "show"):
        told.pop(name, None)
    return told


def _quoted(text: str) -> str:
    told = QueryDict(mutable=True)
    told["show"] = text
    return told.urlencode().removeprefix("show=")


def context(user: User, team: Team, looked: Looked) -> dict[str, Any]:
    sheet, answer = looked.sheet, looked.answer
    colours = places(team, [each.name for each in sheet.on]) if sheet.on else {}
    told: dict[str, Any] = {
        "looked": looked, "sheet": sheet, "scene": looked.scene, "query": looked.query, "silence": SILENCE, "colours": colours,
        "typed": {name: sheet.query.get(name, "") for name in PLAIN}, "forms": FORMS, "examples": EXAMPLES, "not_run": NOT_RUN,
        "tiers": [tier_shown(tier, sheet, colours, None) for tier in sheet.tiers], "networks": _networks(looked),
        "lessons": lessons(looked.own), "may_edit": teams.may_edit(user, team), "example_dataset": DATASET, "opening": OPENING}
    told["lacks"] = any(not each.is_done for each in told["lessons"])
    if answer:
        told |= _drawn(user, team, looked, answer, colours)
    return told | {"state": _state(looked, told.get("shown"))}


def _drawn(user: User, team: Team, looked: Looked, answer: JointAnswer, colours: Mapping[str, int]) -> dict[str, Any]:
    shown, asked = _shown(looked, answer), looked.wanted
    drawn = plot(answer, shown, asked.deadline_ms if asked else None, asked.floor if asked else None)
    rows = _front(looked, answer, drawn)
    there = {each.form for each in answer.versions}
    return {"answer": answer, "plot": drawn, "front": rows, "relays": relays_of(looked),
            "counts": _counts(answer), "dataset": dataset_of(looked),
            "dots": sorted((row for row in rows if row.dot), key=lambda row: row.is_shown),
            "legend": [(form, words) for form, words in FORMS.items() if form in there],
            "ends": {"low": written(drawn.low), "high": written(drawn.high), "least": f"{100 * drawn.least:.4g}",
                     "most": f"{100 * drawn.most:.4g}"},
            **(_choice(user, team, looked, answer, shown, colours) if shown is not None else {})}


def relays_of(looked: Looked) -> Relays:
    """What is made up runs nowhere."""
    if looked.answer is None or looked.scene.is_example:
        return Relays()
    return of_answer(looked.answer, looked.sheet.names)


def _choice(user: User, team: Team, looked: Looked, answer: JointAnswer, shown: int,
            colours: Mapping[str, int]) -> dict[str, Any]:
    """The version that is looked at, with its plan in parts."""
    version = answer.versions[shown]
    strips = bars(answer, version, colours)
    devices = dict.fromkeys(stage.device for bar in strips for stage in bar.plan.stages)
    return {"shown": version, "is_choice": shown == answer.chosen, "kept": _kept(looked), "bars": strips,
            "run": run_of(team, looked.scene, version, looked.sheet.ways),
            "parts": in_order(version.plan) if version.plan else [],
            "legend_devices": [(name, colours.get(name, 7)) for name in devices]}


def _kept(looked: Looked) -> str:
    """The address without the version that is looked at."""
    return looked.query.partition("show=")[0].rstrip("&")


def _front(looked: Looked, answer: JointAnswer, drawn: Plot) -> list[FrontRow]:
    """The most accurate first."""
    kept, dots, found = _kept(looked), {dot.place: dot for dot in drawn.dots}, []
    for place in reversed(answer.front):
        each, dot = answer.versions[place], dots.get(place)
        ends = f"{share(each.low)} to {share(each.high)}" if each.low is not None and each.high is not None else ""
        address = "&".join(part for part in (kept, f"show={_quoted(each.key)}") if part)
        found.append(FrontRow(each, dot, share(each.accuracy), ends, bool(dot and dot.is_shown), place == answer.chosen, address))
    return found


def _counts(answer: JointAnswer) -> dict[str, int]:
    return {"versions": len(answer.versions), "variants": len({each.variant for each in answer.versions}),
            "layers": sum(each.form == "layer" for each in answer.versions), "searched": answer.searched}


def _shown(looked: Looked, answer: JointAnswer) -> int | None:
    """The version of the front that the address names, else the choice."""
    key = looked.sheet.query.get("show", "")
    return next((place for place in answer.front if answer.versions[place].key == key), answer.chosen)


def _state(looked: Looked, shown: VersionSaid | None) -> dict[str, Any]:
    """What the page's script reads of a part."""
    of_ways = {way.key: {"faults": list(way.faults), "tried": way.is_tried} for way in looked.sheet.ways}
    answer = looked.answer
    return {"query": looked.query, "faults": dict(looked.faults), "ways": of_ways, "silent": looked.silent, "late": looked.late,
            "too_long": looked.too_long, "shown": shown.key if shown else "", "variant": shown.variant if shown else "",
            "verdict": (answer.verdict or answer.sorry) if answer else looked.too_long}


def _networks(looked: Looked) -> list[NetworkShown]:
    """Those that can be planned first, the most accurate of them on top."""
    scene, dataset = looked.scene, dataset_of(looked)
    known = scene.accuracies.get(dataset, {})
    named = looked.sheet.query.getlist("network")
    found = [NetworkShown(name, (name in named) if named else name in known, known[name].value if name in known else None,
                          known[name].n if name in known else None, len(scene.speakers[name]),
                          sum(each.offer.network == name and each.offer.dataset == dataset for each in scene.offered))
             for name in scene.networks]
    return sorted(found, key=lambda each: (each.accuracy is None, -(each.accuracy or 0.0), each.name))


def dataset_of(looked: Looked) -> str:
    asked = str(looked.sheet.query.get("dataset", ""))
    return asked if asked in looked.scene.datasets else next(iter(looked.scene.datasets), "")
