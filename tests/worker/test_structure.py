"""A network as data, without torch: where it can be parted, and what became of its layers."""

from __future__ import annotations

import json
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.test_architecture import HEAVY, loaded_by
from worker.structure import Cut, Input, Layer, Parity, Structure, difference


def layer(name: str, *inputs: str, channels: int = 2, op: str = "ReLU", **more: object) -> Layer:
    facts = {"params": 0, "macs": 0, "activation_bytes": 4, "living_bytes": 8, "out_shape": (channels, 1, 1)}
    return Layer(name=name, op=op, inputs=inputs, **{**facts, **more})


def network(*layers: Layer, answer: str = "", **more: object) -> Structure:
    totals = {name: sum(getattr(each, name) for each in layers) for name in ("params", "macs", "activation_bytes")}
    return Structure(in_shape=(2, 1, 1), out_shape=layers[-1].out_shape, input=Input(name="x"), layers=layers, cuts=(),
                     answer=answer or layers[-1].name, **{**totals, **more})


def told(cuts: tuple[Cut, ...]) -> dict[str, tuple[str, ...]]:
    return {cut.after: cut.tensors for cut in cuts}


# Cuts


def test_a_chain_can_be_parted_behind_each_layer_but_the_last() -> None:
    chain = network(layer("a", "x", channels=3, macs=5), layer("b", "a", channels=7, macs=11), layer("c", "b"))
    assert chain.parted() == (Cut(after="a", tensors=("a",), bytes=12, head_macs=5),
                              Cut(after="b", tensors=("b",), bytes=28, head_macs=16))


def test_a_shortcut_is_not_parted_unless_two_results_may_go_across() -> None:
    block = network(layer("a", "x"), layer("b", "a", channels=5), layer("add", "b", "a"), layer("c", "add"))
    assert told(block.parted()) == {"a": ("a",), "add": ("add",)}
    assert told(block.parted(2)) == {"a": ("a",), "b": ("a", "b"), "add": ("add",)}
    assert next(cut.bytes for cut in block.parted(2) if cut.after == "b") == 4 * (2 + 5)


def test_what_is_concatenated_again_and_again_stays_together() -> None:
    dense = network(layer("a", "x"), layer("b", "a"), layer("c", "a", "b"), layer("d", "a", "b", "c"))
    assert told(dense.parted()) == {"a": ("a",)}
    assert told(dense.parted(3)) == {"a": ("a",), "b": ("a", "b"), "c": ("a", "b", "c")}


def test_a_sample_that_is_read_again_goes_across_as_well() -> None:
    around = network(layer("a", "x"), layer("b", "a"), layer("add", "b", "x"), layer("c", "add"))
    assert told(around.parted()) == {"add": ("add",)}
    assert told(around.parted(2)) == {"a": ("x", "a"), "b": ("x", "b"), "add": ("add",)}


def test_what_the_answer_does_not_need_neither_crosses_nor_counts() -> None:
    dead = network(layer("a", "x", macs=1), layer("aside", "a", macs=100), layer("b", "a", macs=1), layer("c", "b"),
                   layer("late", "a", macs=100), answer="c")
    assert [(cut.after, cut.tensors, cut.head_macs) for cut in dead.parted()] == [("a", ("a",), 1), ("b", ("b",), 2)]


@st.composite
def graphs(draw: st.DrawFn) -> Structure:
    """Layers that read one to three earlier results each, some of them twice; the last one answers."""
    layers: list[Layer] = []
    names = ["x"]
    for place in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        layers.append(layer(f"l{place}", *inputs, channels=draw(st.integers(1, 5)), macs=draw(st.integers(0, 9))))
        names.append(f"l{place}")
    return network(*layers)


def by_hand(graph: Structure, most: int) -> list[tuple[str, frozenset[str], int, int]]:
    """Every place asked for itself: which results of the head are read in the tail."""
    needed = {graph.answer}
    for _ in graph.layers:
        needed |= {name for each in graph.layers if each.name in needed for name in each.inputs}
    layers = [each for each in graph.layers if each.name in needed]
    channels = {"x": 2, **{each.name: each.channels for each in layers}}
    found = []
    for place in range(len(layers) - 1):
        head, tail = {"x", *(each.name for each in layers[:place + 1])}, layers[place + 1:]
        across = frozenset(name for each in tail for name in each.inputs if name in head)
        if len(across) <= most:
            found.append((layers[place].name, across, 4 * sum(channels[name] for name in across),
                          sum(each.macs for each in layers[:place + 1])))
    return found


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(1, 4))
def test_the_sweep_finds_what_asking_every_place_finds(graph: Structure, most: int) -> None:
    swept = [(cut.after, frozenset(cut.tensors), cut.bytes, cut.head_macs) for cut in graph.parted(most)]
    assert swept == by_hand(graph, most)


# Differences


