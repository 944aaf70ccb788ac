"""Where a network may be cut, from its structure alone: what is refused names the line, the layer, and what is near."""

from __future__ import annotations

from math import prod

import pytest

from tests.test_architecture import HEAVY, loaded_by
from worker import menu
from worker.evidence import DeviceFacts, Evidence, LinkFacts
from worker.planning import cutting
from worker.planning.parted import out_bytes, read_plan, uncut
from worker.structure import INT8, Input, Layer, Structure


def layer(name: str, *inputs: str, shape: tuple[int, ...] = (4, 8, 8), op: str = "Conv2d", **more: object) -> Layer:
    return Layer(name=name, op=op, params=0, macs=1, activation_bytes=4 * prod(shape), living_bytes=0, out_shape=shape,
                 inputs=inputs, **more)


def network(*layers: Layer) -> Structure:
    return Structure(in_shape=(1, 8, 8), out_shape=layers[-1].out_shape, params=0, macs=0, activation_bytes=0,
                     input=Input(name="x"), answer=layers[-1].name, layers=layers, cuts=())


NET = network(layer("stem", "x"), layer("block.a", "stem"), layer("block.b", "block.a"), layer("block.add", "block.b", "stem"),
              layer("pool", "block.add", shape=(4, 1, 1)), layer("flat", "pool", shape=(4,)), layer("fc", "flat", shape=(10,)))


@pytest.mark.parametrize(("after", "said"), [
    ("stem", ""), ("flat", ""),
    ("stem2", "the network has no layer 'stem2'; it can be cut behind stem, 4 places in all"),
    ("zzz", "the network has no layer 'zzz'; it can be cut behind stem or block.add or pool, 4 places in all"),
    ("fc", "behind fc the network ends; it can be cut behind flat, 4 places in all"),
    ("block.a", "a cut behind block.a parts 2 results, stem, block.a, and a part takes one; it can be cut behind stem or "
                "block.add, 4 places in all")])
def test_a_layer_that_is_no_cut_is_refused_with_the_reason_and_what_is_near(after: str, said: str) -> None:
    assert cutting.refused(NET, after) == said


def test_a_network_that_can_be_cut_nowhere_says_so() -> None:
    short = network(layer("a", "x"), layer("b", "a", "x"))
    assert cutting.refused(short, "a").endswith("so it cannot be cut")
    assert "2 results, the input, a" in cutting.refused(short, "a")


def test_the_line_of_the_plan_is_named() -> None:
    assert uncut(read_plan("pi until input; edge until block.add; cloud"), NET) == ""
    assert uncut(read_plan("pi until stem; edge until block.c; cloud"), NET).startswith(
        "Line 2, 'edge until block.c': the network has no layer 'block.c'; it can be cut behind block.add")
    assert uncut(read_plan("pi until input; edge until pool; rack until stem; cloud"), NET).startswith(
        "Line 3, 'rack until stem': stem runs before pool")


def test_bytes_are_what_the_engine_sends() -> None:
    rounded = network(layer("a", "x"), layer("round", "a", op="Pointwise", arguments={"function": "round"}),
                      layer("held", "round", op="Clamp", arguments=INT8), layer("b", "held"))
    parts = read_plan("pi until input; edge until held; cloud")
    raw, numbers = 4 * 64, 4 * 64
    assert out_bytes(parts, rounded) == [raw, numbers]
    assert out_bytes(parts, rounded, is_int8_kept=False) == [raw, 4 * numbers]


def test_the_places_of_a_network_are_worked_out_once_however_many_plans_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, asked = NET.model_copy(), []
    monkeypatch.setattr(Structure, "parted", lambda self, *_: asked.append(self) or tuple(NET.single.values()))
    for _ in range(3):
        assert uncut(read_plan("pi until stem; edge until pool; cloud"), fresh) == ""
        assert out_bytes(read_plan("pi until stem; edge until pool; cloud"), fresh) == [1024, 16]
    assert len(asked) == 1


def test_what_was_worked_out_of_a_network_is_no_fact_of_it() -> None:
    assert cutting.refused(NET, "stem") == ""
    shorter = NET.model_copy(update={"layers": NET.layers[:4], "answer": "block.add"})
    assert list(shorter.single) == ["stem"] and "single" not in NET.model_dump_json()
    assert network(*NET.layers) == NET and Structure.model_validate_json(NET.model_dump_json()) == NET


GIVEN = {"model": "m", "dataset": "d"}


def wrong(recipe: str, evidence: Evidence | None = None, **params: str) -> dict[str, str]:
    found = menu.get(recipe)
    return found.unfit(found.params.model_validate({**GIVEN, **params}), NET, evidence or Evidence())


def test_slices_judges_its_plan_and_then_its_links() -> None:
    slow = "a to b: 1 ms, 1 kbit/s"
    assert wrong("partitioning.slices", plan="a until nowhere; b", between=slow).keys() == {"plan"}
    assert wrong("partitioning.slices", plan="a until stem; b", between=slow) == {}
    evidence = Evidence(devices=tuple(DeviceFacts(id=name, name=name) for name in "ab"), links=(
        LinkFacts(sender="a", receiver="b", latency_ms=60_000, bandwidth_mbps=1e-5),))
    sentence = wrong("partitioning.slices", evidence, plan="a until stem; b")["between"]
    assert sentence.startswith("A message of 1,024 bytes would take 879 s over the link a to b")
    assert "600 s are allowed" in sentence
    assert wrong("partitioning.slices", plan="a until stem; b") == {}  # No link is known: that is said elsewhere.


def test_a_transfer_layer_is_refused_where_none_of_those_named_can_stand() -> None:
    assert wrong("partitioning.scissionlite", after="block.a")["after"].startswith("A cut behind block.a parts 2 results")
    assert wrong("partitioning.scissionlite", after="") == {} == wrong("partitioning.scissionlite", after="stem")
    assert wrong("partitioning.scissionlite", after="flat", layers="identity, int8") == {}
    sentence = wrong("partitioning.scissionlite", after="flat", layers="max-pool, int8; average")["after"]
    assert sentence == ("No transfer layer that is named can stand behind flat (max-pool, int8: it needs a feature map larger "
                        "than 1x1, and there is 4; average: it needs a feature map larger than 1x1, and there is 4). One can "
                        "behind block.add.")


def test_a_recipe_that_cuts_nothing_finds_every_network_fit() -> None:
    recipe = menu.get("training.backprop")
    assert recipe.unfit(recipe.params.model_validate(GIVEN), NET, Evidence()) == {}


def test_all_of_it_is_judged_without_torch() -> None:
    assert not loaded_by("import worker.planning.parted, worker.planning.cutting") & set(HEAVY)
