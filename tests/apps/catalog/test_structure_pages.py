"""The page of a variant: what it is made of, for whoever may see it; waiting and failing are said."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.catalog.models import Blob, Description, RegisteredModel, Variant
from tests.apps.cast import Cast
from tests.apps.networks import chain, drawn, layer, structure
from worker.dnn.ingest.onnx.reading import FOLDED


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def victor(cast: Cast, client: Client) -> Client:
    client.force_login(cast.victor)
    return client


def page(client: Client, variant: Variant, query: str = "", part: str = "") -> str:
    answer = client.get(f"/models/variants/{variant.pk}/{part}{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def names(text: str) -> list[str]:
    """The layers of the table, in its order."""
    rows = text.partition('id="layers"')[2].partition("</table>")[0].split("<tr data-row")[1:]
    return [row.partition('data-node="')[2].partition('"')[0] for row in rows]


def test_it_says_the_key_numbers_and_how_far_onnx_runtime_is(cast: Cast, victor: Client, tmp_path: Path) -> None:
    said = page(victor, drawn(cast.team, tmp_path))
    assert 'value="364"' not in said and "364" in said  # parameters: 36 + 2 * 144 + 40
    assert "3.10e-07" in said and "which" in said and "stem.conv" in said
    assert 'title="2,048 bytes"' in said  # the peak of living memory


def test_who_may_not_edit_sees_it_without_forms(cast: Cast, victor: Client, tmp_path: Path) -> None:
    variant = drawn(cast.team, tmp_path)
    assert "Delete the variant" not in page(victor, variant)
    victor.force_login(cast.mia)
    assert "Delete the variant" in page(victor, variant)


def test_a_folded_network_leads_those_who_may_to_a_training_that_restores_its_batch_norm(
    cast: Cast, victor: Client, tmp_path: Path,
) -> None:
    variant = drawn(cast.team, tmp_path, notes=[FOLDED.format(count=13)])
    assert "gives it to 13 of them again" in page(victor, variant) and "Train it" not in page(victor, variant)
    victor.force_login(cast.mia)
    assert f'/experiments/new/training.backprop/?model={variant.pk}"' in page(victor, variant)


def test_the_table_is_sorted_by_the_column_of_its_link_and_the_third_click_brings_the_order_of_the_network(
    cast: Cast, victor: Client, tmp_path: Path,
) -> None:
    variant = drawn(cast.team, tmp_path)
    order = ["stem.conv", "block.conv1", "block.conv2", "add", "head.fc"]
    assert names(page(victor, variant)) == order
    assert names(page(victor, variant, "?sort=params&down=on"))[0] == "block.conv1"
    assert names(page(victor, variant, "?sort=params"))[0] == "add"
    assert names(page(victor, variant, "?sort=nonsense")) == order
    said = page(victor, variant, "?sort=params")
    assert 'aria-sort="ascending"' in said and "?#layers" in said.replace("&amp;", "&")


def test_a_search_keeps_the_layers_that_hold_every_word(cast: Cast, victor: Client, tmp_path: Path) -> None:
    variant = drawn(cast.team, tmp_path)
    assert names(page(victor, variant, "?q=CONV2D+block")) == ["block.conv1", "block.conv2"]
    assert "No layer is called like that" in page(victor, variant, "?q=%00zebra")


def test_the_chosen_layer_tells_its_neighbours_its_numbers_and_its_cut(cast: Cast, victor: Client, tmp_path: Path) -> None:
    variant = drawn(cast.team, tmp_path)
    said = page(victor, variant, "?node=stem.conv", "layer/")
    assert "layer 1 of 5" in said and "the input" in said and 'data-node="block.conv1"' in said and 'data-node="add"' in said
    assert "A place to cut" in said and "kernel size" in said
    assert "Choose a layer" in page(victor, variant, "?node=nobody", "layer/")


def cut_behind(text: str) -> list[str]:
    """The places of the card, in its order."""
    rows = text.partition('id="cuts-card"')[2].partition("</section>")[0].split("<tr data-row")[1:]
    return [row.partition('data-node="')[2].partition('"')[0] for row in rows]


def test_places_to_cut_where_several_results_go_across_are_told_when_they_are_asked_for(
    cast: Cast, victor: Client, tmp_path: Path,
) -> None:
    variant = drawn(cast.team, tmp_path)
    alone, more = page(victor, variant), page(victor, variant, "?most=2&heat=params")
    assert cut_behind(alone) == cut_behind(page(victor, variant, "?most=nine")) == ["stem.conv", "add"]
    assert cut_behind(more) == ["stem.conv", "block.conv1", "block.conv2", "add"]
    card = more.partition('id="cuts-card"')[2]
    assert "at most 2 results go" in card and "stem.conv, block.conv1" in card and "4 places" in card
    assert '<option value="2" selected>' in card and '<input type="hidden" name="heat" value="params">' in card
    assert '<dt>places to cut</dt><dd>2</dd>' in more  # the number above stays that of cuts that files can be made of


def test_a_sample_that_is_read_again_later_counts_as_what_goes_across(cast: Cast, victor: Client, tmp_path: Path) -> None:
    made = structure(layers=(layer("conv", "Conv2d", "x", y=1), layer("add", "add", "conv", "x", y=2)), cuts=(), answer="add")
    variant = drawn(cast.team, tmp_path, made_of=made)
    assert "Nowhere inside does one result alone go across. Allow more of them." in " ".join(page(victor, variant).split())
    assert "the input, conv" in page(victor, variant, "?most=2")


def test_of_very_many_places_the_first_are_shown(cast: Cast, victor: Client, tmp_path: Path) -> None:
    said = page(victor, drawn(cast.team, tmp_path, made_of=chain(230)), "?most=2")
    assert len(cut_behind(said)) == 200 and "the first 200 of 229 places" in said


def test_a_long_network_stands_by_pages_of_a_hundred(cast: Cast, victor: Client, tmp_path: Path) -> None:
    variant = drawn(cast.team, tmp_path, made_of=chain(230))
    assert len(names(page(victor, variant))) == 100 and len(names(page(victor, variant, "?page=3", "layers/"))) == 30
    assert "page 3 of 3" in page(victor, variant, "?page=99")


def test_heat_colours_the_same_numbers_in_table_and_legend(cast: Cast, victor: Client, tmp_path: Path) -> None:
    said = page(victor, drawn(cast.team, tmp_path), "?heat=bogus")
    legend = said.partition('data-scale="macs"')[2].partition("</ul>")[0]
    assert "hidden" not in legend.partition(">")[0] and 'class="h5"' in legend
    assert 'class="nowrap h5"' in said and 'class="nowrap h5"' not in page(victor, drawn(cast.team, tmp_path, "b"), "?heat=none")


def test_the_layers_leave_as_csv_and_no_name_of_a_file_becomes_a_formula(cast: Cast, victor: Client, tmp_path: Path) -> None:
    made = structure(layers=(layer("=cmd()", "ReLU", "x", y=1),), cuts=(), answer="=cmd()")
    answer = victor.get(f"/models/variants/{drawn(cast.team, tmp_path, made_of=made).pk}/layers.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0][:3] == ["number", "layer", "op"] and rows[1][1] == "'=cmd()"


def test_a_browser_that_has_the_graph_is_not_sent_it_again(cast: Cast, victor: Client, tmp_path: Path) -> None:
    address = f"/models/variants/{drawn(cast.team, tmp_path).pk}/graph.svg?heat=params"
    first = victor.get(address)
    assert first["Content-Type"].startswith("image/svg+xml") and first["Cache-Control"] == "private, no-cache"
    again = victor.get(address, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and not again.content
    assert b"h5" in first.content and b"h5" not in victor.get(address.replace("params", "none")).content


def test_while_the_desk_is_at_it_the_panel_asks_again_and_keeps_the_question(cast: Cast, victor: Client) -> None:
    blob = Blob.objects.create(sha256="5" * 64, size_bytes=1)
    model = RegisteredModel.objects.create(team=cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="new", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    said = page(victor, variant, "?heat=macs")
    assert 'aria-busy="true"' in said and f"/models/variants/{variant.pk}/structure/?heat=macs" in said
    assert victor.get(f"/models/variants/{variant.pk}/graph.svg").status_code == 404
    Description.objects.filter(variant=variant).update(why="It has a layer of no known kind.", asked=timezone.now())
    said = page(victor, variant, part="structure/")
    assert "It has a layer of no known kind." in said and "hx-get" not in said


def test_reduced_numbers_lead_to_the_network_they_were_made_from(cast: Cast, victor: Client, tmp_path: Path) -> None:
    dense = drawn(cast.team, tmp_path)
    half = Variant.objects.create(team=cast.team, model=dense.model, parent=dense, name="half", precision="fp16", file=dense.file,
                                  size_bytes=1, params=1, macs=1, activation_bytes=1)
    assert f"/models/variants/{dense.pk}/" in page(victor, half, part="structure/")


def test_the_picker_stands_at_the_parent(cast: Cast, victor: Client, tmp_path: Path) -> None:
    dense = drawn(cast.team, tmp_path, "dense")
    pruned = drawn(cast.team, tmp_path, "pruned", structure(2), model=dense.model, parent=dense)
    drawn(cast.team, tmp_path, "sibling", structure(3), model=dense.model, parent=dense)
    said = page(victor, pruned)
    assert f'<option value="{dense.pk}" selected>its parent, dense' in said
    assert f"/models/variants/{dense.pk}/difference/{pruned.pk}/" in said