def test_the_layers_of_a_descendant_are_told_by_name() -> None:
    before = network(layer("conv", "x", channels=8, params=80, arguments={"out_channels": 8, "stride": [1, 1]}),
                     layer("relu", "conv", channels=8), layer("gone", "relu", channels=8),
                     layer("fc", "gone", channels=3, params=27, arguments={"in_features": 8}))
    after = network(layer("conv", "x", channels=5, params=50, arguments={"out_channels": 5, "stride": [1, 1]}),
                    layer("relu", "conv", channels=5), layer("new", "relu", channels=5),
                    layer("fc", "new", channels=3, params=18, arguments={"in_features": 5}))
    found = difference(before, after)
    assert [(row.name, row.change) for row in found.rows] == [
        ("conv", "narrowed"), ("relu", "narrowed"), ("gone", "removed"), ("new", "added"), ("fc", "narrowed")]
    assert found.rows[0].arguments == {"out_channels": (8, 5)} and found.rows[4].arguments == {"in_features": (8, 5)}
    assert found.rows[2].other is None and found.rows[3].one is None
    assert (found.params.before, found.params.after, found.matched) == (107, 68, 3)
    assert found.counts == {"removed": 1, "added": 1, "narrowed": 3, "widened": 0, "changed": 0, "same": 0}


@pytest.mark.parametrize(("one", "other", "change"), [
    (layer("a", "x"), layer("a", "x"), "same"),
    (layer("a", "x", params=2), layer("a", "x", params=3), "widened"),
    (layer("a", "x", channels=2), layer("a", "x", channels=3), "widened"),
    (layer("a", "x", channels=3, params=1), layer("a", "x", channels=2, params=9), "widened"),
    (layer("a", "x", op="ReLU"), layer("a", "x", op="SiLU"), "changed"),
    (layer("a", "x", op="ReLU", params=4), layer("a", "x", op="PReLU", params=2), "changed"),
    (layer("a", "x", arguments={"stride": 1}), layer("a", "x", arguments={"stride": 2}), "changed"),
    (layer("a", "x", params=9, arguments={"bias": True}), layer("a", "x", params=8, arguments={"bias": False}), "changed"),
    (layer("a", "x", params=9, arguments={"kernel_size": 3}), layer("a", "x", params=1, arguments={"kernel_size": 1}), "changed"),
    (layer("a", "x", params=9, arguments={"in_channels": 3, "bias": True}),
     layer("a", "x", params=4, arguments={"in_channels": 2, "bias": False}), "narrowed"),
    (layer("a", "x", out_shape=(2, 4, 4)), layer("a", "x", out_shape=(2, 2, 2)), "changed")])
def test_weights_come_before_channels_and_another_kind_is_another_layer(one: Layer, other: Layer, change: str) -> None:
    assert difference(network(one), network(other)).rows[0].change == change


def test_places_in_the_drawing_and_living_memory_are_no_difference() -> None:
    one, other = network(layer("a", "x", x=1.0)), network(layer("a", "x", x=2.0, living_bytes=99))
    assert difference(one, other).counts["same"] == 1


def test_two_different_networks_share_no_row() -> None:
    found = difference(network(layer("a", "x"), layer("b", "a")), network(layer("c", "x")))
    assert [(row.name, row.change) for row in found.rows] == [("a", "removed"), ("b", "removed"), ("c", "added")]
    assert found.matched == 0


@settings(max_examples=100, deadline=None)
@given(st.permutations("abcdef"), st.permutations("abcdefgh"), st.integers(0, 6), st.integers(1, 8))
def test_every_layer_of_both_has_exactly_one_row(one: list[str], other: list[str], first: int, second: int) -> None:
    mine, theirs = one[first:] or ["z"], other[:second]
    found = difference(network(*(layer(name, "x") for name in mine)), network(*(layer(name, "x") for name in theirs)))
    assert sorted(row.name for row in found.rows) == sorted({*mine, *theirs})
    assert [row.name for row in found.rows if row.one] == list(mine)
    assert [row.name for row in found.rows if row.change == "added"] == [name for name in theirs if name not in mine]


# As a file


def test_it_is_the_same_when_it_is_read_again() -> None:
    made = network(layer("a", "x", arguments={"kernel_size": [3, 3], "bias": True}, routes=(((1.5, 0.64), (1.5, 2.36)),)),
                   parity=Parity(max_abs=1e-7, max_relative=1e-6))
    assert Structure.model_validate_json(made.model_dump_json()) == made


def test_a_difference_that_is_no_number_is_none() -> None:
    assert Parity(max_abs=inf, max_relative=nan) == Parity(max_abs=None, max_relative=None)
    assert "NaN" not in Parity(max_abs=nan, max_relative=1.0).model_dump_json()


def test_nothing_unknown_is_read() -> None:
    odd = json.loads(network(layer("a", "x")).model_dump_json()) | {"more": 1}
    with pytest.raises(ValidationError):
        Structure.model_validate(odd)


def test_the_drawing_takes_room_for_boxes_and_for_lines() -> None:
    made = network(layer("a", "x", x=1.0, y=1.0), layer("b", "a", x=0.5, y=2.0, routes=(((2.25, 1.5),),)))
    assert made.extent == (3.25, 3.0)


def test_it_needs_no_torch() -> None:
    assert not loaded_by("import worker.structure") & set(HEAVY)
