"""What a kept plan rests on, as it was and as it is now, and what lies between the two. No question is asked here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from apps.plans import layers
from apps.plans.choosing import Candidate, Sight, found
from apps.plans.questions import Lane, Prepared, Way, lanes_between
from apps.plans.wanted import Wanted
from worker.planning.offers import OfferAsked
from worker.wording import figures

UNITS = {"bandwidth": "Mbit/s", "latency": "ms"}
CHANGED = {"bandwidth": "Mbit/s", "latency": "ms (round trip)"}
FIELDS = {"bandwidth": "bandwidth_mbps", "latency": "latency_ms"}
NOUNS = {"bandwidth": "bandwidth", "latency": "round trip"}


# Of these the planner says whether they matter.
MAY_HOLD = ("link", "offer")
TOLD_OF_OFFERS = {"bytes", "raw_bytes", "down_s", "convert_s", "up_s", "accuracy", "accuracy_whole", "n", "dataset"}


class Change(NamedTuple):
    """Something is otherwise than it was. `kind`: `link` or `offer`, or what makes a plan stale whatever the planner says.

    `holds`: of a link's number, whether the plan stays best with it as far as its band tells; None where it has none.
    """

    kind: str
    text: str
    holds: bool | None = None

    @property
    def breaks(self) -> bool:
        """Whether it alone makes the plan stale."""
        return self.kind not in MAY_HOLD or self.holds is False


class Facts(NamedTuple):
    """The devices of a plan and the links between them, as they stand now. `there`: every device that is one still, with the
    name of the one that it turned out to be the same as, where it did."""

    places: Mapping[UUID, Candidate]
    lanes: Mapping[Way, Lane]
    there: Mapping[UUID, str]
    offers: Sequence[OfferAsked] = ()


def rests_on(asked: Prepared, blocks: int, best: list[list[str]], band: list[dict[str, Any]], layer: str = "") -> dict[str, Any]:
    """As it is kept, in JSON. `band`: that of these links, which comes back with them. `layer`: the plan's transfer layer."""
    devices = [{"id": str(each.pk), "name": each.name, "tier": each.device.tier, "profile": str(each.profile),
                "origin": each.origin, "noisy": each.noisy, "total_ms": each.total_ms} for each in asked.places]
    links = [{"source": str(source), "target": str(target), **lane._asdict()} for (source, target), lane in asked.lanes.items()]
    return {"devices": devices, "links": links, "blocks": blocks, "best": best, "band": band, "layer": layer,
            "offers": offers_kept(asked.question.offers, asked.question.most_drop)}


def offers_kept(offers: Sequence[OfferAsked], most_drop: float | None) -> list[dict[str, Any]]:
    """What the transfer layers say that a plan may have."""
    allowed = [each.offer for each in offers if most_drop is not None and each.offer.drop <= most_drop + 1e-9]
    return [{"title": each.title, **each.model_dump(mode="json", include=TOLD_OF_OFFERS)} for each in allowed]


def facts(sight: Sight, wanted: Wanted) -> Facts:
    """Three queries, and two where transfer layers may be used; retired and draining devices are among the places, and say so."""
    places = {each.pk: each for each in found(sight, wanted.network, wanted.devices)}
    rows = sight.devices.filter(pk__in=wanted.devices).values_list("pk", "merged_into__name")
    there = {pk: merged or "" for pk, merged in rows}
    offers = () if wanted.max_drop is None else layers.asked(sight, wanted.network, list(places.values()))
    return Facts(places, lanes_between(sight, wanted, list(wanted.devices)), there, offers)


def changed(kept: Mapping[str, Any], band: Sequence[Mapping[str, Any]], now: Facts, wanted: Wanted) -> list[Change]:
    """Everything that is otherwise, devices first."""
    names = {UUID(each["id"]): each["name"] for each in kept["devices"]}
    most_drop = None if wanted.max_drop is None else wanted.max_drop / 100
    return [*(each for row in kept["devices"] for each in _device(row, now, wanted.network)),
            *links_changed(kept["links"], band, now.lanes, names),
            *offers_changed(kept.get("offers", ()), offers_kept(now.offers, most_drop), kept.get("layer", ""))]


