"""Every page stands in the house's frame and keeps the rules of its content security policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership, Role, Team, User
from apps.experiments.models import Status
from tests.apps.cast import Cast

PAGES = ["/", "/models/", "/data/", "/devices/", "/experiments/", "/experiments/new/", "/docs/", "/account/",
         "/experiments/new/pruning.reconvene/", "/docs/pruning.reconvene/"]
INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*(src=|application/json))", re.I)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_script_or_style(cast: Cast, client: Client, path: str) -> None:
    client.force_login(cast.alice)
    answer = client.get(path)
    assert answer.status_code == 200 and not INLINE.search(answer.content.decode())
    assert "script-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_teach_while_there_is_nothing_to_show(client: Client, db: None, path: str) -> None:
    """Somebody who is in no team sees every page, empty."""
    client.force_login(User.objects.create_user("new@example.org"))
    assert client.get(path).status_code == 200


def test_home_shows_what_runs_and_what_came_out(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    cast.run(Status.RUNNING)
    cast.run(Status.FINISHED, summary={"verdict": "16.1x smaller"})
    said = client.get("/").content.decode()
    assert "try 1" in said and "16.1× smaller" in said and 'hx-trigger="every' in said


def test_an_experiment_of_many_runs_is_one_row_of_home(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    first, *others = [cast.run(status) for status in (Status.RUNNING, Status.QUEUED, Status.FINISHED, Status.FAILED)]
    for each in others:
        each.experiment = first.experiment
        each.save(update_fields=["experiment"])
    said = client.get("/").content.decode()
    assert said.count("<tr data-row>") == 2, "one of what runs, one of what came out"
    assert "2 of 4 runs have ended" in said and "1 of 4 finished" in said and f"/experiments/{first.experiment_id}/" in said
    assert "<dt>running or waiting</dt><dd>2</dd>" in said


def test_the_fragment_of_home_asks_again_only_while_something_runs(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.get("/", headers={"HX-Request": "true"})
    assert "hx-trigger" not in answer.content.decode() and b"<html" not in answer.content


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_page_that_is_not_there_says_so_in_the_house_look(cast: Cast, client: Client, signed_in: bool) -> None:
    if signed_in:
        client.force_login(cast.alice)
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404 and "There is nothing here" in answer.content.decode()


def test_a_stale_form_says_what_to_do(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice)
    answer = client.post("/account/", {"name": "x"})
    assert answer.status_code == 403 and "open for too long" in answer.content.decode()


def test_a_broken_page_shows_no_trace(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("apps.experiments.guide.kinds", broken)
    client.force_login(cast.alice)
    client.raise_request_exception = False
    answer = client.get("/docs/")
    assert answer.status_code == 500 and "secret detail" not in answer.content.decode()
    assert "Something broke on our side" in answer.content.decode()


def test_a_person_of_two_teams_chooses_one(cast: Cast, client: Client) -> None:
    second = Team.objects.create(name="Zoo")
    Membership.objects.create(team=second, user=cast.alice, role=Role.MEMBER)
    client.force_login(cast.alice)
    assert "<h1>Edge</h1>" in client.get("/").content.decode()
    client.post("/team/switch/", {"team": str(second.pk)})
    assert "<h1>Zoo</h1>" in client.get("/").content.decode()


def test_nobody_chooses_a_team_that_is_not_theirs(cast: Cast, client: Client) -> None:
    client.force_login(cast.mallory)
    for asked in (str(cast.team.pk), "nonsense", "\x00"):
        assert client.post("/team/switch/", {"team": asked}).status_code == 404


def test_who_is_signed_in_finds_the_way_home_from_a_page_that_is_not_there(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    said = client.get("/no/such/page/").content.decode()
    assert "Go to Home" in said and 'class="rail"' in said


def test_a_spent_link_tells_who_is_signed_in_so(cast: Cast, client: Client, settings: Any) -> None:
    settings.LOCAL = True
    client.force_login(cast.alice)
    answer = client.get("/enter/spent/")
    assert answer.status_code == 410 and "signed in already" in answer.content.decode()
    assert "make link" in Client().get("/enter/spent/").content.decode()
