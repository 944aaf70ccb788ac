"""What a run is given whose recipe rests on profiles: to predict the newest of each device, network and way of measuring; to plan
the one that speaks for each device, and the links between the devices."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.dispatch import Signal

from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.catalog import blobs
from apps.catalog.models import Blob
from apps.devices.models import Baseline, Device, Link, Profile, Tier
from apps.devices.side_by_side import Known, speaking
from apps.experiments import latencies
from apps.experiments.models import Run, RunFile
from apps.experiments.studies import Asked
from worker import menu
from worker.evidence import FILE, MEDIA_TYPE, MOST_PROFILES, DeviceFacts, Evidence, LinkFacts, Seen
from worker.params import Params, ReferenceKind
from worker.planning.offers import Offer
from worker.profile import NetworkProfile
from worker.recipe import Recipe
from worker.wording import counted

# Who knows of transfer layers answers with offers, with networks and devices called as here: `team`, `networks` are given.
offered = Signal()
FIELD = "profiles"
# One file of it is read as a whole: so many blocks are about 5 MB.
MOST_BLOCKS = 20_000
WAY = ("device_id", "network", "engine", "threads", "batch")
MOST_KNOWN, MOST_NETWORKS, MOST_LINKS = 5_000, 200, 5_000
TIERS = tuple(map(str, Tier))
NOTHING = counted(0, "link")  # the words for evidence that is empty
FEWEST = 2  # of two devices, or of two networks: of one nothing can be left out, so no error could be said
FEWER = ("A prediction rests on two measured profiles at least, and this team has {count}: measure networks block by block on "
         "two devices (recipe Layers), or bring profiles in files.")


@dataclass(frozen=True)
class Given:
    """What runs keep of it, its file, and all that is in there; nothing where no recipe asks for any."""

    entry: dict[str, Any] = field(default_factory=dict)
    blob: Blob | None = None
    found: Evidence = field(default_factory=Evidence)

    @property
    def times(self) -> dict[str, Any]:
        """Of latencies, which run measured each, so that a page can say it."""
        called = {each.id: each.name for each in self.found.devices}
        rows = [{"of": f"{each.network} on {called[each.device]}", "ms": each.p50_ms, "noisy": each.noisy, "run": each.run_id,
                 "number": each.run, "recipe": each.recipe} for each in self.found.latencies]
        return {"times": rows} if rows else {}

    def inputs(self, recipe: Recipe, params: Params) -> dict[str, Any]:
        return {FIELD: self.entry} if recipe.needs_profiles or recipe.needs_links or params.timed() else {}

    def keep(self, runs: Sequence[Run]) -> None:
        """Each run keeps the file for download: anybody can see what its numbers rest on."""
        if self.blob:
            RunFile.objects.bulk_create(RunFile(run=run, path=FILE, name=FILE, media_type=MEDIA_TYPE, blob=self.blob)
                                        for run in runs if FIELD in run.inputs)


def nothing_runs() -> list[str]:
    """Recipes that name a device without running on it: they neither hold it nor wait for it."""
    return [name for name, recipe in menu.recipes().items() if recipe.needs_profiles]


def for_runs(team: Team, every: Sequence[Asked], things: Sequence[Mapping[str, tuple[ReferenceKind, Any]]]) -> Given:
    """Gathered once for all of them. Refused where too little is measured."""
    if not any(recipe.needs_profiles or recipe.needs_links or params.timed() for recipe, params in every):
        return Given()
    found = _gathered(team, every, things)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        file.write_text(found.model_dump_json())
        blob = blobs.keep(file)
    given = Given({"kind": FIELD, "id": blob.sha256, "name": words(found), "sha256": blob.sha256}, blob, found)
    return replace(given, entry=given.entry | given.times)


def _gathered(team: Team, every: Sequence[Asked], things: Sequence[Mapping[str, tuple[ReferenceKind, Any]]]) -> Evidence:
    if any(recipe.needs_links for recipe, _ in every):
        return _for_plans(team, every)
    return _for_predictions(team, things) if any(recipe.needs_profiles for recipe, _ in every) else _for_times(team, every)


def words(found: Evidence) -> str:
    """`3 profiles of 2 devices`, and `2 links` where there are some; links or latencies alone where nothing else was gathered."""
    if found.latencies:
        return counted(len(found.latencies), "measurement")
    if not found.profiles:
        return counted(len(found.links), "link")
    devices, links = len({each.device for each in found.profiles}), len(found.links)
    said = f"{counted(len(found.profiles), 'profile')} of {counted(devices, 'device')}"
    return f"{said}, {counted(links, 'link')}" if links else said


def networks(user: User, team: Team | None) -> list[tuple[str, int]]:
    """Each network that can be planned, and on how many devices, the commonest first."""
    rows = _profiled(user, team).values("network").annotate(devices=Count("device", distinct=True))
    return [(row["network"], row["devices"]) for row in rows.order_by("-devices", "network")[:MOST_NETWORKS]]


def is_profiled(user: User, team: Team | None, network: str) -> bool:
    return "\x00" not in network and bool(_profiled(user, team).filter(network=network).exists())


def _profiled(user: User, team: Team | None) -> Any:
    """Profiles on devices that may run something."""
    usable = Device.objects.visible_to(user).usable_by(team).filter(retired=False, draining=False).order_by()
    return Profile.objects.visible_to(user).filter(team=team, device__in=usable.values("pk")).order_by()


def rests_on(team: Team, networks: Iterable[str]) -> str:
    """What a plan of these networks would rest on now."""
    return words(to_plan(team, networks, is_count=True))


def _for_predictions(team: Team, things: Sequence[Mapping[str, tuple[ReferenceKind, Any]]]) -> Evidence:
    found = gathered(team, [thing for each in things for kind, thing in each.values() if kind == "device"])
    if len(found.profiles) < FEWEST:
        raise Refused({"": FEWER.format(count=len(found.profiles) or "none")})
    return found


def _for_plans(team: Team, every: Sequence[Asked]) -> Evidence:
    """All networks that are asked for, judged for each run; the team's links alone where no network is asked for."""
    named = {str(getattr(params, field)) for _, params in every for field in params.networks()}
    found = to_plan(team, named) if named else linked(team)
    for recipe, params in every:
        if wrong := recipe.lacks(params, found):
            raise Refused(wrong)
    return found


