"""A recipe that takes several networks: each has a field, a place among the run's inputs, and its own numbers."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts.refusal import Refused
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.experiments import actions, leases, recorder
from apps.experiments.models import Measurement, Run
from apps.experiments.results import of_levels
from tests.apps.cast import Cast
from worker.events import Facts, Measured, VariantMade

RECIPE = "portfolio.switching"
FACTS = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}


@pytest.fixture
def things(cast: Cast) -> dict[str, Any]:
    found: dict[str, Any] = {}
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    for place, name in enumerate(("dense", "level 3"), 1):
        blob = Blob.objects.create(sha256=str(place) * 64, size_bytes=1)
        found[name] = Variant.objects.create(team=cast.team, model=model, name=name, file=blob, **FACTS)
    found["dataset"] = Dataset.objects.create(team=cast.team, name="digits", in_shape=[1, 8, 8], classes=10, file=blob)
    return found


def asked(things: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": str(things["dense"].pk), "model_2": str(things["level 3"].pk), "dataset": str(things["dataset"].pk), **more}


@pytest.fixture
def page(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_a_launch_keeps_each_network_that_was_named_and_no_other(cast: Cast, things: dict[str, Any]) -> None:
    run = actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    assert {field: given["id"] for field, given in run.inputs.items() if given["kind"] == "model"} == {
        "model": str(things["dense"].pk), "model_2": str(things["level 3"].pk)}
    assert [run.inputs[field]["variant"] for field in ("model", "model_2")] == ["dense", "level 3"]


def test_a_network_that_is_not_there_is_refused_at_its_own_field(cast: Cast, things: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, asked(things, model_3=str(uuid4())))
    assert refused.value.errors == {"model_3": "There is no such model in this team."}


def test_the_form_says_of_a_network_that_may_be_left_out_what_nothing_means(page: Client, things: dict[str, Any]) -> None:
    form = page.get(f"/experiments/new/{RECIPE}/").context["form"]
    assert form.fields["model_2"].empty_label == "choose a model" and form.fields["model_3"].empty_label == "none"
    names = [field.name for field in form.essentials]
    assert "model_2" in names and "model_3" not in names and "device" in names


def test_more_networks_are_folded_behind_the_first_two_and_stand_nowhere_else(page: Client, things: dict[str, Any]) -> None:
    form = page.get(f"/experiments/new/{RECIPE}/").context["form"]
    first, rest = form.essential_parts
    assert [field.name for field in first.fields] == ["model", "model_2"] and first.title == "Add more networks"
    assert [field.name for field in first.folded] == [f"model_{number}" for number in range(3, 9)] and not first.is_open
    assert "dataset" in [field.name for field in rest.fields] and not rest.folded
    assert not any(field.name.startswith("model") for field in form.advanced)


def test_what_is_folded_is_open_where_something_was_chosen_there_or_is_wrong(page: Client, things: dict[str, Any]) -> None:
    form = page.get(f"/experiments/new/{RECIPE}/?model_4={things['dense'].pk}").context["form"]
    assert form.essential_parts[0].is_open
    answer = page.post(f"/experiments/new/{RECIPE}/", asked(things, model_3=str(things["dense"].pk)))
    assert answer.context["form"].essential_parts[0].is_open and "network 1 once more" in answer.content.decode()


def test_an_address_that_names_a_model_means_the_first_field(page: Client, things: dict[str, Any]) -> None:
    dense, small = things["dense"].pk, things["level 3"].pk
    form = page.get(f"/experiments/new/{RECIPE}/?model={dense}").context["form"]
    assert (form["model"].value(), form["model_2"].value()) == (str(dense), None)
    form = page.get(f"/experiments/new/{RECIPE}/?model={dense}&model_2={small}").context["form"]
    assert (form["model"].value(), form["model_2"].value()) == (str(dense), str(small))


def test_what_was_typed_wrongly_stands_at_its_field_and_nothing_is_lost(page: Client, things: dict[str, Any]) -> None:
    sent = asked(things, trace="lines", lines="arrivals_per_s,deadline_ms\n5,-1", seconds="1")
    answer = page.post(f"/experiments/new/{RECIPE}/", sent)
    form = answer.context["form"]
    assert answer.status_code == 422 and not Run.objects.exists()
    assert "Line 2: deadline_ms is a number, more than 0" in form.errors["lines"][0]
    assert "between 2 and" in str(form.errors["seconds"])
    assert form["lines"].value() == sent["lines"] and form["model_2"].value() == sent["model_2"]


def test_a_network_alone_is_refused_at_the_second_field_and_nothing_is_lost(page: Client, things: dict[str, Any]) -> None:
    answer = page.post(f"/experiments/new/{RECIPE}/", asked(things, model_2="", seconds="17"))
    form = answer.context["form"]
    assert answer.status_code == 422 and not Run.objects.exists() and form["seconds"].value() == "17"
    assert form.errors == {"model_2": ["choose a model: with one network there is nothing to switch"]}


@pytest.mark.parametrize("more", [{}, {"model_2": ""}])
def test_a_network_alone_is_not_launched(cast: Cast, things: dict[str, Any], more: dict[str, str]) -> None:
    alone = {"model": str(things["dense"].pk), "dataset": str(things["dataset"].pk), **more}
    with pytest.raises(Refused) as refused:
        actions.launch(cast.alice, cast.team, RECIPE, alone)
    assert refused.value.errors == {"model_2": "is needed: with one network there is nothing to switch"}


def test_lines_are_wanted_where_the_trace_is_to_come_from_them(page: Client, things: dict[str, Any]) -> None:
    form = page.post(f"/experiments/new/{RECIPE}/", asked(things, trace="lines")).context["form"]
    assert "got nothing" in form.errors["lines"][0]


def test_each_network_has_the_numbers_that_were_measured_of_it(cast: Cast, things: dict[str, Any]) -> None:
    actions.launch(cast.alice, cast.team, RECIPE, asked(things))
    run = leases.claim([Run.objects.get().queue], "w1")
    assert run
    recorder.folder(run).mkdir(parents=True)
    told = [VariantMade(name=name, file=f"{name}.safetensors", sha256=hashlib.sha256(name.encode()).hexdigest(),
                        facts=Facts(**FACTS), given=True, given_as=field)
            for name, field in (("LeNet · dense", "model"), ("LeNet · level 3", "model_2"))]
    numbers = [Measured(variant=each.name, metric="accuracy", value=0.5, unit="fraction") for each in told]
    recorder.record(run, [*told, *numbers])
    assert {each.variant_name: each.variant for each in Measurement.objects.all()} == {
        "LeNet · dense": things["dense"], "LeNet · level 3": things["level 3"]}
    assert not of_levels(run)
