"""Two networks side by side: totals, rows by kind of change, graphs coloured by it, and a choice of the other one."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.catalog.models import Variant
from tests.apps.cast import Cast
from tests.apps.networks import chain, drawn, layer, structure


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def pair(cast: Cast, tmp_path: Path) -> tuple[Variant, Variant]:
    """A network, and what is left of it: its block half as wide."""
    dense = drawn(cast.team, tmp_path, "dense")
    return dense, drawn(cast.team, tmp_path, "pruned", structure(2), model=dense.model, parent=dense)


@pytest.fixture
def victor(cast: Cast, client: Client) -> Client:
    client.force_login(cast.victor)
    return client


def shown(client: Client, one: Variant, other: Variant, query: str = "", part: str = "") -> str:
    answer = client.get(f"/models/variants/{one.pk}/difference/{other.pk}/{part}{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def rows(text: str) -> list[str]:
    table = text.partition('id="rows"')[2].partition("</table>")[0]
    return [row.partition('title="')[2].partition('"')[0] for row in table.split("<tr data-row")[1:]]


def test_it_says_how_much_smaller_the_whole_became(victor: Client, pair: tuple[Variant, Variant]) -> None:
    said = shown(victor, *pair)
    # 36 + 2 * 144 + 40 and 36 + 2 * 72 + 40
    assert "What became of dense" in said and "364 → 220" in said and "1.7× smaller" in said


def test_swapped_it_says_how_much_more(victor: Client, pair: tuple[Variant, Variant]) -> None:
    said = shown(victor, pair[1], pair[0])
    assert "Two networks side by side" in said and "1.7× more" in said


@pytest.mark.parametrize(("before", "after", "told"), [
    (1000, 1005, "0.5\u00a0% more"), (1005, 1000, "0.5\u00a0% smaller"), (10_000_000, 10_000_001, "0.01\u00a0% more"),
    (1000, 1050, "1.05× more"), (1000, 1000, "the same")])
def test_a_hairs_breadth_is_told_in_hundredths(
    cast: Cast, victor: Client, tmp_path: Path, before: int, after: int, told: str,
) -> None:
    one, other = (drawn(cast.team, tmp_path, f"net{at}", structure(params=params)) for at, params in enumerate((before, after)))
    facts = shown(victor, one, other).partition("<dt>parameters</dt>")[2].partition("</div>")[0]
    assert told in facts and "1.00×" not in facts


def test_it_opens_with_the_changes_and_filters_by_their_kind(victor: Client, pair: tuple[Variant, Variant]) -> None:
    assert rows(shown(victor, *pair)) == ["block.conv1", "block.conv2"]
    assert len(rows(shown(victor, *pair, "?kind=all"))) == 5
    assert rows(shown(victor, *pair, "?kind=same")) == ["stem.conv", "add", "head.fc"]
    assert rows(shown(victor, *pair, "?kind=narrowed&q=conv2")) == ["block.conv2"]
    assert rows(shown(victor, *pair, "?kind=bogus&q=%00")) == ["block.conv1", "block.conv2"]


def test_a_row_says_before_and_after_and_which_arguments_changed(victor: Client, pair: tuple[Variant, Variant]) -> None:
    said = shown(victor, *pair, "?q=conv1")
    assert "4 → <b>2</b>" in said and "144 → <b>72</b>" in said and "out channels 4 → 2" in said


def test_what_was_removed_is_said(cast: Cast, victor: Client, tmp_path: Path, pair: tuple[Variant, Variant]) -> None:
    answer = layer("head.fc", "Linear", "stem.conv", y=2, params=40, channels=10, side=1)
    less = structure(layers=(structure().layers[0], answer), cuts=())
    other = drawn(cast.team, tmp_path, "less", less, parent=pair[0])
    assert rows(shown(victor, pair[0], other, "?kind=removed")) == ["block.conv1", "block.conv2", "add"]


def test_two_that_are_the_same_are_said_to_be(cast: Cast, victor: Client, tmp_path: Path, pair: tuple[Variant, Variant]) -> None:
    twin = drawn(cast.team, tmp_path, "twin")
    assert "Layer by layer, the two are the same." in shown(victor, pair[0], twin)


def test_networks_of_different_families_are_compared_by_kinds_of_layers(cast: Cast, victor: Client, tmp_path: Path,
                                                                       pair: tuple[Variant, Variant]) -> None:
    other = drawn(cast.team, tmp_path, "other", chain(6))
    said = shown(victor, pair[0], other)
    assert "they are different networks" in said and said.index("By kind of layer") < said.index('id="rows"')
    assert "3 → <b>0</b>" in said  # convolutions
    assert b"is-removed" not in victor.get(f"/models/variants/{pair[0].pk}/difference/{other.pk}/before.svg").content


def test_the_graphs_are_coloured_by_what_became_of_each_layer(victor: Client, pair: tuple[Variant, Variant]) -> None:
    before, after = (shown(victor, *pair, part=f"{side}.svg") for side in ("before", "after"))
    assert before.count("is-narrowed") == 2 and after.count("is-narrowed") == 2
    assert 'id="before-title"' in before and 'id="after-title"' in after


def test_the_rows_leave_as_csv(victor: Client, pair: tuple[Variant, Variant]) -> None:
    answer = victor.get(f"/models/variants/{pair[0].pk}/difference/{pair[1].pk}/rows.csv")
    found = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["change"], row["parameters_before"], row["parameters_after"]) for row in found][1] == ("narrowed", "144", "72")


def test_the_picker_leads_there_and_its_page_searches_all_of_the_team(cast: Cast, victor: Client, tmp_path: Path,
                                                                      pair: tuple[Variant, Variant]) -> None:
    address = f"/models/variants/{pair[1].pk}/difference/"
    led = victor.get(address, {"other": str(pair[0].pk)})["Location"]
    assert led == f"/models/variants/{pair[0].pk}/difference/{pair[1].pk}/"
    drawn(cast.team, tmp_path, "another one")
    said = victor.get(address, {"q": "another"}).content.decode()
    assert "another one" in said and ">dense<" not in said
    assert victor.get(address, {"other": "nonsense"}).status_code == 200


def test_one_that_is_not_described_yet_is_waited_for(victor: Client, pair: tuple[Variant, Variant]) -> None:
    Variant.objects.filter(pk=pair[0].pk).update(structure=None)
    said = shown(victor, *pair)
    assert f"/models/variants/{pair[0].pk}/difference/{pair[1].pk}/rows/" in said and "is described layer by layer" in said
    assert victor.get(f"/models/variants/{pair[0].pk}/difference/{pair[1].pk}/rows.csv").status_code == 404
