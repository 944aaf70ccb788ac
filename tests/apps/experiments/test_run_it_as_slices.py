"""From a network with a transfer layer inside to its slices; and what a plan took says where it was cut, and over what."""

from __future__ import annotations

from html import unescape
from typing import Any
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
    return finished(cast, [{"name": "inside", "cut_behind": "transfer_down_3", "over": {
        "sender": "pi", "receiver": "rack", "latency_ms": 20.0, "bandwidth_mbps": 5.0}}, {"name": "gone", "cut_behind": "x"}])


def finished(cast: Cast, variants: list[dict[str, Any]], **params: str) -> Run:
    run = actions.launch(cast.alice, cast.team, "partitioning.scissionlite", {**network(cast), "after": "relu1", **params})
    RunVariant.objects.create(run=run, name="inside", variant=Variant.objects.get(name="root"))
    Run.objects.filter(pk=run.pk).update(status="finished", summary={"variants": variants})
    return Run.objects.get(pk=run.pk)


def sent_over(run: Run, **link: Any) -> None:
    """Kept of the run's network: another link than it had."""
    run.summary["variants"][0]["over"] |= link
    run.save(update_fields=["summary"])


def shown(cast: Cast, run: Run) -> str:
    page = Client()
    page.force_login(cast.alice)
    answer = page.get(f"/runs/{run.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_form_of_slices_is_told_the_cut_at_the_layer_and_its_link(made: Run) -> None:
    (found,) = run_onward.as_slices(made)
    told = {name: values[0] for name, values in parse_qs(found.query).items()}
    assert told["plan"] == "pi until transfer_down_3\nrack" and told["between"] == "pi to rack: 20 ms, 5 Mbit/s"
    assert menu.get("partitioning.slices").params.model_validate(told)


def test_names_that_read_like_two_ends_are_told_as_they_are(made: Run) -> None:
    sent_over(made, sender="pi to go", receiver="edge")
    (found,) = run_onward.as_slices(made)
    told = menu.get("partitioning.slices").params.model_validate({name: each[0] for name, each in parse_qs(found.query).items()})
    assert [part.name for part in told.parts] == ["pi to go", "edge"]
    assert [(each.sender, each.receiver) for each in told.said_links] == [("pi to go", "edge")]


@pytest.mark.parametrize("over", [
    {"bandwidth_mbps": 0.0005}, {"bandwidth_mbps": 2e6}, {"latency_ms": 60_001.0}, {"sender": "a;b"}, {"receiver": "a\nb"},
    {"receiver": "edge until noon"}, {"sender": "pi  4"}, {"sender": "rack"}, {"receiver": "r" * 121},
])
def test_what_no_line_of_a_plan_can_say_leads_nowhere_and_the_page_is_there(cast: Cast, made: Run, over: dict[str, Any]) -> None:
    sent_over(made, **over)
    assert run_onward.as_slices(made) == [] and "Run it as slices" not in shown(cast, made)


def test_a_run_over_a_link_that_is_too_slow_for_slices_has_its_page(cast: Cast) -> None:
    run = finished(cast, [{"name": "inside", "cut_behind": "transfer_down_3"}], bandwidth_mbps="0.0005")
    assert run_onward.as_slices(run) == [] and "Run it as slices" not in shown(cast, run)


@pytest.mark.parametrize(("line", "count"), [("pi to rack: 20 ms, 5 Mbit/s", 1), ("pi to go to edge: 20 ms, 5 Mbit/s", 0),
                                             ("a;b to edge: 20 ms, 5 Mbit/s", 0), ("pi to rack: 20 ms, 0.0005 Mbit/s", 0),
                                             ("a to b: 1 ms, 5 Mbit/s; b to c: 1 ms, 5 Mbit/s", 0), ("", 0)])
def test_a_run_from_before_that_kept_a_line_leads_on_where_it_has_one_meaning(made: Run, line: str, count: int) -> None:
    made.summary["variants"][0] = {"name": "inside", "cut_behind": "x", "link": line}
    assert [parse_qs(each.query)["between"] for each in run_onward.as_slices(made)] == [[line]] * count


def test_a_run_from_before_that_names_no_link_takes_those_that_it_was_asked_with(made: Run) -> None:
    made.summary["variants"][0].pop("over")
    (found,) = run_onward.as_slices(made)
    assert parse_qs(found.query)["between"] == ["device to edge: 20 ms, 20 Mbit/s"]


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