def offers_changed(was: Sequence[Mapping[str, Any]], is_now: Sequence[Mapping[str, Any]], own: str) -> Iterator[Change]:
    """Of the plan's own transfer layer everything matters; of another whether it makes a better plan."""
    before, now = ({each["title"]: each for each in rows} for rows in (was, is_now))
    for title in sorted(before.keys() | now.keys()):
        kind, old, new = "layer" if title == own else "offer", before.get(title), now.get(title)
        if new is None:
            yield Change(kind, f"The transfer layer {title} is no longer offered at what it may cost.")
        elif old is None:
            yield Change(kind, f"A transfer layer is offered now: {title}, {_told(new)}.")
        elif old != new:
            yield Change(kind, f"The transfer layer {title} was measured anew: {_told(new)}; it was {_told(old)}.")


def _told(offer: Mapping[str, Any]) -> str:
    return f"{figures(100 * offer['accuracy'])} % right, {figures(offer['bytes'] / 1e3)} kB"


def _device(row: Mapping[str, Any], now: Facts, network: str) -> Iterator[Change]:
    pk, name = UUID(row["id"]), row["name"]
    there = now.places.get(pk)
    if pk not in now.there:
        yield Change("device", f"{name} is no longer a device that the team can use.")
    elif now.there[pk]:
        yield Change("device", f"{name} was the same device as {now.there[pk]}: all that it had is there now.")
    elif there is None:
        yield Change("profile", f"Nothing is known of {network} on {name} any more: its profile was deleted.")
    else:
        if there.away:
            yield Change("device", f"{name} is {there.away}.")
        if there.device.tier != row["tier"]:
            yield Change("device", f"{name} is of the tier {there.device.tier} now; it was of {row['tier']}.")
        if str(there.profile) != row["profile"]:
            yield Change("profile", f"{name} has another profile of {network} that counts: {figures(there.total_ms)} ms "
                                    f"({there.origin}) for the whole network; it was {figures(row['total_ms'])} ms.")


def links_changed(rows: Sequence[Mapping[str, Any]], band: Sequence[Mapping[str, Any]], lanes: Mapping[Way, Lane],
                  names: Mapping[UUID, str]) -> Iterator[Change]:
    """Of links that were tried in place of the team's nothing is said: they are as they were asked."""
    was = {(UUID(row["source"]), UUID(row["target"])): row for row in rows}
    for way in sorted(was.keys() | lanes.keys(), key=lambda way: (names.get(way[0], ""), names.get(way[1], ""))):
        between = f"{names.get(way[0], 'a device')} to {names.get(way[1], 'a device')}"
        before, lane, mine = was.get(way), lanes.get(way), [each for each in band if _is_of(each, way)]
        if before is None and lane:
            text = f"There is a link {between} now: {figures(lane.bandwidth_mbps)} Mbit/s, {figures(lane.latency_ms)} ms."
            yield Change("link", text)
        elif before is not None and lane is None:
            yield Change("link", f"There is no link {between} any more.", False if mine else None)
        elif before is not None and lane and not lane.tried:
            yield from _numbers(between, before, lane, mine)


def _numbers(between: str, before: Mapping[str, Any], lane: Lane, band: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    for varying, field in FIELDS.items():
        old, new = float(before[field]), float(getattr(lane, field))
        if old == new:
            continue
        was, is_now = _apart(old, new)
        said = f"The link {between} changed from {was} to {is_now} {CHANGED[varying]}"
        kept = next((each for each in band if each["varying"] == varying), None)
        if kept is None:
            yield Change("link", f"{said}.")
        else:
            holds = (kept["low"] is None or new >= kept["low"]) and (kept["high"] is None or new <= kept["high"])
            yield Change("link", f"{said}; the plan {'stays' if holds else 'was'} best {span(kept)}.", holds)


def _apart(old: float, new: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them from each other."""
    if figures(old) != figures(new):
        return figures(old), figures(new)
    return next(pair for digits in (5, 8, 17) for pair in [(f"{old:.{digits}g}", f"{new:.{digits}g}")] if pair[0] != pair[1])


def span(kept: Mapping[str, Any]) -> str:
    """`between 11 and 34 Mbit/s`, `from 11 Mbit/s on`, `up to 34 ms`, `whatever it is`."""
    low, high, unit = kept["low"], kept["high"], UNITS[kept["varying"]]
    if low is None and high is None:
        return "whatever it is"
    if low is None:
        return f"up to {figures(high)} {unit}"
    return f"from {figures(low)} {unit} on" if high is None else f"between {figures(low)} and {figures(high)} {unit}"


def _is_of(kept: Mapping[str, Any], way: Way) -> bool:
    return (kept["source"], kept["target"]) == (str(way[0]), str(way[1]))