def _for_times(team: Team, every: Sequence[Asked]) -> Evidence:
    """The latencies that are named, judged for each run."""
    asked = {text for _, params in every for text in params.timed()}
    found = latencies.of(team, asked)
    for recipe, params in every:
        if wrong := recipe.lacks(params, found):
            raise Refused(wrong)
    return latencies.only(found, asked)


def to_plan(team: Team, networks: Iterable[str], *, is_count: bool = False) -> Evidence:
    """Of each network on each device that may run it the profile that speaks for it, and the links between them.

    `is_count`: profiles without their blocks, for whoever wants to know whether there is enough of them.
    """
    known = _known(team, sorted(networks))
    sizes = [(row["pk"], row["blocks"]) for row in known]
    chosen = _bounded(sizes)
    found = Profile.objects.filter(pk__in=chosen).select_related("device")
    rows = {row.pk: row for row in (found.defer("body") if is_count else found)}
    devices = {row.device_id: row.device for row in rows.values()}
    links = Link.objects.filter(team=team, source__in=devices, target__in=devices).order_by("source", "target")
    return Evidence(
        devices=tuple(_facts(list(devices.values()))), left_out=len(sizes) - len(rows),
        profiles=tuple(Seen.model_construct(device=str(rows[pk].device_id), profile=(_name if is_count else _profile)(rows[pk]))
                       for pk in chosen),
        links=tuple(_link(each) for each in links),
        offers=() if is_count else tuple(_offered(team, sorted({row.network for row in rows.values()}))))


def _offered(team: Team, networks: Sequence[str]) -> Iterator[Offer]:
    answers: list[tuple[Any, Any]] = offered.send(sender=Evidence, team=team, networks=networks)
    for _, found in answers:
        yield from found


