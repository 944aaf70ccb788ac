"""An invitation is for one address, works once, for a week; every link that does not hold looks the same."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.models import Invitation, Membership, Role, Team, User
from apps.accounts.refusal import Refused
from tests.apps.cast import Cast

PASSWORD = "an unusual phrase 42"


def invited(cast: Cast, email: str = "nora@example.org", role: str = "member") -> str:
    return f"/invitations/{invitations.invite(cast.alice, cast.team, email, role)[1]}/"


def role_of(email: str, cast: Cast) -> str | None:
    return Membership.objects.filter(user__email=email, team=cast.team).values_list("role", flat=True).first()


def test_somebody_new_sets_name_and_password_and_is_in(cast: Cast, client: Client) -> None:
    link = invited(cast, "Nora@Example.org", "reviewer")
    answer = client.post(link, {"name": "Nora", "password": PASSWORD}, follow=True)
    assert "<h1>Edge</h1>" in answer.content.decode()
    nora = User.objects.get(email="nora@example.org")
    assert nora.name == "Nora" and nora.check_password(PASSWORD) and role_of(nora.email, cast) == Role.REVIEWER


def test_a_known_person_signs_in_and_joins(cast: Cast, client: Client) -> None:
    link = invited(cast, "mallory@example.org")
    assert "Sign in to join" in client.get(link).content.decode()
    client.force_login(cast.mallory)
    assert role_of("mallory@example.org", cast) is None
    assert client.post(link).status_code == 302 and role_of("mallory@example.org", cast) == Role.MEMBER


def test_another_account_cannot_use_it(cast: Cast, client: Client) -> None:
    link = invited(cast)
    client.force_login(cast.mallory)
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 409 and "you are signed in as mallory@example.org" in answer.content.decode()
    assert role_of("mallory@example.org", cast) is None and invitations.opened(link.split("/")[2])


def test_the_role_stands_in_the_row_whatever_the_body_says(cast: Cast, client: Client) -> None:
    link = invited(cast, role="viewer")
    client.post(link, {"name": "Nora", "password": PASSWORD, "role": "admin", "email": "boss@example.org", "is_staff": "1"})
    assert role_of("nora@example.org", cast) == Role.VIEWER
    assert not User.objects.get(email="nora@example.org").is_staff


def spoil(cast: Cast, client: Client, how: str) -> str:
    link = invited(cast)
    row = Invitation.objects.filter(email="nora@example.org")
    if how == "used":
        Client().post(link, {"name": "Nora", "password": PASSWORD})
    if how == "revoked":
        invitations.revoke(cast.alice, row.get())
    if how == "over":
        row.update(expires=timezone.now() - timedelta(seconds=1))
    if how == "replaced":
        invited(cast)
    return {"invented": "/invitations/" + "A" * 43 + "/", "long": "/invitations/" + "A" * 3000 + "/",
            "é": "/invitations/é/", "NUL": "/invitations/%00/"}.get(how, link)


@pytest.mark.parametrize("how", ["used", "revoked", "over", "replaced", "invented", "long", "é", "NUL"])
def test_a_link_that_does_not_hold_is_the_same_page(cast: Cast, client: Client, how: str) -> None:
    link = spoil(cast, client, how)
    people = User.objects.count()
    for answer in (client.get(link), client.post(link, {"name": "N", "password": PASSWORD})):
        assert answer.status_code == 410 and "This link no longer works" in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"
    assert User.objects.count() == people


def test_two_who_use_one_link_at_once_make_one_person(crowd: Cast) -> None:
    link = invited(crowd)

    def join(name: str) -> int:
        try:
            return Client().post(link, {"name": name, "password": PASSWORD}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(join, ["a", "b", "c", "d"]))
    assert statuses.count(302) == 1 and set(statuses) <= {302, 409, 410, 200}
    assert Membership.objects.filter(user__email="nora@example.org").count() == 1


@pytest.mark.parametrize(("name", "password", "why"), [
    ("Nora", "12345678", "too common"), ("Nora", "short", "too short"), ("Nora", "nora@example.org", "too similar"),
    ("", PASSWORD, "required"), ("N" * 121, PASSWORD, "at most 120"), ("a\x00b", PASSWORD, "Null"),
    ("Nora", "x" * 1001, "at most 1000"),
])
def test_what_is_wrong_is_said_at_the_field_and_the_name_is_kept(cast: Cast, client: Client, name: str, password: str,
                                                                why: str) -> None:
    answer = client.post(invited(cast), {"name": name, "password": password})
    assert answer.status_code == 422 and why.lower() in answer.content.decode().lower()
    assert name != "Nora" or 'value="Nora"' in answer.content.decode()
    assert not User.objects.filter(email="nora@example.org").exists()


@pytest.mark.parametrize("email", ["", "no address", "a@b", "a\x00@example.org", "x" * 300 + "@example.org",
                                   "a@example.org\nBcc: b@example.org"])
def test_no_address_no_invitation(cast: Cast, email: str) -> None:
    with pytest.raises(Refused) as refused:
        invitations.invite(cast.alice, cast.team, email, "member")
    assert list(refused.value.errors) == ["email"]


def test_who_is_in_already_is_not_invited(cast: Cast) -> None:
    with pytest.raises(Refused, match="is in the team already"):
        invitations.invite(cast.alice, cast.team, "VICTOR@example.org", "admin")


def test_only_administrators_invite_and_revoke(cast: Cast, client: Client) -> None:
    invited(cast)
    pk = Invitation.objects.get().pk
    for person in (cast.ruth, cast.victor, cast.mallory):
        client.force_login(person)
        assert client.post(f"/team/{cast.team.pk}/invite/", {"email": "x@example.org", "role": "admin"}).status_code == 404
        assert client.post(f"/team/invitations/{pk}/revoke/").status_code == 404
    assert Invitation.objects.pending().count() == 1


def test_without_a_mail_server_the_link_is_shown_once(cast: Cast, client: Client, mailoutbox: list[Any]) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/team/{cast.team.pk}/invite/", {"email": "nora@example.org", "role": "member"})
    link = re.search(r"http://testserver(/invitations/[\w-]{43}/)", answer.content.decode())
    assert link and answer["Cache-Control"] == "no-store" and not mailoutbox
    assert link.group(1) not in client.get("/team/").content.decode()
    assert link.group(1).split("/")[2] not in str(Invitation.objects.values())
    assert Client().get(link.group(1)).status_code == 200


def test_with_a_mail_server_it_goes_by_mail(cast: Cast, client: Client, settings: Any, mailoutbox: list[Any]) -> None:
    settings.MAIL = True
    client.force_login(cast.alice)
    answer = client.post(f"/team/{cast.team.pk}/invite/", {"email": "nora@example.org", "role": "member"})
    assert answer.status_code == 302 and mailoutbox[0].to == ["nora@example.org"]
    link = re.search(r"/invitations/[\w-]{43}/", mailoutbox[0].body)
    assert link and Client().get(link.group()).status_code == 200


def test_with_a_mail_server_the_api_mails_it_too_and_shows_no_link(cast: Cast, client: Client, settings: Any,
                                                                   mailoutbox: list[Any]) -> None:
    settings.MAIL = True
    client.force_login(cast.alice)
    answer = client.post(f"/api/teams/{cast.team.pk}/invitations", {"email": "nora@example.org", "role": "member"},
                         content_type="application/json")
    assert answer.status_code == 201 and answer.json()["link"] is None
    assert mailoutbox[0].to == ["nora@example.org"] and "/invitations/" in mailoutbox[0].body


def test_a_mail_server_that_does_not_answer_loses_no_invitation(cast: Cast, client: Client, settings: Any) -> None:
    settings.MAIL, settings.EMAIL_BACKEND = True, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    client.force_login(cast.alice)
    said = client.post(f"/team/{cast.team.pk}/invite/", {"email": "nora@example.org", "role": "member"}).content.decode()
    assert "The mail server did not take the mail" in said and "/invitations/" in said


def test_what_was_typed_is_kept_when_it_is_refused(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/team/{cast.team.pk}/invite/", {"email": "no address", "role": "reviewer"})
    said = answer.content.decode()
    assert answer.status_code == 422 and 'value="no address"' in said and '<option value="reviewer" selected>' in said


def test_one_that_is_revoked_at_that_moment_does_not_keep_the_others_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = invitations.invite(cast.alice, cast.team, "nora@example.org", "member")
    nora, really = User.objects.create_user("nora@example.org"), invitations.accept

    def meanwhile(user: User, invitation: Invitation) -> Team:
        invitations.revoke(cast.alice, made)
        return really(user, invitation)

    monkeypatch.setattr(invitations, "accept", meanwhile)
    invitations.join_all(nora)
    assert not Membership.objects.filter(user=nora).exists()
