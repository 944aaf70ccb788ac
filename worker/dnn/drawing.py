"""Where the boxes of a drawn network stand, from top to bottom: rows by the longest way from the input, columns by grandalf.

Grandalf (Sugiyama's method) takes 15 s for a DenseNet whose layers read all before them, and bends what could be straight, so
it is given less. Layers in a row, without a fork or a join between, stand below each other: one box for it, a *lane*. Where
everything goes through one lane the network falls into parts, laid out one by one, with that lane in the same column. All long
lines from one layer run together in a thin lane beside the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout, VertexViewer

from worker.structure import Point

# A column is as wide as a box with the room beside it; a line needs less.
BOX, LINE = 1.0, 0.12
# Lines turn in the gap between two rows.
TURN = 0.64
# Beyond this many lanes in one part, grandalf takes seconds.
MOST_LANES = 1000
ROUNDS = 2


@dataclass(frozen=True)
class Drawing:
    """Places of boxes in columns and rows; for lines that are not straight the points between, by (from, to)."""

    places: dict[str, Point]
    routes: dict[tuple[str, str], tuple[Point, ...]]


@dataclass(eq=False)
class Lane:
    """Boxes below each other, or a line beside them; it takes the rows from `top` to `bottom` of column `x`."""

    names: list[str]
    top: int
    bottom: int
    width: float = BOX
    after: list[Lane] = field(default_factory=list)
    x: float = 0.0


def draw(first: str, reads: Mapping[str, Sequence[str]]) -> Drawing:
    """`reads`: what each box reads, in an order in which they can run."""
    rows = _rows(first, reads)
    readers: dict[str, list[str]] = {name: [] for name in rows}
    for name, sources in reads.items():
        for source in dict.fromkeys(sources):
            readers[source].append(name)
    lanes, lines = _lanes(rows, reads, readers)
    for part in _parts(lanes, reads):
        _lay_out(*part)
    left = min(lane.x - lane.width / 2 for lane in [*lanes, *lines.values()])
    places = {name: (round(lane.x - left - BOX / 2, 3), float(rows[name])) for lane in lanes for name in lane.names}
    return Drawing(places, _routes(places, readers, {name: lane.x - left - BOX / 2 for name, lane in lines.items()}))


def _rows(first: str, reads: Mapping[str, Sequence[str]]) -> dict[str, int]:
    rows = {first: 0}
    for name, sources in reads.items():
        rows[name] = 1 + max(rows[source] for source in sources)
    return rows


def _lanes(
    rows: Mapping[str, int], reads: Mapping[str, Sequence[str]], readers: Mapping[str, Sequence[str]],
) -> tuple[list[Lane], dict[str, Lane]]:
    """The lanes of boxes, and for each box whose result goes far the lane of that line: its own lane, prolonged, or one more."""
    of: dict[str, Lane] = {}
    for name in rows:
        sources = set(reads.get(name, ()))
        source = next(iter(sources), None)
        if source is not None and len(sources) == 1 and len(readers[source]) == 1:
            of[name] = of[source]
            of[name].names.append(name)
            of[name].bottom = rows[name]
        else:
            of[name] = Lane([name], rows[name], rows[name])
    lanes = list(dict.fromkeys(of.values()))
    lines = {lane.names[-1]: line for lane in lanes if (line := _linked(lane, rows, readers[lane.names[-1]], of))}
    return lanes, lines


def _linked(lane: Lane, rows: Mapping[str, int], readers: Sequence[str], of: Mapping[str, Lane]) -> Lane | None:
    """Say what comes below the lane; the lane in which its result goes to rows further down, when it does."""
    near = [name for name in readers if rows[name] == lane.bottom + 1]
    far = [name for name in readers if rows[name] > lane.bottom + 1]
    lane.after = [of[name] for name in near]
    if not far:
        return None
    last = max(far, key=lambda name: rows[name])
    if near:
        line = Lane([], lane.bottom + 1, rows[last] - 1, LINE, after=[of[last]])
        lane.after.append(line)
        return line
    lane.bottom, lane.after = rows[last] - 1, [of[last]]
    return lane


def _parts(lanes: list[Lane], reads: Mapping[str, Sequence[str]]) -> Iterator[tuple[Lane, list[Lane]]]:
    """A lane through which everything comes, with the lanes beside each other below it, until all meet again."""
    ends = {lane.names[-1]: 0 for lane in lanes}
    for lane in lanes:
        for source in set(reads.get(lane.names[0], ())):
            ends[source] += 1
    waiting, lowest, part = 0, -1, list[Lane]()
    for lane in lanes:
        given = len(set(reads.get(lane.names[0], ())))
        if part and waiting == given and lowest < lane.top:
            yield part[0], part[1:]
            part = []
        part.append(lane)
        waiting, lowest = waiting + ends[lane.names[-1]] - given, max(lowest, lane.bottom)
    yield part[0], part[1:]


def _lay_out(first: Lane, boxes: list[Lane]) -> None:
    """Columns for the lanes below one that stands in column 0: boxes around it, lines at their right, the shortest innermost."""
    wished = _wished([first, *boxes]) if 1 < len(boxes) <= MOST_LANES else {}
    taken: dict[int, float] = {}
    for lane in sorted(boxes, key=lambda lane: wished.get(lane, 0.0)):
        _place(lane, taken, wished.get(lane))
    middle = (min(lane.x for lane in boxes) + max(lane.x for lane in boxes)) / 2 if boxes else 0.0
    for lane in boxes:
        lane.x -= middle
    taken = {row: right - middle for row, right in taken.items()}
    lines = [line for lane in (first, *boxes) for line in lane.after if not line.names]
    for line in sorted(lines, key=lambda line: line.bottom - line.top):
        _place(line, taken, BOX / 2 + LINE / 2)


def _place(lane: Lane, taken: dict[int, float], wish: float | None) -> None:
    """At its wish, or further right where something stands there in one of its rows; `taken` is how far each row is full."""
    rows = range(lane.top, lane.bottom + 1)
    full = max((taken[row] for row in rows if row in taken), default=None)
    least = None if full is None else full + lane.width / 2
    lane.x = max((x for x in (wish, least) if x is not None), default=0.0)
    taken.update(dict.fromkeys(rows, lane.x + lane.width / 2))


def _wished(lanes: list[Lane]) -> dict[Lane, float]:
    """Where grandalf would put them."""
    vertices = {lane: Vertex(lane) for lane in lanes}
    for vertex in vertices.values():
        vertex.view = VertexViewer(BOX, 1)
    edges = [Edge(vertices[lane], vertices[other]) for lane in lanes for other in lane.after if other in vertices]
    (whole,) = Graph(list(vertices.values()), edges).C
    layout = SugiyamaLayout(whole)
    layout.xspace = 0
    layout.init_all(roots=[vertices[lanes[0]]])
    try:
        layout.draw(ROUNDS)
    except RecursionError:  # Some graphs make grandalf go deep: then without its wishes.
        return {}
    return {lane: vertex.view.xy[0] for lane, vertex in vertices.items()}


def _routes(
    places: Mapping[str, Point], readers: Mapping[str, Sequence[str]], lines: Mapping[str, float],
) -> dict[tuple[str, str], tuple[Point, ...]]:
    """Long lines turn into their lane just below where they begin, and out of it just above where they end."""
    routes = {}
    for name, x in lines.items():
        (at, top) = places[name]
        for reader in readers[name]:
            bottom = places[reader][1]
            if bottom > top + 1:
                turns = [(round(x, 3), top + TURN)] if abs(x - at) > LINE / 4 else []
                routes[name, reader] = (*turns, (round(x, 3), bottom - TURN))
    return routes
