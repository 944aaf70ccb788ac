"""What became of a network's layers in another one: what a pruning removed; or two different networks side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.catalog import graph, structures
from apps.catalog.graph import SIGNS
from apps.catalog.heat import COLUMNS, Scale
from apps.catalog.models import Variant
from apps.catalog.structure_pages import DRAWING, known_of, tagged, visible
from apps.catalog.views import paged, searched
from apps.live.tables import Table
from worker.structure import Difference, Structure, difference

ROWS_A_PAGE = 100
HEAD = ("layer", "change", "op_before", "op_after", "channels_before", "channels_after", "parameters_before", "parameters_after",
        "macs_before", "macs_after")
CHANGED = "changes"
MACS = next(each for each in COLUMNS if each.name == "macs")


class Total(NamedTuple):
    """A number of both networks, and how many times smaller it became."""

    word: str
    before: int
    after: int
    is_bytes: bool = False

    @property
    def less(self) -> str:
        return "smaller" if self.is_bytes or self.word == "parameters" else "fewer"

    @property
    def smaller(self) -> float | None:
        return self.before / self.after if self.before and self.after and self.before != self.after else None


class Kind(NamedTuple):
    """All layers of one kind in both networks: how many, and what they hold."""

    op: str
    layers: tuple[int, int]
    params: tuple[int, int]
    macs: tuple[int, int]


@require_safe
def differences(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Which network to lay beside this one: at once when it is named, else by a search over the team's."""
    found = visible(request, pk)
    try:
        return redirect("difference", one=UUID(request.GET.get("other", "")), other=pk)
    except ValueError:
        pass
    rows = Variant.objects.visible_to(request.user).filter(team=found.team).exclude(pk=pk).select_related("model")
    search = searched(request)
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(model__name__icontains=search))
    page = paged(request, rows.order_by("-created", "-id"))
    return render(request, "catalog/differences.html", {"variant": found, "page": page, "search": search})


@require_safe
def shown(request: HttpRequest, one: UUID, other: UUID) -> HttpResponse:
    return render(request, "catalog/difference.html", _context(request, one, other))


@require_safe
def fragment(request: HttpRequest, one: UUID, other: UUID) -> HttpResponse:
    """What takes the place of the waiting panel, once both are described."""
    return render(request, "catalog/_difference.html", _context(request, one, other))


@require_safe
def rows_csv(request: HttpRequest, one: UUID, other: UUID) -> Table:
    first, second = visible(request, one), visible(request, other)
    found = difference(known_of(first), known_of(second))
    said = ([row.name, row.change, *_pair(row, "op"), *_pair(row, "channels"), *_pair(row, "params"), *_pair(row, "macs")]
            for row in found.rows)
    return Table(f"{first} and {second}", HEAD, said)


@require_safe
def drawing(request: HttpRequest, one: UUID, other: UUID, side: str) -> HttpResponse:
    """The graph of one of the two, its layers coloured by what became of them."""
    first, second = visible(request, one), visible(request, other)
    mine = first if side == "before" else second
    tag = f'"{first.structure_id}-{second.structure_id}-{DRAWING}-{crc32(f"{side} {mine.name}".encode()):x}"'
    return tagged(request, tag, lambda: _drawn(request, first, second, mine, side))


def _drawn(request: HttpRequest, first: Variant, second: Variant, mine: Variant, side: str) -> str:
    one, other = known_of(first), known_of(second)
    found = difference(one, other)
    if are_strangers(found):
        asked = graph.Asked(cuts=False, heat=shared_scale(one, other), label=side)
    else:
        asked = graph.Asked(cuts=False, changes={row.name: row.change for row in found.rows}, label=side)
    return graph.drawn(known_of(mine), f"Graph of {mine}, {side}", asked)


def are_strangers(found: Difference) -> bool:
    """Whether few layers have a namesake: then nothing was removed or narrowed, the two are different networks."""
    return 2 * found.matched < min(found.layers.before, found.layers.after)


def shared_scale(one: Structure, other: Structure) -> Scale:
    """Where the work of both lies, in the same colours."""
    return Scale(MACS, (layer.macs for structure in (one, other) for layer in structure.layers))


def _context(request: HttpRequest, one: UUID, other: UUID) -> dict[str, Any]:
    first, second = visible(request, one), visible(request, other)
    looks = structures.look(first), structures.look(second)
    context = {"one": first, "other": second, "looks": [(first, looks[0]), (second, looks[1])],
               "waiting": any(look.is_waiting for look in looks), "others": _family(request, first, second)}
    if looks[0].structure is None or looks[1].structure is None:
        return context
    return context | {"ready": True} | _compared(request, looks[0].structure, looks[1].structure)


def _compared(request: HttpRequest, one: Structure, other: Structure) -> dict[str, Any]:
    found, search = difference(one, other), searched(request)
    kind = request.GET.get("kind", CHANGED)
    kind = kind if kind in (CHANGED, "all", *SIGNS) else CHANGED
    words = search.casefold().split()
    rows = [row for row in found.rows if (kind == "all" or row.change == kind or (kind == CHANGED and row.change != "same"))
            and all(word in row.name.casefold() for word in words)]
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    counts = [(CHANGED, len(found.rows) - found.counts["same"]), *((each, found.counts[each]) for each in SIGNS if
              found.counts[each]), ("all", len(found.rows))]
    strangers = are_strangers(found)
    return {"difference": found, "strangers": strangers, "scale": shared_scale(one, other) if strangers else None,
            "page": page, "rows": page.object_list, "kind": kind, "counts": counts, "search": search,
            "totals": totals(found), "kinds": kinds(one, other)}


def totals(found: Difference) -> list[Total]:
    return [Total("parameters", found.params.before, found.params.after), Total("MACs a sample", found.macs.before,
            found.macs.after), Total("activation peak", found.activation_bytes.before, found.activation_bytes.after, True),
            Total("layers", found.layers.before, found.layers.after)]


def kinds(one: Structure, other: Structure) -> list[Kind]:
    """Kinds of layers with what they hold in both, the heaviest first: what can be compared of any two networks."""
    sums: dict[str, list[list[int]]] = {}
    for side, structure in enumerate((one, other)):
        for layer in structure.layers:
            held = sums.setdefault(layer.op, [[0, 0, 0], [0, 0, 0]])[side]
            held[0], held[1], held[2] = held[0] + 1, held[1] + layer.params, held[2] + layer.macs
    found = [Kind(op, *((before[at], after[at]) for at in range(3))) for op, (before, after) in sums.items()]
    return sorted(found, key=lambda kind: (-sum(kind.params), -sum(kind.macs), -sum(kind.layers), kind.op))


def _pair(row: Any, name: str) -> Iterable[Any]:
    return [None if layer is None else getattr(layer, name) for layer in (row.one, row.other)]


def _family(request: HttpRequest, first: Variant, second: Variant) -> list[Variant]:
    """Other variants of the same model, to go on comparing with."""
    rows = Variant.objects.visible_to(request.user).filter(model=second.model).exclude(pk__in=[first.pk, second.pk])
    return list(rows.order_by("-created")[:20])
