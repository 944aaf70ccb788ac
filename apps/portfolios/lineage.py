"""Which measurements speak of a variant: its own, and those of the copies that benchmarks make of what they measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from apps.catalog.models import Variant
from apps.experiments.models import Measurement
from apps.portfolios.models import Portfolio

BENCHMARK = "benchmarking."
# A benchmark changes nothing of the network it is given; what it hands over is the same network in another file.
DOWN = """
with recursive same(root, id) as (
  select id, id from catalog_variant where id = any(%s)
  union
  select same.root, copy.id from same join catalog_variant copy on copy.parent_id = same.id
  join experiments_run run on run.id = copy.made_by and run.team_id = copy.team_id and run.recipe like 'benchmarking.%%'
) select id, root from same
"""
UP = """
with recursive same(root, id) as (
  select id, id from catalog_variant where id = any(%s)
  union
  select same.root, copy.parent_id from same join catalog_variant copy on copy.id = same.id
  join experiments_run run on run.id = copy.made_by and run.team_id = copy.team_id and run.recipe like 'benchmarking.%%'
  where copy.parent_id is not null
) select root, id from same
"""


WAY = """
with recursive way(root, id, depth) as (
  select id, id, 0 from catalog_variant where id = any(%s)
  union
  select way.root, child.parent_id, way.depth + 1 from way join catalog_variant child on child.id = way.id
  where child.parent_id is not null and way.depth < 8
) select way.root, step.name, run.number, run.recipe from way join catalog_variant step on step.id = way.id
  left join experiments_run run on run.id = step.made_by and run.team_id = step.team_id order by way.root, way.depth desc
"""
# What a recipe of a kind does to a network; what its variants are called says the rest.
VERBS = {"pruning": "pruned by", "training": "trained by", "updating": "updated by"}
KEPT = ("dense", "fp32")


def origins(variants: Sequence[UUID]) -> dict[UUID, str]:
    """What was done to each variant by the runs that made it and those before it: `pruned by reconvene 0.875, int8`."""
    found: dict[UUID, list[str]] = {each: [] for each in variants}
    with connection.cursor() as cursor:
        cursor.execute(WAY, [list(variants)])
        for root, name, number, recipe in cursor.fetchall():
            found[root] += [_step(name, number, recipe or "")] if number is not None else []
    return {root: ", ".join(steps) or "as it came" for root, steps in found.items()}


def _step(name: str, number: int, recipe: str) -> str:
    kind, _, system = recipe.partition(".")
    called = name.removesuffix(f" of run {number}")
    if called in KEPT:
        return f"{called}, unchanged by {system}" if kind == "pruning" else called
    return f"{VERBS[kind]} {called}" if kind in VERBS else called


def copies(variants: Sequence[UUID]) -> dict[UUID, UUID]:
    """Every variant that is the same network as one of these, and which one it is; each of these is itself."""
    return dict(_rows(DOWN, variants)) if variants else {}


def originals(variants: Sequence[Variant]) -> list[Variant]:
    """The variants that these are, once each: a benchmark's copy is the variant that it measured."""
    chains: dict[UUID, list[UUID]] = {}
    for root, one in _rows(UP, [each.pk for each in variants]) if variants else ():
        chains.setdefault(root, []).append(one)
    if all(len(chain) == 1 for chain in chains.values()):
        return list(variants)
    rows = {row.pk: row for row in Variant.objects.filter(pk__in=[one for chain in chains.values() for one in chain])}
    found = [_top(chains[each.pk], rows) for each in variants]
    return list({each.pk: each for each in found}.values())


def evidence_of(same: Iterable[UUID]) -> QuerySet[Measurement]:
    """The measurements that speak of these variants, whether the run gave them a row of their own or not."""
    ids = list(same)
    given = Q(variant=None, run__recipe__startswith=BENCHMARK, run__inputs__model__id__in=[str(each) for each in ids])
    found: QuerySet[Measurement] = Measurement.objects.filter(Q(variant__in=ids) | given, value__isnull=False)
    return found


def measurements_of(portfolio: Portfolio) -> QuerySet[Measurement]:
    mine = list(portfolio.entries.values_list("variant_id", flat=True))
    return evidence_of(copies(mine)).filter(team=portfolio.team_id)


def _top(chain: list[UUID], rows: dict[UUID, Variant]) -> Variant:
    """The one of a chain whose parent is not in it."""
    return next(rows[one] for one in chain if rows[one].parent_id not in chain)


def _rows(query: str, variants: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [list(variants)])
        return [(row[0], row[1]) for row in cursor.fetchall()]
