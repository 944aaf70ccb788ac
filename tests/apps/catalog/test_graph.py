"""A network's graph as SVG: complete, well-formed whatever its names are, coloured by the numbers of a column."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from apps.catalog.graph import Asked, drawn
from apps.catalog.heat import COLUMNS, Scale, column
from apps.catalog.layers import matches, natural, number_words, op_words, rows
from tests.apps.networks import chain, layer, structure

SVG = "{http://www.w3.org/2000/svg}"


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def boxes(svg: str) -> dict[str, str]:
    """The classes of every layer's box by its name."""
    return {each.get("data-name", ""): each.get("class", "") for each in tree(svg).iter(f"{SVG}g") if each.get("data-name")}


def test_every_layer_has_a_box_and_every_input_a_line() -> None:
    made = structure()
    svg = drawn(made, "net", Asked())
    assert list(boxes(svg)) == [each.name for each in made.layers]
    lines = [each.get("data-e") for each in tree(svg).iter(f"{SVG}path") if each.get("data-e")]
    assert len(lines) == sum(len(each.inputs) for each in made.layers) and "1 4" in lines


def test_the_drawing_has_a_title_a_description_and_a_size() -> None:
    root = tree(drawn(structure(), "A & B", Asked()))
    told = {each.tag.removeprefix(SVG): each for each in root[:2]}
    assert told["title"].text == "A & B" and "5 layers" in (told["desc"].text or "")
    assert root.get("aria-labelledby") == f"{told['title'].get('id')} {told['desc'].get('id')}"


def test_names_of_a_file_are_text_in_the_drawing() -> None:
    evil = '<script>alert(1)</script>"&\''
    svg = drawn(structure(layers=(layer(evil, "ReLU", "x", y=1),), cuts=(), answer=evil), evil, Asked())
    assert "<script" not in svg and list(boxes(svg)) == [evil]


def test_nothing_in_it_breaks_the_policy() -> None:
    svg = drawn(structure(), "net", Asked(heat=Scale(COLUMNS[0], [1])))
    assert "style=" not in svg and "<style" not in svg and "href" not in svg


def test_a_search_dims_all_other_layers() -> None:
    found = boxes(drawn(structure(), "net", Asked(search="conv2d block")))
    assert {name for name, css in found.items() if "dim" not in css.split()} == {"block.conv1", "block.conv2"}


def test_the_chosen_layer_is_ringed() -> None:
    found = boxes(drawn(structure(), "net", Asked(chosen="add")))
    assert [name for name, css in found.items() if "on" in css.split()] == ["add"]


def test_heat_rises_with_the_number_and_its_top_is_the_largest() -> None:
    params = column("params")
    assert params
    made = chain(40)
    scale = Scale(params, (each.params for each in made.layers))
    steps = [scale.step(each.params) for each in made.layers]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == 5 and set(steps) >= {2, 3, 4}
    assert "h5" in boxes(drawn(made, "net", Asked(heat=scale)))["layers.39"]


@pytest.mark.parametrize("values", [[], [0], [1], [1, 2], [7] * 5, [3, 10**12]])
@pytest.mark.parametrize("which", COLUMNS, ids=lambda each: each.name)
def test_a_scale_holds_for_any_numbers(values: list[int], which: object) -> None:
    scale = Scale(which, values)  # type: ignore[arg-type]
    assert all(0 <= scale.step(value) <= 5 for value in values)
    assert all(scale.step(value) == 5 for value in values if value and value == max(values))
    assert [step.number for step in scale.steps] == sorted(step.number for step in scale.steps)


def test_cuts_are_lines_with_the_bytes_that_go_across_but_none_behind_the_answer() -> None:
    made = structure()
    behind = [each.get("data-cut") for each in tree(drawn(made, "net", Asked())).iter(f"{SVG}g") if each.get("data-cut")]
    assert behind == ["stem.conv", "add"]
    assert "1.02\u00a0kB go across" in drawn(made, "net", Asked())
    assert "data-cut" not in drawn(made, "net", Asked(cuts=False))


def test_changes_colour_the_boxes() -> None:
    found = boxes(drawn(structure(), "net", Asked(changes={"add": "removed", "block.conv1": "narrowed"})))
    assert "is-removed" in found["add"] and "is-narrowed" in found["block.conv1"] and "is-same" in found["head.fc"]


def test_layers_are_sorted_by_number_and_by_name_as_people_count() -> None:
    made = structure()
    assert next(row.name for _, row in rows(made, sort="params", down=True)) == "block.conv1"
    assert sorted(["layer10", "layer9", "layer1"], key=natural) == ["layer1", "layer9", "layer10"]
    assert [place for place, _ in rows(made, search="head")] == [5]


def test_a_kind_says_what_makes_it_special() -> None:
    deep = layer("a", "Conv2d", "x", y=1, arguments={"kernel_size": [3, 3], "stride": [2, 2], "groups": 8, "in_channels": 8})
    assert op_words(deep) == "Conv2d 3×3 /2 depthwise" and matches(deep, "DEPTHWISE")
    pool = layer("b", "MaxPool2d", "x", y=1, arguments={"kernel_size": 2, "stride": 2})
    assert op_words(pool) == "MaxPool2d 2×2"


@pytest.mark.parametrize(("value", "is_bytes", "words"), [
    (0, False, "0"), (0, True, "0 B"), (999, False, "999"), (64, True, "64 B"), (1000, False, "1 k"), (1024, True, "1.02 kB"),
    (25_557_032, False, "25.6 M"), (3211264, True, "3.21 MB"), (4_089_184_256, False, "4.09 G"),
])
def test_numbers_are_written_with_three_digits_and_a_unit(value: int, is_bytes: bool, words: str) -> None:
    assert number_words(value, is_bytes).replace("\u00a0", " ") == words
