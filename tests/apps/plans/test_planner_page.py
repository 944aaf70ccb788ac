"""The planner's page: what stands in its address is what is planned and painted, with JavaScript and without."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.devices.models import Device, Link
from apps.live import asking
from tests.apps.devices.profiled import keep, network
from tests.apps.plans.conftest import Town
from worker.planning.answer import NOT_RUN

pytestmark = pytest.mark.django_db


@pytest.fixture
def victor(town: Town, client: Client) -> Client:
    client.force_login(town.cast.victor)
    return client


def state(page: str) -> dict[str, Any]:
    found = re.search(r'id="planner-state" type="application/json">(.*?)</script>', page, re.S)
    assert found, page[:2000]
    told: dict[str, Any] = json.loads(found[1])
    return told


def shown(client: Client, query: str = "", name: str = "", status: int = 200) -> str:
    answer = client.get(f"/planner/{name}?{query}")
    assert answer.status_code == status, answer.content[:500]
    return answer.content.decode()


def test_the_first_paint_has_the_answer_in_it(town: Town, victor: Client) -> None:
    page = shown(victor)
    assert state(page)["verdict"] and page.count('class="plan best"') == 1
    assert "Which plan wins over bandwidth of all links" in page and "Everything on one device" in page
    assert "pi-4 to box" in page and "holds the input" in page and "style=" not in page


def test_a_form_that_is_sent_has_an_address_of_its_own(town: Town, victor: Client) -> None:
    """As a browser without JavaScript sends it: the fields of links become what is tried, those that are as kept do not."""
    way = f"{town.pi.pk}.{town.box.pk}"
    kept = Link.objects.get(source=town.pi, target=town.box)
    fields = {"form": "1", "network": "small", "device": [str(town.pi.pk), str(town.box.pk)], f"ms.{way}": kept.latency_ms,
              f"mbps.{way}": "7.5", "over": f"latency.{way}", "rule": ["raw input stays", ""], "count": "5"}
    answer = victor.get("/planner/", fields)
    assert answer.status_code == 302
    assert f"link={town.pi.pk},{town.box.pk},{kept.latency_ms:g},7.5" in answer.url and "varying=latency" in answer.url
    page = victor.get(answer.url).content.decode()
    assert "the team's values are" in page
    assert 'value="raw input stays" checked' in page and 'value="7.5"' in page


def test_values_as_the_team_keeps_them_are_not_tried(town: Town, victor: Client) -> None:
    kept = Link.objects.get(source=town.pi, target=town.box)
    way = f"{town.pi.pk}.{town.box.pk}"
    fields = {"form": "1", f"ms.{way}": f"{kept.latency_ms:g}", f"mbps.{way}": f"{kept.bandwidth_mbps:g}"}
    told = state(victor.get("/planner/part/", fields | {"device": str(town.pi.pk)}).content.decode())
    assert "link=" not in told["query"]


def test_a_link_that_nobody_knows_is_said_and_can_be_tried(town: Town, victor: Client) -> None:
    Link.objects.filter(source=town.pi, target=town.box).delete()
    page = shown(victor)
    assert "No link from pi-4 to box" in page and f"/devices/links/?source={town.pi.pk}&amp;target={town.box.pk}" in page
    told = state(shown(victor, f"network=small&ms.{town.pi.pk}.{town.box.pk}=5&mbps.{town.pi.pk}.{town.box.pk}=90", "part/"))
    assert told["ways"][f"{town.pi.pk}.{town.box.pk}"] == {"faults": [], "tried": True}


def test_half_a_link_is_asked_for(town: Town, victor: Client) -> None:
    Link.objects.filter(source=town.pi, target=town.box).delete()
    told = state(shown(victor, f"form=1&device={town.pi.pk}&device={town.box.pk}&ms.{town.pi.pk}.{town.box.pk}=5", "part/"))
    assert told["ways"][f"{town.pi.pk}.{town.box.pk}"]["faults"] == [
        "Say both the round trip and the bandwidth of this link, or leave both empty."]


def test_a_rule_that_cannot_be_read_says_so_and_stays(town: Town, victor: Client) -> None:
    page = shown(victor, "network=small&rule=raw+input+stays&rule=edge+takes+ages", status=422)
    assert 'value="edge takes ages" maxlength="300" aria-invalid="true"' in page and "a rule is a line such as" in page
    assert 'value="raw input stays" checked' in page


def test_rules_that_cannot_be_kept_together_are_named_with_a_way_out(town: Town, victor: Client) -> None:
    query = "network=small&rule=use+cloud&rule=leave+out+cloud"
    page = shown(victor, query)
    assert 'name="drop" value="use cloud"' in page and 'name="drop" value="leave out cloud"' in page
    dropped = victor.get(f"/planner/?{query}&drop=use+cloud&form=1&device={town.pi.pk}")
    assert dropped.status_code == 302 and "use+cloud" not in dropped.url and "leave+out+cloud" in dropped.url


def test_a_form_without_a_device_is_sent_back(town: Town, victor: Client) -> None:
    assert "Tick at least one device." in shown(victor, "form=1&network=small", status=422)


def test_another_device_of_the_lowest_tier_can_hold_the_input(town: Town, victor: Client) -> None:
    other = Device.objects.create(team=town.cast.team, name="pi-0", tier="device")
    keep(other)
    page = shown(victor, "network=small")
    assert page.count("let it hold the input") == 1
    both = f"form=1&network=small&device={other.pk}&device={town.pi.pk}&device={town.box.pk}"
    first = shown(victor, f"{both}&first={town.pi.pk}", "part/")
    assert f"device={town.pi.pk}&device={other.pk}" in state(first)["query"]


def test_who_does_not_answer_is_said_and_nothing_is_lost(town: Town, victor: Client) -> None:
    town.planner.silent = True
    page = shown(victor, "network=small&rule=raw+input+stays")
    assert "The planner does not answer." in page and state(page)["silent"] and 'value="raw input stays" checked' in page
    answer = victor.get("/planner/answer/?network=small")
    assert answer.status_code == 503 and answer.json()["title"] == "The planner does not answer."


def test_programs_get_the_answer_or_what_is_wrong_field_by_field(town: Town, victor: Client) -> None:
    told = victor.get("/planner/answer/?network=small&count=3").json()
    assert len(told["plans"]) == 3 and told["bands"]
    wrong = victor.get("/planner/answer/?network=small&count=0&rule=nonsense")
    assert wrong.status_code == 422 and wrong["Content-Type"] == "application/problem+json"
    assert set(wrong.json()["fields"]) == {"count", "rules.0"}
    unknown = victor.get("/planner/answer/?network=nobody")
    assert unknown.status_code == 422 and "block times" in unknown.json()["fields"]["network"]


def test_all_parts_leave_as_csv(town: Town, victor: Client) -> None:
    answer = victor.get("/planner/plans.csv?network=small")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    first = [row for row in rows if row["rank"] == "1"]
    assert sum(float(row["ms"]) for row in first) == pytest.approx(float(first[0]["plan_latency_ms"]))
    assert {row["plan_kind"] for row in rows} == {"predicted"} and {row["kind"] for row in rows} == {"measured", "predicted"}
    assert {row["kind"] for row in rows if row["part"] == "hop"} == {"predicted"}


def test_every_total_says_that_it_is_predicted_as_no_plan_was_run(town: Town, victor: Client) -> None:
    page = unescape(re.sub(r"<[^>]+>", "", " ".join(shown(victor, "network=small&pareto=on").split())))
    assert "Predicted; no plan was run." in page and NOT_RUN in page and "Times of its blocks are measured." in page
    frontier = page[page.index("time of oneimages in a second") :]
    assert re.search(r"\d ms predicted[\d.]+predicted", frontier)


def test_a_viewer_looks_and_a_member_may_save(town: Town, victor: Client, client: Client) -> None:
    assert 'id="save"' not in shown(victor)
    client.force_login(town.cast.mia)
    assert 'id="save"' in shown(client)


def test_an_example_is_brought_once_and_says_that_it_is_emulated(town: Town, client: Client) -> None:
    client.force_login(town.cast.mallory)
    assert "Try it with an example" in shown(client)
    for _ in range(2):
        answer = client.post("/planner/example/", follow=True)
        page = answer.content.decode()
    assert Device.objects.filter(team__name="Others").count() == 3 and page.count(" emulated</a>") == 3
    assert "is-predicted" in page and state(page)["verdict"] and " measured</a>" not in page


def test_nothing_known_teaches_how_to_begin(town: Town, client: Client) -> None:
    client.force_login(town.cast.mallory)
    page = shown(client)
    assert "Nothing is known yet" in page and "/experiments/new/benchmarking.layers/" in page


def test_predicted_times_say_so(town: Town, victor: Client) -> None:
    vm = Device.objects.create(team=town.cast.team, name="vm", tier="edge")
    keep(vm, network(origin="predicted", predicted_within=0.18, predicted_from=25))
    page = shown(victor, "network=small")
    assert "is-predicted" in page and "predicted" in re.sub(r"<script.*?</script>", "", page, flags=re.S)


@pytest.mark.parametrize("value", ["inf", "nan", "1e308", "1e400", "9" * 400])
@pytest.mark.parametrize("field", ["latency", "bandwidth"])
def test_a_number_that_no_link_has_is_a_fault_at_its_link_whatever_the_band_is_over(town: Town, victor: Client, field: str,
                                                                                    value: str) -> None:
    numbers = f"{value},10" if field == "latency" else f"10,{value}"
    over = f"varying={field}&from={town.pi.pk}&to={town.box.pk}"
    query = f"network=small&link={town.pi.pk},{town.box.pk},{numbers}&{over}"
    assert "must be a number from" in shown(victor, query, status=422)
    told = state(shown(victor, query, "part/"))["ways"][f"{town.pi.pk}.{town.box.pk}"]["faults"]
    assert len(told) == 1 and "must be a number from" in told[0]
    answer = victor.get(f"/planner/answer/?{query}")
    assert answer.status_code == 422 and all(name.startswith("links.0.") for name in answer.json()["fields"])
    assert victor.get(f"/planner/plans.csv?{query}").status_code == 422


@pytest.mark.parametrize("name", ["low", "high", "input_mb", "count"])
def test_a_number_that_cannot_be_is_never_more_than_a_fault(town: Town, victor: Client, name: str) -> None:
    over = f"varying=latency&from={town.pi.pk}&to={town.box.pk}"
    for value in ("inf", "nan", "1e400", "9" * 400):
        answer = victor.get(f"/planner/answer/?network=small&{over}&{name}={value}")
        assert answer.status_code == 422 and name in " ".join(answer.json()["fields"])
    shown(victor, f"network=small&{over}&{name}=1e308", "part/")
    shown(victor, f"network=small&{over}&{name}=5e-324", "part/")


def test_what_takes_too_long_is_said_and_is_no_fault_of_a_field(town: Town, victor: Client) -> None:
    town.planner.fails = lambda _: asking.TooLong("It would take too long.")
    page = shown(victor, "network=small&rule=raw+input+stays")
    told = state(page)
    assert "It would take too long." in page and "has to be mended" not in page and 'value="raw input stays" checked' in page
    assert (told["silent"], told["faults"], told["too_long"]) == (False, {}, "It would take too long.")
    answer = victor.get("/planner/answer/?network=small")
    assert answer.status_code == 503 and answer.json()["title"] == "It would take too long."
    assert victor.get("/planner/plans.csv?network=small").status_code == 503


def test_a_part_is_empty_only_where_a_newer_question_came(town: Town, victor: Client) -> None:
    town.planner.fails = lambda _: asking.Superseded("A newer question was asked meanwhile.")
    assert shown(victor, "network=small", "part/", status=204) == ""
    town.planner.fails = lambda _: None
    town.cast.victor.memberships.all().delete()
    assert victor.get("/planner/part/?network=small").status_code == 403


def test_the_devices_are_looked_up_once_for_the_page_and_its_question(town: Town, victor: Client) -> None:
    def counted(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            shown(victor, query, "part/")
        return sum("distinct on" in each["sql"].lower() for each in asked.captured_queries)

    assert counted("network=small") == 1
    assert counted(f"network=small&device={town.pi.pk}&device={town.box.pk}") == 2
