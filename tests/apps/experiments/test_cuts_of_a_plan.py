"""Layers that a plan names are judged before anything runs, at the form and by the API; the form lists where one can cut."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.refusal import Refused
from apps.catalog.models import Dataset, Description
from apps.devices.models import Device, Link
from apps.experiments import actions
from apps.experiments.models import Experiment
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from tests.apps.networks import drawn, structure
from worker.planning import parted

SLICES, LITE = "partitioning.slices", "partitioning.scissionlite"
LINK = "pi to edge: 5 ms, 20 Mbit/s"


@pytest.fixture
def things(cast: Cast, tmp_path: Path) -> dict[str, str]:
    """A network whose structure is known, and data that fit it."""
    variant = drawn(cast.team, tmp_path)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=variant.file)
    return {"model": str(variant.pk), "dataset": str(data.pk)}


def page(cast: Cast) -> Client:
    found = Client()
    found.force_login(cast.alice)
    return found


def said(answer: Any) -> str:
    return unescape(answer.content.decode())


def refusal(cast: Cast, recipe: str, values: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, recipe, values)
    assert not Experiment.objects.exists()
    return refused.value.errors


def test_a_layer_that_is_not_there_is_refused_at_the_plan_with_what_was_typed_kept(cast: Cast, things: dict[str, str]) -> None:
    asked = {**things, "plan": "pi until stem.konv\nedge", "between": LINK, "images": "30", "where": "one computer",
             "engine": "onnxruntime"}
    answer = page(cast).post(f"/experiments/new/{SLICES}/", asked)
    field = re.search(r'id="id_plan_error">(.*?)</div>', said(answer))
    assert answer.status_code == 422 and field is not None
    assert ("Line 1, 'pi until stem.konv': the network has no layer 'stem.konv'; it can be cut behind stem.conv, 2 places in all."
            in field[1])
    assert "pi until stem.konv\nedge" in said(answer) and not Experiment.objects.exists()


def test_the_summary_beside_the_form_says_it_while_one_types(cast: Cast, things: dict[str, str]) -> None:
    asked = {**things, "plan": "pi until block.conv1\nedge", "between": LINK}
    answer = page(cast).post(f"/experiments/new/{SLICES}/summary/", asked)
    assert "Line 1, 'pi until block.conv1': a cut behind block.conv1 parts 2 results, stem.conv, block.conv1" in said(answer)


def test_the_api_says_it_at_the_field_and_where_all_places_stand(cast: Cast, things: dict[str, str]) -> None:
    body = {"recipe": SLICES, "params": {**things, "plan": "pi until head.fc; edge", "between": LINK}}
    answer = page(cast).post("/api/experiments", body, content_type="application/json")
    told = answer.json()
    assert answer.status_code == 422 and told["field"] == "plan"
    assert "behind head.fc the network ends; it can be cut behind add" in told["errors"]["plan"]
    assert f"/api/variants/{things['model']}/structure" in told["errors"]["plan"] and not Experiment.objects.exists()


def test_a_transfer_layer_is_refused_where_it_cannot_stand(cast: Cast, things: dict[str, str]) -> None:
    assert refusal(cast, LITE, {**things, "after": "nowhere"})["after"].startswith("The network has no layer 'nowhere'")
    assert actions.launch(cast.alice, cast.team, LITE, {**things, "after": "add", "layers": "max-pool"})


def test_a_link_over_which_an_image_would_take_too_long_is_refused_typed_or_kept(
    cast: Cast, things: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = {**things, "plan": "pi until add; edge"}
    tiers = {"pi": "device", "edge": "edge"}
    pi, edge = (Device.objects.create(team=cast.team, name=name, tier=tier) for name, tier in tiers.items())
    Link.objects.create(team=cast.team, source=pi, target=edge, latency_ms=60_000, bandwidth_mbps=1e-5)
    kept = refusal(cast, SLICES, plan)["between"]
    assert kept.startswith("A message of 1,024 bytes would take 879 s over the link pi to edge") and "600 s are allowed" in kept
    monkeypatch.setattr(parted, "MOST_TRANSFER_S", 1.0)  # As ten minutes are for a large network.
    answer = page(cast).post(f"/experiments/new/{SLICES}/summary/", {**plan, "between": "pi to edge: 2 s, 20 Mbit/s"})
    assert "A message of 1,024 bytes would take 2 s over the link pi to edge" in said(answer)


def test_several_runs_are_judged_each(cast: Cast, things: dict[str, str]) -> None:
    told = refusal(cast, SLICES, {**things, "plan": "pi until nowhere; edge", "between": LINK})
    assert list(told) == ["plan"]
    with pytest.raises(Refused):
        actions.launch_sweep(cast.alice, cast.team, SLICES, {**things, "plan": "pi until nowhere; edge", "between": LINK},
                             {"images": [10, 20]})


def test_each_set_of_values_is_judged_once_whatever_the_seeds(
    cast: Cast, things: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[Any] = []
    uncut = parted.uncut
    monkeypatch.setattr(parted, "uncut", lambda *given: judged.append(given) or uncut(*given))
    asked = {**things, "plan": "pi until add; edge", "between": LINK}
    form = {**asked, "images": "10, 20", "repeat": "6", "where": "one computer", "engine": "onnxruntime"}
    answer = page(cast).post(f"/experiments/new/{SLICES}/summary/", form)
    assert "12 runs" in said(answer) and len(judged) == 2
    judged.clear()
    actions.launch_sweep(cast.alice, cast.team, SLICES, asked, {"images": [10, 20]}, repeat=6)
    assert len(judged) == 2


def test_a_network_that_nobody_described_is_judged_by_its_run_and_described_meanwhile(cast: Cast) -> None:
    unknown = network(cast)
    listed = page(cast).get(f"/experiments/new/{SLICES}/?model={unknown['model']}")
    assert "is being read; where it can be cut stands here in a moment" in said(listed)
    assert Description.objects.filter(variant=unknown["model"]).exists()
    assert actions.launch(cast.alice, cast.team, SLICES, {**unknown, "plan": "pi until nowhere; edge", "between": LINK})


@pytest.mark.parametrize(("recipe", "field"), [(SLICES, "plan"), (LITE, "after")])
def test_the_form_lists_where_the_chosen_network_can_be_cut(cast: Cast, things: dict[str, str], recipe: str, field: str) -> None:
    shown = said(page(cast).get(f"/experiments/new/{recipe}/?model={things['model']}"))
    part = said(page(cast).get(f"/experiments/new/{recipe}/cuts/{field}/?model={things['model']}"))
    for text in (shown, part):
        assert re.findall(r'data-cut="([^"]+)"', text) == ["stem.conv", "add"]
        assert "1.02\N{NO-BREAK SPACE}kB" in text and "4×8×8" in text and f"/models/variants/{things['model']}/#cuts-card" in text
    assert (f'list="{field}-places"' in shown) == (field == "after")


def test_a_place_that_leaves_a_side_nothing_to_learn_is_shown_with_the_reason_and_cannot_be_picked(
    cast: Cast, tmp_path: Path,
) -> None:
    whole = structure()
    *first, last = whole.layers
    idle = structure(layers=(*first, last.model_copy(update={"params": 0})), params=whole.params - last.params)
    variant = drawn(cast.team, tmp_path, made_of=idle)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=variant.file)
    for recipe in ("federated.fedavg", "federated.fedfly"):
        shown = said(page(cast).get(f"/experiments/new/{recipe}/?model={variant.pk}"))
        part = said(page(cast).get(f"/experiments/new/{recipe}/cuts/after/?model={variant.pk}"))
        for text in (shown, part):
            assert re.findall(r'data-cut="([^"]+)"', text) == ["stem.conv"]
            assert re.findall(r'<option value="([a-z.]+)">[\d.]+.kB', text) == ["stem.conv"]
            assert "1 place<" in text and '<th scope="row">add<small class="of">nothing to learn behind it</small></th>' in text
    refused = refusal(cast, "federated.fedavg", {
        "model": str(variant.pk), "dataset": str(data.pk), "after": "add"})
    assert "leaves one side without weights to learn" in refused["after"]
    slices = said(page(cast).get(f"/experiments/new/{SLICES}/?model={variant.pk}"))
    assert re.findall(r'data-cut="([^"]+)"', slices) == ["stem.conv", "add"]


def test_without_a_model_or_with_a_foreign_one_nothing_is_listed(cast: Cast, things: dict[str, str]) -> None:
    for address in (f"/experiments/new/{SLICES}/", f"/experiments/new/{SLICES}/cuts/plan/?model=nonsense",
                    f"/experiments/new/{SLICES}/cuts/plan/"):
        assert "Choose a model, and the places where it can be cut stand here" in said(page(cast).get(address))
    other = Client()
    other.force_login(cast.mallory)
    assert "stem.conv" not in said(other.get(f"/experiments/new/{SLICES}/cuts/plan/?model={things['model']}"))
    assert page(cast).get(f"/experiments/new/{SLICES}/cuts/images/").status_code == 404
    assert page(cast).get("/experiments/new/training.backprop/cuts/model/").status_code == 404


def test_without_a_script_a_button_lists_them_and_keeps_what_was_typed(cast: Cast, things: dict[str, str]) -> None:
    answer = page(cast).post(f"/experiments/new/{SLICES}/", {**things, "plan": "half a plan", "narrow": "plan"})
    assert 'data-cut="stem.conv"' in said(answer) and "half a plan" in said(answer)