def linked(team: Team) -> Evidence:
    """The team's links and the devices at their ends, nothing measured on these."""
    usable = Device.objects.usable_by(team).filter(retired=False).order_by()
    rows = Link.objects.filter(team=team, source__in=usable.values("pk"), target__in=usable.values("pk"))
    links = list(rows.select_related("source", "target").order_by("source", "target")[:MOST_LINKS])
    ends = {device.pk: device for each in links for device in (each.source, each.target)}
    return Evidence(
        devices=tuple(DeviceFacts(id=str(each.pk), name=each.name, tier=each.tier) for each in ends.values()),
        links=tuple(_link(each) for each in links))


def _link(link: Link) -> LinkFacts:
    return LinkFacts(sender=str(link.source_id), receiver=str(link.target_id), latency_ms=link.latency_ms,
                     bandwidth_mbps=link.bandwidth_mbps, origin=link.origin)


def _known(team: Team, networks: Sequence[str]) -> list[dict[str, Any]]:
    """Which profiles speak, without their blocks, the networks one after the other."""
    usable = Device.objects.usable_by(team).filter(retired=False, draining=False)
    kinds = ("network", "device", "origin", "engine", "threads", "batch", "hash")
    told = Profile.objects.filter(team=team, network__in=networks, device__in=usable.order_by().values("pk"))
    last = told.annotate(hash=KeyTextTransform("sha256", "body")).order_by(*kinds, "-created", "-place", "pk").distinct(*kinds)
    rows = {row["pk"]: row for row in last.values("pk", *kinds, "blocks", "created", "device__name", "device__tier")[:MOST_KNOWN]}
    order = sorted(rows.values(), key=lambda row: (TIERS.index(row["device__tier"]), row["device__name"], str(row["device"])))
    newest = sorted(rows.values(), key=lambda row: row["created"], reverse=True)
    return [rows[each.pk] for network in networks for each in speaking(
        [_kind(row) for row in newest if row["network"] == network],
        list(dict.fromkeys(row["device"] for row in order if row["network"] == network)))]


def _kind(row: Mapping[str, Any]) -> Known:
    return Known(row["pk"], row["device"], row["origin"], (row["engine"], row["threads"], row["batch"], row["hash"]))


def gathered(team: Team, targets: Iterable[Device]) -> Evidence:
    """Only what was measured, never what was predicted or emulated."""
    mine = Profile.objects.filter(team=team, origin="measured")
    newest = mine.order_by(*WAY, "-created", "pk").distinct(*WAY).values("pk")
    sizes = list(Profile.objects.filter(pk__in=newest).order_by("-created", "pk").values_list("pk", "blocks"))
    chosen = _bounded(sizes)
    rows = list(Profile.objects.filter(pk__in=chosen).select_related("device").order_by("-created", "pk"))
    devices = {device.pk: device for device in [*targets, *(row.device for row in rows)]}
    return Evidence(devices=tuple(_facts(list(devices.values()))), left_out=len(sizes) - len(rows),
                    profiles=tuple(Seen(device=str(row.device_id), profile=_profile(row)) for row in rows))


def _bounded(sizes: Iterable[tuple[Any, int]]) -> list[Any]:
    chosen, blocks = list[Any](), 0
    for pk, count in sizes:
        if len(chosen) < MOST_PROFILES and blocks + count <= MOST_BLOCKS:
            chosen.append(pk)
            blocks += count
    return chosen


def _profile(row: Profile) -> NetworkProfile:
    """As lists call it: a variant is not the network that it was made of."""
    return NetworkProfile.model_validate({**row.body, "network": row.network, "origin": row.origin})


def _name(row: Profile) -> NetworkProfile:
    return NetworkProfile.model_construct(network=row.network, blocks=())


def _facts(devices: Sequence[Device]) -> Iterable[DeviceFacts]:
    """With the newest median of each one's yardstick that nothing disturbed."""
    timed = Baseline.objects.filter(device__in=devices, noisy=False, median_ms__gt=0).order_by("device_id", "-at")
    yardsticks = dict(timed.distinct("device_id").values_list("device_id", "median_ms"))
    for each in devices:
        yield DeviceFacts(id=str(each.pk), name=each.name, tier=each.tier, host=each.host, hardware=each.hardware,
                          accelerators=each.accelerators, cores=each.cores, yardstick_ms=yardsticks.get(each.pk))
