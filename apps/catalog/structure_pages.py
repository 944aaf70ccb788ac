"""What a variant is made of, on its page: key numbers, charts, the graph, the table of layers, cuts.

All that somebody chose stands in the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.sight import mark
from apps.catalog import cuts, graph, structures
from apps.catalog.file_rows import files_context
from apps.catalog.forms import VariantForm
from apps.catalog.heat import COLUMNS, Scale, column
from apps.catalog.layers import SORTS, rows
from apps.catalog.models import Variant
from apps.catalog.views import searched
from apps.live.tables import Table
from worker.structure import Cut, Layer, Structure

ROWS_A_PAGE = 100
MOST_CHOICES = 50
LONGEST_LAYER = 300
HEAT, NO_HEAT = "macs", "none"
# A drawing changes when the code that draws does, so this stands in its tag.
DRAWING = 1
HEAD = ("number", "layer", "op", "parameters", "macs", "activation_bytes", "living_bytes", "output", "reads", "cut_bytes")


@dataclass(frozen=True)
class Asked:
    """What the address asks for, with everything that makes no sense left out."""

    search: str
    heat: str
    sort: str
    down: bool
    node: str
    cuts: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Asked:
        text = {name: request.GET.get(name, "").replace("\x00", "") for name in ("heat", "sort", "node")}
        return cls(search=searched(request), heat=_heat(text["heat"]),
                   sort=text["sort"] if text["sort"] in SORTS else "", down="down" in request.GET,
                   node=text["node"][:LONGEST_LAYER], cuts=request.GET.get("cuts") != "off")


def _heat(name: str) -> str:
    """Where the work lies, unless another column is asked for, or none."""
    return "" if name == NO_HEAT else name if column(name) else HEAT


class Row(NamedTuple):
    """A layer in the table: its place, the cut behind it, its step in the scale of the chosen column."""

    number: int
    layer: Layer
    cut: Cut | None
    step: int | None


@require_safe
def variant(request: HttpRequest, pk: UUID) -> HttpResponse:
    return shown_variant(request, visible(request, pk))


def shown_variant(request: HttpRequest, found: Variant, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a variant; its name and its end are forms on it, for those who may."""
    mine = {"form": VariantForm(initial={"name": found.name}), "seen": mark(found.name),
            "may_edit": teams.may_edit(teams.person(request), found.team)}
    context = structure_context(request, found) | mine | {"choices": _choices(request, found)}
    context |= files_context(request, found, more.pop("slices_form", None)) | more
    return render(request, "catalog/variant.html", context, status=status)


