"""A team: who is in it, who may change that, and that it never loses its last administrator."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import actions
from apps.accounts.models import Membership, Role, Team, User
from apps.accounts.refusal import Conflict, Refused
from tests.apps.cast import Cast


def member(user: User, team: Team) -> Membership:
    return Membership.objects.select_related("team", "user").get(user=user, team=team)


def role(user: User, team: Team) -> str:
    return member(user, team).role


@pytest.fixture
def alices(cast: Cast, client: Client) -> Client:
    client.force_login(cast.alice)
    return client


def test_everybody_in_the_team_sees_who_is_in_it(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    said = client.get("/team/").content.decode()
    assert all(f"{name}@example.org" in said for name in ("alice", "ruth", "victor")) and "mallory" not in said


def test_only_an_administrator_sees_what_changes_the_team(cast: Cast, client: Client) -> None:
    client.force_login(cast.ruth)
    said = client.get("/team/").content.decode()
    assert "Remove from the team" not in said and "Invite</button>" not in said


def test_an_administrator_gives_roles(cast: Cast, alices: Client) -> None:
    answer = alices.post(f"/team/members/{member(cast.victor, cast.team).pk}/role/", {"role": "member", "was": "viewer"})
    assert answer.status_code == 302 and role(cast.victor, cast.team) == Role.MEMBER


def test_a_role_that_changed_meanwhile_is_not_overwritten(cast: Cast, alices: Client) -> None:
    Membership.objects.filter(user=cast.victor).update(role=Role.REVIEWER)
    answer = alices.post(f"/team/members/{member(cast.victor, cast.team).pk}/role/", {"role": "member", "was": "viewer"})
    assert answer.status_code == 409 and "is reviewer by now" in answer.content.decode()
    assert role(cast.victor, cast.team) == Role.REVIEWER


@pytest.mark.parametrize("wrong", ["owner", "", "ADMIN", "a\x00b", "x" * 5000])
def test_a_role_that_does_not_exist_is_refused(cast: Cast, alices: Client, wrong: str) -> None:
    answer = alices.post(f"/team/members/{member(cast.victor, cast.team).pk}/role/", {"role": wrong})
    assert answer.status_code == 422 and role(cast.victor, cast.team) == Role.VIEWER


@pytest.mark.parametrize("verb", ["role", "remove", "reset-link"])
def test_others_find_no_such_member(cast: Cast, client: Client, verb: str) -> None:
    for person in (cast.ruth, cast.victor, cast.mallory):
        client.force_login(person)
        assert client.post(f"/team/members/{member(cast.victor, cast.team).pk}/{verb}/", {"role": "admin"}).status_code == 404
    assert role(cast.victor, cast.team) == Role.VIEWER


def test_a_number_that_no_row_can_have_is_no_member(cast: Cast, alices: Client) -> None:
    assert alices.post(f"/team/members/{2**70}/remove/").status_code == 404


def test_a_removed_member_is_a_stranger_at_once(cast: Cast, alices: Client) -> None:
    alices.post(f"/team/members/{member(cast.victor, cast.team).pk}/remove/")
    client = Client()
    client.force_login(cast.victor)
    assert "No team yet" in client.get("/team/").content.decode()


@pytest.mark.parametrize("how", ["role", "remove", "leave"])
def test_the_last_administrator_stays(cast: Cast, alices: Client, how: str) -> None:
    path = f"/team/{cast.team.pk}/leave/" if how == "leave" else f"/team/members/{member(cast.alice, cast.team).pk}/{how}/"
    answer = alices.post(path, {"role": "member"})
    assert answer.status_code == 409 and "A team needs an administrator" in answer.content.decode()
    assert role(cast.alice, cast.team) == Role.ADMIN


def test_an_administrator_who_is_switched_off_does_not_count(cast: Cast) -> None:
    Membership.objects.filter(user=cast.ruth).update(role=Role.ADMIN)
    User.objects.filter(pk=cast.ruth.pk).update(is_active=False)
    with pytest.raises(Conflict):
        actions.leave(cast.alice, cast.team)


def test_two_administrators_cannot_demote_each_other_at_once(crowd: Cast) -> None:
    Membership.objects.filter(user=crowd.ruth, team=crowd.team).update(role=Role.ADMIN)

    def demote(by: User, whom: User) -> bool:
        try:
            actions.change_role(by, member(whom, crowd.team), Role.MEMBER)
        except Refused:
            return False
        finally:
            connection.close()
        return True

    pairs = (crowd.alice, crowd.ruth), (crowd.ruth, crowd.alice)
    with ThreadPoolExecutor(2) as pool:
        done = [each.result() for each in [pool.submit(demote, *pair) for pair in pairs]]
    assert sorted(done) == [False, True]
    assert Membership.objects.filter(team=crowd.team, role=Role.ADMIN).count() == 1


def test_who_makes_a_team_leads_it_and_stands_in_it(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    answer = client.post("/team/new/", {"name": " Robots "}, follow=True)
    assert "<h1>Robots</h1>" in answer.content.decode()
    assert role(cast.victor, Team.objects.get(name="Robots")) == Role.ADMIN


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\x00b", "y" * 1_000_000])
def test_a_name_that_cannot_be_is_refused_at_the_field(cast: Cast, alices: Client, name: str) -> None:
    before = Team.objects.count()
    assert alices.post("/team/new/", {"name": name}).status_code == 422
    assert alices.post(f"/team/{cast.team.pk}/rename/", {"name": name}).status_code == 422
    assert Team.objects.count() == before and Team.objects.get(pk=cast.team.pk).name == "Edge"


def test_a_name_may_be_taken_elsewhere(cast: Cast, alices: Client) -> None:
    assert alices.post(f"/team/{cast.team.pk}/rename/", {"name": "Others"}).status_code == 302


def test_a_team_renamed_in_another_tab_is_not_overwritten(cast: Cast, alices: Client) -> None:
    Team.objects.filter(pk=cast.team.pk).update(name="Edge of the world")
    answer = alices.post(f"/team/{cast.team.pk}/rename/", {"name": "My name", "was": "Edge"})
    said = answer.content.decode()
    assert answer.status_code == 409 and "Edge of the world" in said and 'value="My name"' in said


def test_strange_names_are_shown_as_text(cast: Cast, alices: Client) -> None:
    alices.post(f"/team/{cast.team.pk}/rename/", {"name": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in alices.get("/team/").content.decode()


def test_what_stands_in_the_body_beside_the_name_changes_nothing(cast: Cast, alices: Client) -> None:
    alices.post("/team/new/", {"name": "New", "is_sample": "on", "id": str(cast.team.pk), "runs_numbered": "7"})
    made = Team.objects.get(name="New")
    assert not made.is_sample and made.pk != cast.team.pk and made.runs_numbered == 0
    alices.post("/account/", {"name": "Alice", "is_staff": "on", "is_superuser": "on", "email": "root@example.org"})
    kept = User.objects.get(pk=cast.alice.pk)
    assert not kept.is_staff and not kept.is_superuser and kept.email == "alice@example.org"


def test_leaving_takes_the_team_away_and_leaves_the_rest(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert client.post(f"/team/{cast.team.pk}/leave/", follow=True).status_code == 200
    assert not Membership.objects.filter(user=cast.victor).exists()


def test_the_page_of_a_large_team_asks_little(cast: Cast, alices: Client, django_assert_max_num_queries: object) -> None:
    people = User.objects.bulk_create(User(email=f"p{n}@example.org") for n in range(120))
    Membership.objects.bulk_create(Membership(team=cast.team, user=person) for person in people)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        said = alices.get("/team/?page=2").content.decode()
    assert "Page 2 of 3" in said and f"{cast.team.memberships.count()} members" in said
