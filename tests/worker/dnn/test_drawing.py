"""Boxes of a drawn network stand below what they read, never on each other, and no line runs through a box."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quiet import cpu_s
from worker.dnn import architectures
from worker.dnn.drawing import BOX, TURN, Drawing, draw
from worker.dnn.spec import name_of, sources

Reads = dict[str, list[str]]
HALF_BOX = 0.45  # what a page draws of a column


def sound(drawn: Drawing, reads: Reads) -> None:
    """What every drawing must keep."""
    assert set(drawn.places) == {"x", *reads}
    rows: dict[float, list[float]] = {}
    for x, y in drawn.places.values():
        assert x >= 0
        rows.setdefault(y, []).append(x)
    for row in rows.values():
        assert all(right - left >= BOX - 0.002 for left, right in pairwise(sorted(row)))
    for name, inputs in reads.items():
        assert drawn.places[name][1] == 1 + max(drawn.places[each][1] for each in inputs)
        for each in inputs:
            crossed_by(drawn, rows, each, name)


def crossed_by(drawn: Drawing, rows: dict[float, list[float]], name: str, reader: str) -> None:
    """A line that passes rows goes upright, beside all of their boxes; it turns only between rows."""
    (_, top), (_, bottom) = drawn.places[name], drawn.places[reader]
    route = drawn.routes.get((name, reader), ())
    assert bool(route) == (bottom > top + 1)
    if route:
        x = route[-1][0]
        assert {point[0] for point in route} == {x} and route[-1][1] == bottom - TURN
        assert len(route) == 2 or x == drawn.places[name][0]
        for row in range(int(top) + 1, int(bottom)):
            assert all(abs(x - box) > HALF_BOX for box in rows.get(float(row), ()))


def chain(reads: Reads, after: str, *names: str) -> str:
    for name in names:
        reads[name], after = [after], name
    return after


def test_a_chain_stands_in_one_column() -> None:
    reads: Reads = {}
    chain(reads, "x", "a", "b", "c")
    assert draw("x", reads) == Drawing({"x": (0, 0), "a": (0, 1), "b": (0, 2), "c": (0, 3)}, {})


def test_a_shortcut_runs_beside_its_block() -> None:
    reads: Reads = {"a": ["x"], "b": ["a"], "c": ["b"], "add": ["c", "a"], "d": ["add"]}
    drawn = draw("x", reads)
    assert {x for x, _ in drawn.places.values()} == {0}
    assert drawn.routes == {("a", "add"): ((0.56, 1 + TURN), (0.56, 4 - TURN))}
    sound(drawn, reads)


def test_branches_stand_around_where_they_part_and_meet() -> None:
    reads: Reads = {"a": ["x"]}
    ends = [chain(reads, "a", *(f"{branch}{place}" for place in range(length))) for branch, length in zip("pqrs", (1, 2, 4, 2),
                                                                                                     strict=True)]
    reads |= {"cat": ends, "b": ["cat"]}
    drawn = draw("x", reads)
    assert sorted(drawn.places[f"{branch}0"][0] for branch in "pqrs") == [0, 1, 2, 3]
    assert drawn.places["a"][0] == drawn.places["cat"][0] == drawn.places["b"][0] == 1.5
    assert drawn.routes["p0", "cat"] == ((drawn.places["p0"][0], 6 - TURN),)
    sound(drawn, reads)


def test_lines_around_lines_are_nested_and_all_lines_from_one_layer_are_one() -> None:
    reads: Reads = {}
    inner = chain(reads, chain(reads, "x", "a"), "b", "c")
    reads |= {"d": [inner, "b"], "e": ["d", "a"], "f": ["e", "a"]}
    drawn = draw("x", reads)
    assert drawn.routes["b", "d"][0][0] < drawn.routes["a", "e"][0][0] == drawn.routes["a", "f"][0][0]
    sound(drawn, reads)


@st.composite
def graphs(draw_: st.DrawFn) -> Reads:
    reads: Reads = {}
    names = ["x"]
    reach = draw_(st.sampled_from([3, 30]))
    for place in range(draw_(st.integers(1, 30))):
        reads[f"n{place}"] = draw_(st.lists(st.sampled_from(names[-reach:]), min_size=1, max_size=3))
        names.append(f"n{place}")
    return reads


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_any_graph_is_drawn_soundly(reads: Reads) -> None:
    sound(draw("x", reads), reads)


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_is_drawn_soundly_and_soon(name: str) -> None:
    first, *nodes, _ = architectures.outline(name).graph.nodes
    reads = {name_of(node): ["x" if source is first else name_of(source) for source in sources(node)] for node in nodes}
    assert cpu_s(lambda: draw("x", reads), 1) < 1
    sound(draw("x", reads), reads)


def densely_connected() -> Reads:
    """DenseNet-121 as exporters write it: each layer joins the results of all before it in its block."""
    reads: Reads = {}
    last = "x"
    for block, count in enumerate((6, 12, 24, 16)):
        results = [last]
        for place in range(count):
            reads[f"{block}.{place}.cat"] = list(results)
            results.append(chain(reads, f"{block}.{place}.cat", *(f"{block}.{place}.{step}" for step in range(6))))
        reads[f"{block}.cat"] = results
        last = chain(reads, f"{block}.cat", *(f"{block}.{step}" for step in range(4)))
    return reads


def at_random(count: int) -> Reads:
    """Each reads one or two of the six results before it."""
    draw_, reads, names = random.Random(count), dict[str, list[str]](), ["x"]
    for place in range(count):
        reads[f"n{place}"] = [draw_.choice(names[-6:]) for _ in range(draw_.randint(1, 2))]
        names.append(f"n{place}")
    return reads


@pytest.mark.parametrize("reads", [densely_connected(), at_random(500), at_random(5000)], ids=["dense", "500", "5000"])
def test_what_is_large_is_drawn_soon_too(reads: Reads) -> None:
    assert cpu_s(lambda: draw("x", reads), 3) < 3
    sound(draw("x", reads), reads)