@require_safe
def structure(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment: what takes the place of the waiting panel, once there is something."""
    return render(request, "catalog/_structure.html", structure_context(request, visible(request, pk)))


@require_safe
def layers(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment: the table alone."""
    found, known = _described(request, pk)
    return render(request, "catalog/_structure_layers.html", _table(request, found, known))


@require_safe
def layer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment: one layer beside the graph."""
    found, known = _described(request, pk)
    return render(request, "catalog/_structure_layer.html", {"variant": found, **_layer(known, Asked.of(request).node)})


@require_safe
def layers_csv(request: HttpRequest, pk: UUID) -> Table:
    found, known = _described(request, pk)
    across = {cut.after: cut.bytes for cut in known.cuts}
    said = ([place, each.name, each.op, each.params, each.macs, each.activation_bytes, each.living_bytes,
             "x".join(map(str, each.out_shape)), " ".join(each.inputs), across.get(each.name)] for place, each in
            enumerate(known.layers, 1))
    return Table(f"{found.model} {found} layers", HEAD, said)


@require_safe
def drawing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The graph as SVG. Its tag is the structure and the question: a browser that has it is not sent it again."""
    found = visible(request, pk)
    if "HX-Request" in request.headers and (instead := _instead(found)):
        return instead
    tag = f'"{found.structure_id}-{DRAWING}-{crc32(found.name.encode()):x}"'
    return tagged(request, tag, lambda: _drawing(request, found))


def _instead(found: Variant) -> HttpResponse | None:
    """For another page that draws it: that it is being read, and is to be asked for again; or why there is nothing to draw."""
    if found.structure_id:
        return None
    looked = structures.look(found)
    if looked.structure:
        return None
    said = "The network is being read; its graph comes in a moment." if looked.is_waiting else looked.why
    mark_ = " data-again" if looked.is_waiting else ""
    return HttpResponse(format_html('<p class="hint"{}>{}</p>', mark_, said), status=202 if looked.is_waiting else 200)


def _drawing(request: HttpRequest, found: Variant) -> str:
    known, asked = known_of(found), Asked.of(request)
    heated = column(asked.heat)
    scale = Scale(heated, (getattr(each, asked.heat) for each in known.layers)) if heated else None
    shown = graph.Asked(search=asked.search, chosen=asked.node, heat=scale, cuts=asked.cuts)
    return graph.drawn(known, f"Graph of {found}", shown)


def tagged(request: HttpRequest, tag: str, draw: Any) -> HttpResponse:
    """304 for who has it already, whatever the address asks: each address has its own copy."""
    answer = get_conditional_response(request, etag=tag) if "None" not in tag else None
    if answer is None:
        answer = HttpResponse(draw(), content_type="image/svg+xml; charset=utf-8")
        answer["ETag"] = tag
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


def visible(request: HttpRequest, pk: UUID) -> Variant:
    rows_ = Variant.objects.visible_to(request.user).select_related("model", "parent", "team", "file", "onnx")
    found: Variant = get_object_or_404(rows_, pk=pk)
    return found


def _described(request: HttpRequest, pk: UUID) -> tuple[Variant, Structure]:
    found = visible(request, pk)
    return found, known_of(found)


def known_of(found: Variant) -> Structure:
    known = structures.look(found).structure
    if known is None:
        raise Http404
    return known


def structure_context(request: HttpRequest, found: Variant) -> dict[str, Any]:
    """What the section of a page shows: the structure, why there is none, or that the desk is at it."""
    looked, asked = structures.look(found), Asked.of(request)
    context = {"variant": found, "looked": looked, "structure": looked.structure, "asked": asked}
    known = looked.structure
    if known is None:
        return context
    peak = max(known.layers, key=lambda each: each.living_bytes, default=None)
    scales = [Scale(each, (getattr(row, each.name) for row in known.layers)) for each in COLUMNS]
    return context | {"peak": peak, "scales": scales, "profile": _profile(known), **cuts.context(known, cuts.asked(request)),
                      **_table(request, found, known), **_layer(known, asked.node)}


def _table(request: HttpRequest, found: Variant, known: Structure) -> dict[str, Any]:
    asked = Asked.of(request)
    scaled = column(asked.heat)
    scale = Scale(scaled, (getattr(each, asked.heat) for each in known.layers)) if scaled else None
    across = {cut.after: cut for cut in known.cuts if cut.after != known.answer}
    page = Paginator(rows(known, asked.search, asked.sort, asked.down), ROWS_A_PAGE).get_page(request.GET.get("page"))
    shown = [Row(place, each, across.get(each.name), scale.step(getattr(each, asked.heat)) if scale else None)
             for place, each in page.object_list]
    return {"variant": found, "structure": known, "asked": asked, "page": page, "rows": shown, "columns": _columns(asked)}


def _columns(asked: Asked) -> list[dict[str, str]]:
    """The heads of the table: numbers fall first, names rise first; the third click is the network's own order."""
    found = []
    words = (("layer", "layer", "left"), ("op", "kind", "left hide"), *((each.name, each.word, "") for each in COLUMNS))
    for name, word, css in words:
        chosen, numbers = asked.sort == name, name not in ("layer", "op")
        order = "" if not chosen else "descending" if asked.down else "ascending"
        first, second = ("on", "") if numbers else ("", "on")
        back = chosen and (("on" if asked.down else "") == second)
        found.append({"name": name, "word": word, "css": css, "order": order, "sort": "" if back else name,
                      "down": "" if back else second if chosen else first})
    return found


def _layer(known: Structure, name: str) -> dict[str, Any]:
    """One layer with its neighbours; nothing where none is called so."""
    place = next((at for at, each in enumerate(known.layers) if each.name == name), None)
    if place is None:
        return {"chosen": None}
    chosen = known.layers[place]
    readers = [each.name for each in known.layers if name in each.inputs]
    cut = next((cut for cut in known.cuts if cut.after == name and name != known.answer), None)
    names = {each.name for each in known.layers}
    return {"chosen": chosen, "place": place + 1, "readers": readers, "inputs": [(each, each in names) for each in chosen.inputs],
            "chosen_cut": cut and cuts.place(known, cut), "structure": known,
            "before": known.layers[place - 1].name if place else "",
            "after": known.layers[place + 1].name if place + 1 < len(known.layers) else ""}


def _profile(known: Structure) -> dict[str, Any]:
    """The columns that the charts draw, as short as they can be."""
    columns = {each.name: [getattr(row, each.name) for row in known.layers] for each in COLUMNS}
    places = {each.name: place for place, each in enumerate(known.layers)}
    cuts = [[places[cut.after], cut.bytes] for cut in known.cuts if cut.after != known.answer]
    return {"names": [each.name for each in known.layers], **columns, "cuts": cuts,
            "charts": [{"kind": "profile", "title": "Parameters and MACs along the network", "of": "weights"},
                       {"kind": "profile", "title": "Memory along the network", "of": "memory"}]}


def _choices(request: HttpRequest, found: Variant) -> list[tuple[str, list[Variant]]]:
    """What it can be compared with at once: its model's other variants, and the first of other models; the rest by a search."""
    mine = Variant.objects.visible_to(request.user).filter(team=found.team).exclude(pk=found.pk).select_related("model")
    siblings = list(mine.filter(model=found.model).order_by("-created")[:MOST_CHOICES])
    if found.parent and found.parent not in siblings:
        siblings.append(found.parent)
    others = list(mine.filter(parent=None).exclude(model=found.model).order_by("-created")[:MOST_CHOICES])
    return [(word, variants) for word, variants in (("of this model", siblings), ("of other models", others)) if variants]
