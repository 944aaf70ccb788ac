"""What runs ask of their network's structure: judged before anything starts, and offered in the form that asks for it.

A network whose structure nobody knows yet is judged by its run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from apps.accounts.refusal import Refused
from apps.catalog import cuts, structures
from apps.catalog.models import Precision, Variant
from apps.experiments.studies import Asked
from apps.experiments.sweeps import unseeded
from worker.evidence import Evidence
from worker.params import Params, ReferenceKind, extra
from worker.planning import cutting
from worker.recipe import Recipe, nothing_unfit
from worker.structure import Layer

MODEL = "model"
TIMES = "\u00d7"
NOTHING = {"before": "nothing to learn before it", "behind": "nothing to learn behind it"}
LEARNT = "learnt"
ALL = "{sentence} All of them: Places to cut on the network's page, /api/variants/{variant}/structure for programs."
Things = Mapping[str, tuple[ReferenceKind, Any]]


class Spot(NamedTuple):
    """A place to cut, and what goes across there. `why`: why it cannot be picked here; empty where it can."""

    place: cuts.Place
    layer: Layer
    why: str = ""

    @property
    def after(self) -> str:
        return self.layer.name

    @property
    def shape(self) -> str:
        return TIMES.join(map(str, self.layer.out_shape))


class Offer(NamedTuple):
    """Where the chosen network can be cut: the first of very many; or why nobody can tell; or that it is being read. `fit`: how
    many of all can be picked."""

    variant: Variant | None = None
    spots: tuple[Spot, ...] = ()
    total: int = 0
    fit: int = 0
    why: str = ""
    is_waiting: bool = False


def wrong(recipe: Recipe, every: Iterable[Params], variant: object, found: Evidence) -> dict[str, str]:
    """What this network cannot do of what the first of these runs asks that asks such a thing, by field; nothing where its
    structure is not known. Each set of values is judged once, whatever the seeds."""
    if recipe.unfit is nothing_unfit or not isinstance(variant, Variant) or variant.precision != Precision.FP32:
        return {}
    known = structures.kept(variant)
    judged = (recipe.unfit(params, known, found) for params in _distinct(every)) if known else ()
    return next(filter(None, judged), {})


def _distinct(every: Iterable[Params]) -> Iterable[Params]:
    return {unseeded(params.model_dump(mode="json")): params for params in every}.values()


def refuse(every: Sequence[Asked], things: Sequence[Things], found: Evidence) -> None:
    """Refused for the first run of a recipe that asks what its network cannot do."""
    runs: dict[tuple[str, Any], tuple[Recipe, Any, list[Params]]] = {}
    for (recipe, params), given in zip(every, things, strict=True):
        variant = given[MODEL][1] if MODEL in given else None
        runs.setdefault((recipe.name, variant and variant.pk), (recipe, variant, []))[2].append(params)
    for recipe, variant, asked in runs.values():
        if said := wrong(recipe, asked, variant, found):
            raise Refused({field: _told(recipe, field, sentence, variant) for field, sentence in said.items()})


def _told(recipe: Recipe, field: str, sentence: str, variant: Any) -> str:
    """Of a field that names layers also where all of them stand."""
    is_layers = field in recipe.params.model_fields and extra(recipe.params, field).get("cuts")
    return ALL.format(sentence=sentence, variant=variant.pk) if is_layers else sentence


def offer(variant: Variant | None, *, is_learnt: bool = False) -> Offer:
    """For a variant that was fetched by right; asks the desk where nobody knows its structure yet. `is_learnt`: both sides of a
    cut have to have weights."""
    if variant is None:
        return Offer()
    looked = structures.look(variant)
    known = looked.structure
    if known is None:
        return Offer(variant, why=looked.why, is_waiting=looked.is_waiting)
    layers = {layer.name: layer for layer in known.layers}
    found = [cut for cut in known.cuts if cut.after != known.answer]
    idle = cutting.unlearning(known) if is_learnt else {}
    spots = tuple(Spot(cuts.place(known, cut), layers[cut.after], NOTHING.get(idle.get(cut.after, ""), ""))
                  for cut in found[:cuts.MOST_SHOWN])
    return Offer(variant, spots, len(found), sum(cut.after not in idle for cut in found))
