"""A token speaks for its person, in one team, up to one role; every token that does not is refused alike."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone
from ninja.errors import AuthenticationError

from apps.accounts import actions, teams, tokens
from apps.accounts.bearer import ByToken
from apps.accounts.models import ApiToken, Membership, Role, Team, User
from apps.accounts.refusal import Refused
from tests.apps.cast import Cast


def asking(text: str) -> HttpRequest:
    request = RequestFactory().get("/api/", headers={"Authorization": f"Bearer {text}"})
    request.user = AnonymousUser()
    request.session = {}  # type: ignore[assignment]
    return request


def enter(text: str) -> HttpRequest:
    request = asking(text)
    ByToken()(request)
    return request


def test_a_token_speaks_for_its_person_in_its_team(cast: Cast) -> None:
    elsewhere = Team.objects.create(name="A second team")
    Membership.objects.create(team=elsewhere, user=cast.alice, role=Role.ADMIN)
    _, text = tokens.make(cast.alice, cast.team, "nightly", "write")
    request = enter(text)
    assert request.user == cast.alice and teams.current(request) == cast.team
    assert list(Team.objects.visible_to(request.user)) == [cast.team]


@pytest.mark.parametrize(("scope", "role"), [("read", "viewer"), ("write", "member"), ("review", "reviewer"), ("admin", "admin")])
def test_the_scope_is_a_ceiling_on_the_role(cast: Cast, scope: str, role: str) -> None:
    _, text = tokens.make(cast.alice, cast.team, "nightly", scope)
    assert teams.role(teams.person(enter(text)), cast.team) == role


@pytest.mark.parametrize("how", ["removed", "left"])
def test_a_token_stays_dead_when_its_person_comes_back(cast: Cast, how: str) -> None:
    _, text = tokens.make(cast.victor, cast.team, "nightly", "read")
    membership = Membership.objects.get(user=cast.victor, team=cast.team)
    if how == "removed":
        actions.remove(cast.alice, membership)
    else:
        actions.leave(cast.victor, cast.team)
    Membership.objects.create(user=cast.victor, team=cast.team, role=Role.VIEWER)
    assert tokens.speaker(text) is None


def test_the_scope_never_lifts_a_role(cast: Cast) -> None:
    _, text = tokens.make(cast.victor, cast.team, "nightly", "admin")
    assert teams.role(teams.person(enter(text)), cast.team) == "viewer"


def test_only_the_prefix_and_a_hash_are_kept(cast: Cast) -> None:
    token, text = tokens.make(cast.alice, cast.team, "nightly", "read")
    secret = text.rpartition("_")[2]
    assert re.fullmatch(r"ep_\w{8}_\w{43}", text)
    assert not any(secret in str(value) for value in ApiToken.objects.filter(pk=token.pk).values()[0].values())
    assert secret not in f"{token} {token!r}"


def spoil(cast: Cast, how: str) -> str:
    token, text = tokens.make(cast.alice, cast.team, "nightly", "read")
    kept = ApiToken.objects.filter(pk=token.pk)
    if how == "expired":
        kept.update(expires=timezone.now() - timedelta(seconds=1))
    if how == "revoked":
        tokens.revoke(cast.alice, token)
    if how == "switched off":
        User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    if how == "left the team":
        Membership.objects.filter(user=cast.alice).delete()
    if how == "deleted":
        cast.alice.delete()
    wrong = {"another secret": text[:-1] + ("a" if text[-1] != "a" else "b"), "another prefix": "ep_AAAAAAAA" + text[11:],
             "empty": "", "NUL": text + "\x00", "long": text * 4000, "only the prefix": text[:12], "é": "ep_é"}
    return wrong.get(how, text)


@pytest.mark.parametrize("how", ["expired", "revoked", "switched off", "left the team", "deleted", "another secret",
                                 "another prefix", "empty", "NUL", "long", "only the prefix", "é"])
def test_what_is_no_good_token_is_refused_alike(cast: Cast, how: str) -> None:
    text = spoil(cast, how)
    request = RequestFactory().get("/api/")
    with pytest.raises(AuthenticationError) as refused:
        ByToken().authenticate(request, text)
    with pytest.raises(AuthenticationError) as nonsense:
        ByToken().authenticate(request, "nonsense")
    assert str(refused.value) == str(nonsense.value)


def test_its_last_use_is_written_at_most_once_a_minute(cast: Cast, django_assert_num_queries: Any) -> None:
    token, text = tokens.make(cast.alice, cast.team, "nightly", "read")
    enter(text)
    first = ApiToken.objects.get(pk=token.pk).last_used
    with django_assert_num_queries(2):
        enter(text)
    assert first and ApiToken.objects.get(pk=token.pk).last_used == first
    ApiToken.objects.filter(pk=token.pk).update(last_used=first - timedelta(minutes=2))
    enter(text)
    assert (ApiToken.objects.get(pk=token.pk).last_used or first) >= first


def test_a_token_makes_and_ends_no_token(cast: Cast) -> None:
    token, text = tokens.make(cast.alice, cast.team, "nightly", "admin")
    spoken_for = teams.person(enter(text))
    with pytest.raises(Refused):
        tokens.make(spoken_for, cast.team, "another", "admin")
    with pytest.raises(Refused):
        tokens.revoke(spoken_for, token)
    assert not ApiToken.objects.visible_to(spoken_for).exists()
    assert not ApiToken.objects.administered_by(spoken_for).exists()


def test_an_administrator_may_end_the_tokens_of_the_team_and_nobody_elses(cast: Cast) -> None:
    token, _ = tokens.make(cast.victor, cast.team, "nightly", "read")
    for stranger in (cast.ruth, cast.mallory):
        with pytest.raises(Refused):
            tokens.revoke(stranger, token)
    tokens.revoke(cast.alice, token)
    assert ApiToken.objects.get(pk=token.pk).revoked


@pytest.mark.parametrize(("field", "values"), [
    ("name", {"name": ""}), ("name", {"name": "x" * 81}), ("name", {"name": "a\x00b"}), ("name", {"name": "\ud800"}),
    ("scope", {"scope": "superuser"}), ("days", {"days": "-1"}), ("days", {"days": "99999999"}),
])
def test_what_cannot_be_made_is_refused_at_its_field(cast: Cast, field: str, values: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        tokens.make(cast.alice, cast.team, **{"name": "nightly", "scope": "read", "days": "30", **values})
    assert list(refused.value.errors) == [field] and not ApiToken.objects.exists()


def test_a_stranger_makes_no_token_for_this_team(cast: Cast) -> None:
    with pytest.raises(Refused):
        tokens.make(cast.mallory, cast.team, "nightly", "read")


def test_the_page_shows_it_once_and_nothing_keeps_it(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post("/account/tokens/", {"team": str(cast.team.pk), "name": "nightly", "scope": "read", "days": "never"})
    text = re.findall(r'<code id="once">(ep_\w+)</code>', answer.content.decode())[0]
    assert answer["Cache-Control"] == "no-store" and tokens.speaker(text) == cast.alice
    assert text not in client.get("/account/").content.decode() and ApiToken.objects.get().expires is None


def test_the_form_comes_back_with_what_was_typed(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post("/account/tokens/", {"team": str(cast.team.pk), "name": "n" * 81, "scope": "write", "days": "30"})
    said = answer.content.decode()
    assert answer.status_code == 422 and "n" * 81 in said and '<option value="write" selected>' in said


@pytest.mark.parametrize("team", ["", "nonsense", "\x00"])
def test_a_team_that_is_none_is_not_there(cast: Cast, client: Client, team: str) -> None:
    client.force_login(cast.alice)
    assert client.post("/account/tokens/", {"team": team, "name": "x", "scope": "read"}).status_code == 404


def test_nobody_ends_the_token_of_a_stranger(cast: Cast, client: Client) -> None:
    token, _ = tokens.make(cast.alice, cast.team, "nightly", "read")
    for person in (cast.ruth, cast.mallory):
        client.force_login(person)
        assert client.post(f"/account/tokens/{token.pk}/end/").status_code == 404
    client.force_login(cast.alice)
    assert client.post(f"/account/tokens/{token.pk}/end/").status_code == 302 and ApiToken.objects.get().revoked


def test_tokens_of_one_person_have_a_bound(cast: Cast) -> None:
    digest = "0" * 64
    ApiToken.objects.bulk_create(ApiToken(team=cast.team, user=cast.alice, name="n", prefix=f"{n:08}", digest=digest)
                                 for n in range(tokens.MOST))
    with pytest.raises(Refused, match="end some first"):
        tokens.make(cast.alice, cast.team, "one more", "read")
