"""From a network with a transfer layer inside to its slices; and what a plan took says where it was cut, and over what."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs

import pytest
from django.test import Client

from apps.catalog.models import Variant
from apps.experiments import actions, run_onward
from apps.experiments.models import Measurement, Run, RunVariant
from tests.apps.cast import Cast
from tests.apps.experiments.network import network
from worker import menu


@pytest.fixture
def made(cast: Cast) -> Run:
    """A run with a transfer layer that has left one network."""
    run = actions.launch(cast.alice, cast.team, "partitioning.scissionlite", {**network(cast), "after": "relu1"})
    variant = Variant.objects.get(name="root")
    RunVariant.objects.create(run=run, name="inside", variant=variant)
    Run.objects.filter(pk=run.pk).update(status="finished", summary={"variants": [
        {"name": "inside", "cut_behind": "transfer_down_3", "link": "pi to rack: 20 ms, 5 Mbit/s"},
        {"name": "gone", "cut_behind": "x"}]})
    return Run.objects.get(pk=run.pk)


def test_the_form_of_slices_is_told_the_cut_at_the_layer_and_its_link(made: Run) -> None:
    (found,) = run_onward.as_slices(made)
    told = {name: values[0] for name, values in parse_qs(found.query).items()}
    assert told["plan"] == "pi until transfer_down_3\nrack" and told["between"] == "pi to rack: 20 ms, 5 Mbit/s"
    assert menu.get("partitioning.slices").params.model_validate(told)


def test_a_run_from_before_that_names_no_link_takes_those_that_it_was_asked_with(made: Run) -> None:
    made.summary["variants"][0].pop("link")
    (found,) = run_onward.as_slices(made)
    assert parse_qs(found.query)["between"] == ["device to edge: 20.0 ms, 20.0 Mbit/s"]


def test_its_page_leads_there_and_the_form_has_it(cast: Cast, made: Run) -> None:
    page = Client()
    page.force_login(cast.alice)
    text = page.get(f"/runs/{made.pk}/").content.decode()
    address = unescape(text.split('">Run it as slices')[0].rpartition('href="')[2])
    form = page.get(address).content.decode()
    assert "pi until transfer_down_3\nrack" in form and "pi to rack: 20 ms, 5 Mbit/s" in form


def test_a_variants_page_says_of_split_latency_where_it_was_cut_and_over_which_links(cast: Cast) -> None:
    things = network(cast)
    run = actions.launch(cast.alice, cast.team, "partitioning.slices",
                         {**things, "plan": "pi until a; rack", "between": "pi to rack: 1 ms, 5 Mbit/s"})
    Run.objects.filter(pk=run.pk).update(summary={"links": ["pi to rack: 1 ms, 5 Mbit/s, emulated"]})
    for metric in ("split_latency_ms_p50", "sent_bytes"):
        Measurement.objects.create(team=cast.team, run=run, variant_id=things["model"], variant_name="net", metric=metric,
                                   value=3.0, unit="ms", origin="emulated")
    page = Client()
    page.force_login(cast.alice)
    text = page.get(f"/experiments/measured/of-variant/{things['model']}/").content.decode()
    assert text.count("plan: pi until a; rack") == 1 and "link pi to rack: 1 ms, 5 Mbit/s, emulated" in text
