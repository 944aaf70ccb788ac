"""A network's graph as SVG, drawn here from the places that its structure holds.

Colours are presentation attributes, so that a saved file stands alone in light; the page's style sheet, by class, puts the
theme's in their place. Nothing in it is a script or a style, and every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from apps.catalog.heat import Scale
from apps.catalog.layers import matches, number_words, op_words, shape_words
from worker.structure import Change, Layer, Point, Structure

# Of a saved file; the page has its own.
HEATS = ("#ffffff", "#fff1cf", "#fbd27f", "#ec9f32", "#b8560a", "#7a2c10")
INK = ("#1b2430", "#1b2430", "#1b2430", "#1b2430", "#ffffff", "#ffffff")
CHANGES: Mapping[Change, str] = {"removed": "#fceceb", "added": "#e3f4ed", "narrowed": "#fdf3d8", "widened": "#e6f0fb",
                                 "changed": "#efe6f7", "same": "#ffffff"}
SIGNS: Mapping[Change, str] = {"removed": "−", "added": "+", "narrowed": "◂", "widened": "▸", "changed": "~", "same": ""}
BOX, TALL = 228.0, 40.0
COLUMN, ROW, MARGIN = 252.0, 62.0, 24.0
CUT_MARGIN = 96.0
LONGEST_NAME, LONGEST_LINE, LONGEST_BESIDE = 28, 34, 24


@dataclass(frozen=True)
class Asked:
    """What the graph shall show: the layers that are searched for, the chosen one, the heat of a column, cuts, changes."""

    search: str = ""
    chosen: str = ""
    heat: Scale | None = None
    cuts: bool = True
    changes: Mapping[str, Change] = field(default_factory=dict)
    label: str = "g"


def drawn(structure: Structure, title: str, asked: Asked) -> str:
    """The whole drawing."""
    cuts = asked.cuts and bool(structure.cuts)
    left = CUT_MARGIN if cuts else MARGIN
    columns, rows = structure.extent
    width, height = left + columns * COLUMN + MARGIN - (COLUMN - BOX), 2 * MARGIN + rows * ROW - (ROW - TALL)
    frame = _Frame(left, width)
    parts = [_head(structure, title, asked.label, width, height), *_edges(structure, frame)]
    if cuts:
        parts += _cuts(structure, frame)
    parts += [_input(structure, frame), *_boxes(structure, frame, asked), "</g></svg>"]
    return "".join(parts)


@dataclass(frozen=True)
class _Frame:
    """From columns and rows to the drawing's own units."""

    left: float
    width: float

    def at(self, x: float, y: float) -> Point:
        return self.left + x * COLUMN + BOX / 2, MARGIN + y * ROW + TALL / 2


def _head(structure: Structure, title: str, label: str, width: float, height: float) -> str:
    told = f"{len(structure.layers)} layers from top to bottom, with what each reads. The table of layers says the same."
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="network" role="img" aria-labelledby="{label}-title {label}-desc" '
            f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" font-family="system-ui, sans-serif" '
            f'font-size="11"><title id="{label}-title">{escape(title)}</title><desc id="{label}-desc">{told}</desc>'
            '<g class="drawing" fill="none" stroke="#848e9a" stroke-width="1.3">')


def _edges(structure: Structure, frame: _Frame) -> Iterator[str]:
    places = {structure.input.name: (structure.input.x, structure.input.y)}
    places |= {layer.name: (layer.x, layer.y) for layer in structure.layers}
    numbers = {name: number for number, name in enumerate(places)}
    for layer in structure.layers:
        for at, name in enumerate(layer.inputs):
            route = layer.routes[at] if at < len(layer.routes) else ()
            path = _path(frame, places[name], places[layer.name], route)
            long = " far" if route or places[layer.name][1] - places[name][1] > 1 else ""
            yield f'<path class="e{long}" data-e="{numbers[name]} {numbers[layer.name]}" d="{path}"/>'


def _path(frame: _Frame, start: Point, end: Point, route: Iterable[Point]) -> str:
    """From the bottom of a box to the top of another, upright at every point between."""
    (x, y), (last_x, last_y) = frame.at(*start), frame.at(*end)
    points = [(x, y + TALL / 2), *(frame.at(*point) for point in route), (last_x, last_y - TALL / 2)]
    steps = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        steps.append(f"V{to_y:g}" if abs(to_x - x) < 0.5 else f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}")
    return "".join(steps)


