"""Run this plan: from the planner's page and from a saved plan to the form of a new run, filled in with the plan as it is."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from apps.accounts.refusal import Refused
from apps.catalog import blobs
from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Device, Link
from apps.experiments import actions
from apps.experiments.prefilled import NO_MODEL
from apps.plans import actions as planning
from tests.apps.plans.conftest import Town
from worker import menu
from worker.evidence import Evidence

pytestmark = pytest.mark.django_db
RECIPE = "partitioning.slices"
FORM = f"/experiments/new/{RECIPE}/"


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def leads(text: str) -> list[dict[str, str]]:
    """Where the buttons lead, each with what its address says."""
    found = re.findall(rf'href="({re.escape(FORM)}\?[^"]*)">Run this plan', text)
    return [{name: values[0] for name, values in parse_qs(urlsplit(each).query).items()} for each in found]


@pytest.fixture
def things(town: Town) -> dict[str, str]:
    """The model that the town's profiles are of, and data that fit it beside some that do not."""
    blob = Blob.objects.create(sha256="ab" * 32, size_bytes=1)
    model = RegisteredModel.objects.create(team=town.cast.team, name="net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=town.cast.team, model=model, name="root", file=blob, size_bytes=1, params=1, macs=1,
                                     activation_bytes=1)
    Dataset.objects.create(team=town.cast.team, name="other", in_shape=[3, 32, 32], classes=10, file=blob)
    data = Dataset.objects.create(team=town.cast.team, name="fits", in_shape=[1, 8, 8], classes=10, file=blob)
    return {"model": str(variant.pk), "dataset": str(data.pk)}


def test_each_plan_of_the_planner_leads_to_a_form_that_has_it(client: Client, town: Town, things: dict[str, str]) -> None:
    client.force_login(town.cast.mia)
    way = f"{town.pi.pk},{town.box.pk},12,70"
    best, *others = leads(page(client, f"/planner/?network=small&rule=raw+input+stays&link={way}"))
    assert best["network"] == "small" and others
    assert "pi-4 until " in best["plan"] and "pi-4 to box: 12 ms, 70 Mbit/s" in best["between"]  # As it was tried.
    form = page(client, f"{FORM}?{urlencode(best)}")
    assert best["plan"] in form and best["between"] in form
    for field, chosen in things.items():
        assert re.search(rf'<option value="{chosen}"[^>]* selected', form), field


def test_a_plan_that_sends_the_raw_input_has_a_part_that_only_holds_it(client: Client, town: Town) -> None:
    client.force_login(town.cast.mia)
    plans = [each["plan"] for each in leads(page(client, "/planner/?network=small&rule=leave+out+edge&rule=use+cloud"))]
    assert any(plan.startswith("pi-4 until input\n") for plan in plans)


def test_a_saved_plan_leads_there_too_with_the_links_that_it_was_made_with(client: Client, town: Town) -> None:
    client.force_login(town.cast.mia)
    saved = town.save()
    (told,) = leads(page(client, f"/planner/saved/{saved.pk}/"))
    kept = Link.objects.get(source=town.pi, target=town.box)
    best = planning.ask(town.cast.alice, town.cast.team, town.wanted).plans[0]
    assert told == {"network": "small", "plan": told["plan"], "planned_ms": f"{best.latency_ms:.6g}",
                    "planned_for": f"{told['plan']}\n{told['between']}", "planned_from": best.block_times,
                    "between": f"pi-4 to box: {kept.latency_ms:g} ms, {kept.bandwidth_mbps:g} Mbit/s"}
    del told["network"]
    asked = menu.get(RECIPE).params.model_validate({"model": "m", "dataset": "d", **told})
    assert asked.planned.counts
    other = menu.get(RECIPE).params.model_validate({**asked.model_dump(), "between": "pi-4 to box: 1 ms, 1 Mbit/s"})
    assert not other.planned.counts and other.remarks()


def test_who_may_only_look_is_offered_no_run(client: Client, town: Town) -> None:
    client.force_login(town.cast.victor)
    assert leads(page(client, "/planner/?network=small")) == leads(page(client, f"/planner/saved/{town.save().pk}/")) == []


def test_a_device_whose_name_no_line_can_hold_has_no_button(client: Client, town: Town) -> None:
    Device.objects.filter(pk=town.pi.pk).update(name="pi; until x")
    client.force_login(town.cast.mia)
    text = page(client, "/planner/?network=small&rule=raw+input+stays")
    assert 'class="plan best"' in text and all("pi; until x" not in each["plan"] for each in leads(text))


def test_an_address_says_only_fields_of_the_recipe_and_is_judged_by_the_form(client: Client, town: Town) -> None:
    client.force_login(town.cast.mia)
    form = page(client, f"{FORM}?network=%00&plan=%00<b>;nonsense&images=many&seed=5&nothing=here&device=x")
    assert NO_MODEL in form and "<b>;nonsense" in form and 'value="many"' in form and 'value="5"' in form


def asked(things: dict[str, str], **more: str) -> dict[str, Any]:
    return {**things, "plan": "pi-4 until a; box", "between": "", **more}


def test_a_run_is_given_the_teams_links_and_refused_where_one_is_not_known(town: Town, things: dict[str, str]) -> None:
    run = actions.launch(town.cast.alice, town.cast.team, RECIPE, asked(things))
    given = Evidence.model_validate_json(blobs.path(run.inputs["profiles"]["sha256"]).read_bytes())
    names = {each.id: each.name for each in given.devices}
    assert run.inputs["profiles"]["name"] == f"{len(given.links)} links" and not given.profiles
    assert ("pi-4", "box") in {(names[each.sender], names[each.receiver]) for each in given.links}
    with pytest.raises(Refused, match="What lies between box to elsewhere is not known"):
        actions.launch(town.cast.alice, town.cast.team, RECIPE, asked(things, plan="box until a; elsewhere"))
    actions.launch(town.cast.alice, town.cast.team, RECIPE,
                   asked(things, plan="box until a; elsewhere", between="box to elsewhere: 1 ms, 1 Mbit/s"))
