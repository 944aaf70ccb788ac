"""Cuts by tensors beside cuts by edges: none that Scission finds is missed, and what is found is what one tensor crosses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cuts import by_edges, described
from worker.dnn import architectures
from worker.profiling.blocks import borders
from worker.structure import Input, Layer, Structure

CHAINS = {"alexnet", "lenet5", "vgg11", "vgg16", "vgg19", "vgg5"}


def network(reads: Sequence[Sequence[int]]) -> Structure:
    """Layer i reads the results of these earlier ones; -1 is the input."""
    layers = tuple(Layer(name=str(place), op="Add", params=0, macs=0, activation_bytes=4, living_bytes=4, out_shape=(1,),
                         inputs=tuple("x" if each < 0 else str(each) for each in many)) for place, many in enumerate(reads))
    return Structure(in_shape=(1,), out_shape=(1,), params=0, macs=0, activation_bytes=4, input=Input(name="x"),
                     answer=layers[-1].name, layers=layers, cuts=())


@st.composite
def networks(draw: st.DrawFn, *, readers_of_input: int = 1) -> Structure:
    """Any graph whose every result is read, but for the last one: the last layer reads what nobody else does."""
    count = draw(st.integers(readers_of_input + 1, 14))
    reads = [draw(st.lists(st.integers(0, place - 1), min_size=1, max_size=3)) if place else [] for place in range(count)]
    for place in range(readers_of_input):
        reads[place] = [*reads[place], -1]
    read = {each for many in reads for each in many}
    reads[-1] += [place for place in range(count - 1) if place not in read]
    return network(reads)


def ours(known: Structure) -> list[str]:
    return [cut.after for cut in borders(known, "layers")]


def crossing(known: Structure, place: int) -> set[str]:
    """Counted out: whose results are made before and read behind, the input among them."""
    made = {known.input.name, *(layer.name for layer in known.layers[:place + 1])}
    return {name for layer in known.layers[place + 1:] for name in layer.inputs if name in made}


@given(networks())
def test_with_one_reader_of_the_input_every_cut_by_edges_is_one_of_ours(known: Structure) -> None:
    assert set(by_edges(known.layers)) <= set(ours(known))


@given(networks() | networks(readers_of_input=2))
def test_ours_are_exactly_the_places_that_one_tensor_crosses(known: Structure) -> None:
    assert ours(known) == [layer.name for place, layer in enumerate(known.layers[:-1]) if len(crossing(known, place)) == 1]


@given(st.integers(1, 30))
def test_a_chain_is_cut_everywhere_by_both(count: int) -> None:
    known = network([[place - 1] for place in range(count)])
    assert ours(known) == by_edges(known.layers) == [str(place) for place in range(count - 1)]


def test_behind_a_layer_that_two_read_only_tensors_tell_that_it_can_be_cut() -> None:
    known = network([[-1], [0], [1], [1, 2], [3]])  # 1 is read by 2 and by the sum 3
    assert (ours(known), by_edges(known.layers)) == (["0", "1", "3"], ["0", "3"])


def test_edges_alone_would_cut_where_the_input_is_still_needed() -> None:
    known = network([[-1], [0], [1, -1], [2]])
    assert (ours(known), by_edges(known.layers)) == (["2"], ["0", "1"])


@pytest.mark.parametrize("name", architectures.names())
def test_in_every_architecture_none_is_missed_and_chains_are_equal(name: str) -> None:
    known = described(name)
    assert set(by_edges(known.layers)) <= set(ours(known))
    assert (ours(known) == by_edges(known.layers)) == (name in CHAINS), name