def _cuts(structure: Structure, frame: _Frame) -> Iterator[str]:
    """A dashed line below the layer behind which the network can be parted, with the bytes that go across."""
    places = {layer.name: frame.at(layer.x, layer.y) for layer in structure.layers}
    for cut in structure.cuts:
        if cut.after == structure.answer:
            continue
        x, y = places[cut.after][0] - BOX / 2 - 10, places[cut.after][1] + ROW / 2
        share = 100 * cut.head_macs / structure.macs if structure.macs else 0
        told = f"Cut behind {cut.after}: {number_words(cut.bytes, is_bytes=True)} go across, {share:.0f} % of the MACs before"
        yield (f'<g class="cut" data-cut="{escape(cut.after)}"><title>{escape(told)}</title>'
               f'<path d="M8 {y:g}H{frame.width - 8:g}" stroke="#0a62bb" stroke-dasharray="3 5"/>'
               f'<text x="{x:g}" y="{y - 4:g}" text-anchor="end" fill="#0a62bb" stroke="none">'
               f'{number_words(cut.bytes, is_bytes=True)}</text></g>')


def _input(structure: Structure, frame: _Frame) -> str:
    x, y = frame.at(structure.input.x, structure.input.y)
    box = f'x="{x - BOX / 2:g}" y="{y - TALL / 2:g}" width="{BOX:g}" height="{TALL:g}" rx="{TALL / 2:g}"'
    return (f'<g class="in"><rect {box} fill="#eceff3"/>'
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle" fill="#1b2430" stroke="none">'
            f'input · {shape_words(structure.in_shape)}</text></g>')


def _boxes(structure: Structure, frame: _Frame, asked: Asked) -> Iterator[str]:
    for number, layer in enumerate(structure.layers, 1):
        yield _box(layer, number, frame, asked)


def _box(layer: Layer, number: int, frame: _Frame, asked: Asked) -> str:
    """A rounded box with name, kind and shape; its number in the scale, its change or nothing in the corner."""
    x, y = frame.at(layer.x, layer.y)
    css, fill, ink, corner = _look(layer, asked)
    name, room = _kept(layer.name, LONGEST_NAME), LONGEST_BESIDE if corner else LONGEST_LINE
    line = _kept_head(f"{op_words(layer)} · {shape_words(layer.out_shape)}", room)
    return (f'<g class="{css}" data-n="{number}" data-name="{escape(layer.name)}" '
            f'transform="translate({x - BOX / 2:g} {y - TALL / 2:g})"><title>{escape(_told(layer, asked))}</title>'
            f'<rect width="{BOX:g}" height="{TALL:g}" rx="7" fill="{fill}"/>'
            f'<g fill="{ink}" stroke="none"><text x="10" y="17" font-weight="600">{escape(name)}</text>'
            f'<text x="10" y="32" class="of">{escape(line)}</text>'
            + (f'<text x="{BOX - 10:g}" y="32" text-anchor="end" class="sum">{corner}</text>' if corner else "") + "</g></g>")


def _look(layer: Layer, asked: Asked) -> tuple[str, str, str, str]:
    """Classes, fill, ink and the text in the corner."""
    dimmed = " dim" if asked.search and not matches(layer, asked.search) else ""
    chosen = " on" if layer.name == asked.chosen else ""
    if asked.changes:
        change = asked.changes.get(layer.name, "same")
        return f"n is-{change}{dimmed}{chosen}", CHANGES[change], INK[0], SIGNS[change]
    if asked.heat is None:
        return f"n{dimmed}{chosen}", HEATS[0], INK[0], ""
    value = getattr(layer, asked.heat.column.name)
    step = asked.heat.step(value)
    told = number_words(value, asked.heat.column.is_bytes) if value else ""
    return f"n h{step}{dimmed}{chosen}", HEATS[step], INK[step], told


def _told(layer: Layer, asked: Asked) -> str:
    """What the mouse is told when it rests on a box."""
    facts = [f"{number_words(layer.params)} parameters" if layer.params else "", f"{number_words(layer.macs)} MACs" if layer.macs
             else "", f"{number_words(layer.activation_bytes, is_bytes=True)} of activations" if layer.activation_bytes else ""]
    change = f" ({asked.changes.get(layer.name, 'same')})" if asked.changes else ""
    return f"{layer.name}{change}: {op_words(layer)}, {', '.join(filter(None, [shape_words(layer.out_shape), *facts]))}"


def _kept(name: str, room: int) -> str:
    """The end of a long name, which tells layers apart."""
    return name if len(name) <= room else f"…{name[1 - room:]}"


def _kept_head(line: str, room: int) -> str:
    return line if len(line) <= room else f"{line[:room - 1]}…"
