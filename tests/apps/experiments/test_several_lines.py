"""Text of several lines in forms: a line under the other, as long as its recipe takes it, changed and emptied in a run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.experiments.forms import form_for
from apps.experiments.models import Run, Status
from apps.live.models import Event
from tests.apps.cast import Cast
from worker import menu

RECIPE = "federated.fedavg"
CLIENTS = "pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms; jetson: 10 GMAC/s, 75 Mbit/s, 2 ms"
BELOW = CLIENTS.replace("; ", "\n")


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


@pytest.fixture
def run(cast: Cast) -> Run:
    """One that goes on, with all that its recipe is told."""
    asked = {"model": "m", "dataset": "d", "clients": CLIENTS}
    told = menu.get(RECIPE).params.model_validate(asked).model_dump(mode="json")
    return cast.run(Status.RUNNING, recipe=RECIPE, params=told, attempt=1)


def changed(run: Run, client: Client, text: str) -> Any:
    answer = client.post(f"/runs/{run.pk}/change/", {"bandwidth_now": text})
    run.refresh_from_db()
    return answer


def test_a_form_begins_with_a_line_for_each(cast: Cast, alice: Client) -> None:
    page = alice.get(f"/experiments/new/{RECIPE}/").content.decode()
    assert "pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms\npi3-2:" in page


def test_what_an_earlier_run_was_told_comes_back_a_line_each(run: Run, alice: Client) -> None:
    assert BELOW in alice.get(f"/experiments/new/{RECIPE}/?from={run.pk}").content.decode()


def test_a_text_may_be_as_long_as_its_recipe_takes_it(cast: Cast) -> None:
    long = "\n".join(f"client-{number:02}: 0.5 GMAC/s, 75 Mbit/s, 2 ms" for number in range(70))
    assert 2000 < len(long) < 4000
    assert "clients" not in form_for(menu.get(RECIPE), cast.alice, cast.team)({"clients": long}).errors
    too_long = form_for(menu.get(RECIPE), cast.alice, cast.team)({"clients": long + "\n" + long})
    assert "at most 4000 characters" in too_long.errors["clients"][0]


def test_lines_are_changed_while_it_runs(run: Run, alice: Client) -> None:
    assert changed(run, alice, "pi3-1 1 Mbit/s\r\njetson 500 kbit/s").status_code == 302
    assert run.live_params == {"bandwidth_now": "pi3-1 1 Mbit/s; jetson 500 kbit/s"}
    said = Event.objects.filter(stream=run.stream, type="changed").get().body
    assert said["values"] == {"bandwidth_now": "pi3-1 1 Mbit/s; jetson 500 kbit/s"}
    assert "pi3-1 1 Mbit/s\njetson 500 kbit/s</textarea>" in alice.get(f"/runs/{run.pk}/").content.decode()


def test_a_value_that_is_in_force_already_is_no_change(run: Run, alice: Client) -> None:
    rate = run.params["learning_rate"]
    alice.post(f"/runs/{run.pk}/change/", {"bandwidth_now": "pi3-1 1 Mbit/s", "learning_rate": str(rate)})
    run.refresh_from_db()
    assert run.live_params == {"bandwidth_now": "pi3-1 1 Mbit/s"}
    said = Event.objects.filter(stream=run.stream, type="changed")
    assert said.get().body["values"] == {"bandwidth_now": "pi3-1 1 Mbit/s"}
    answer = alice.post(f"/runs/{run.pk}/change/", {"bandwidth_now": "pi3-1 1 Mbit/s", "learning_rate": str(rate)}, follow=True)
    assert "Nothing was changed" in answer.content.decode() and said.count() == 1
    alice.post(f"/runs/{run.pk}/change/", {"bandwidth_now": "pi3-1 1 Mbit/s", "learning_rate": "0.5"})
    alice.post(f"/runs/{run.pk}/change/", {"bandwidth_now": "pi3-1 1 Mbit/s", "learning_rate": str(rate)})
    run.refresh_from_db()
    assert run.live_params["learning_rate"] == rate, "going back is a change"


def test_the_part_that_changes_a_run_stays_unfolded_behind_a_change(run: Run, alice: Client) -> None:
    unfolded = '<details class="card" id="live-change" open>'
    assert unfolded not in alice.get(f"/runs/{run.pk}/").content.decode()
    for text in ("pi3-1 1 Mbit/s", "pi3-1 1 Mbit/s"):  # a change, and then none
        answer = alice.post(f"/runs/{run.pk}/change/", {"bandwidth_now": text}, follow=True)
        assert unfolded in answer.content.decode()


def test_emptied_lines_are_as_planned_again(run: Run, alice: Client) -> None:
    changed(run, alice, "pi3-1 1 Mbit/s")
    assert changed(run, alice, "").status_code == 302
    assert run.live_params == {"bandwidth_now": ""}


@pytest.mark.parametrize(("text", "said"), [
    ("pi3-1 1 Mbit/s\nnobody 5 Mbit/s", "the clients are pi3-1, jetson"), ("pi3-1 fast", "a line is such as"),
    ("pi3-1 0 Mbit/s", "a bandwidth is from 0.001"), ("x" * 4001, "at most 4000 characters"),
])
def test_a_wrong_line_comes_back_as_it_was_typed_with_a_sentence(run: Run, alice: Client, text: str, said: str) -> None:
    answer = changed(run, alice, text)
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and f"{text}</textarea>" in page
    assert not run.live_params


def test_the_page_of_a_run_writes_each_line_for_itself(run: Run, alice: Client) -> None:
    page = alice.get(f"/runs/{run.pk}/").content.decode()
    assert "<dd>pi3-1: 0.5 GMAC/s, 75 Mbit/s, 2 ms<br>jetson: 10 GMAC/s, 75 Mbit/s, 2 ms</dd>" in page
