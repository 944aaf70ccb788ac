"""How accurate the networks are that have block times: as runs of the team measured it, with the number of images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import Team, User
from apps.catalog.models import Variant
from apps.experiments.models import Measurement
from apps.experiments.of_model import RECIPE
from apps.plans.choosing import Sight
from apps.plans.layers import newest
from apps.plans.models import TransferOffer

MOST_VARIANTS, MOST_NUMBERS, MOST_OFFERS = 500, 5_000, 1_000


class Accuracy(NamedTuple):
    """A share of the test images, of how many, and by which run it is known."""

    value: float
    n: int | None
    run: UUID


# By data set, then by network.
Known = Mapping[str, Mapping[str, Accuracy]]


class Profiled(NamedTuple):
    """What a profile says of the network's file."""

    network: str
    variant: UUID | None
    sha256: str


def offers(sight: Sight) -> list[TransferOffer]:
    """The team's, the newest first; what a newer run offers of the same layer at the same cut takes the place of the older."""
    return newest(sight.offers.select_related("device").order_by("-created", "place", "pk")[:MOST_OFFERS])


def accuracies(user: User | None, team: Team, profiled: Iterable[Profiled], offered: Sequence[TransferOffer]) -> Known:
    """Measured on the network's own file, by the newest run; else as who offers a transfer layer measured it before."""
    found: dict[str, dict[str, Accuracy]] = {}
    for row in offered:
        of = found.setdefault(row.dataset, {})
        of.setdefault(row.network, Accuracy(row.body["accuracy_whole"], row.body["n"], row.made_by))
    variants = _variants(user, team, list(profiled))
    for network, measured in _measured(user, team, variants):
        if measured.value is not None and 0 <= measured.value <= 1:
            found.setdefault(measured.dataset[:120], {})[network] = Accuracy(measured.value, measured.n, measured.run_id)
    return found


def _variants(user: User | None, team: Team, profiled: Sequence[Profiled]) -> dict[UUID, str]:
    """Each variant with the name that its profiles have: those that were profiled, and copies of the same file."""
    by_variant = {each.variant: each.network for each in profiled if each.variant}
    by_file = {each.sha256: each.network for each in profiled if each.sha256}
    mine = _of(Variant, user, team)
    rows = mine.filter(Q(pk__in=by_variant) | Q(file__in=by_file) | Q(onnx__in=by_file)).order_by("-created")
    found = {}
    for pk, file, onnx in rows.values_list("pk", "file", "onnx")[:MOST_VARIANTS]:
        found[pk] = by_variant.get(pk) or by_file.get(file) or by_file[onnx]
    return found


def _measured(user: User | None, team: Team, variants: Mapping[UUID, str]) -> list[tuple[str, Measurement]]:
    """The oldest first, so that the newest stays; a run that judged a variant as it is names it as its input."""
    mine = _of(Measurement, user, team).filter(metric="accuracy", split="test", value__isnull=False)
    ids = list(map(str, variants))
    judged = Q(variant=None, run__recipe=RECIPE, run__inputs__model__id__in=ids)
    rows = mine.filter(Q(variant__in=list(variants)) | judged).select_related("run").order_by("-created")[:MOST_NUMBERS]
    found = []
    for row in reversed(rows):
        key = row.variant_id or UUID(row.run.inputs["model"]["id"])
        found.append((variants[key], row))
    return found


def _of(model: Any, user: User | None, team: Team) -> Any:
    """The team's, as this person sees it; without one all of it."""
    return (model.objects.visible_to(user) if user else model.objects).filter(team=team)
