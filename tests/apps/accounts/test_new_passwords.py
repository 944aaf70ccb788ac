"""New passwords: by a link of an administrator, of the operator or by mail; once, within the hour; other sessions end."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts import resets
from apps.accounts.models import Membership, ResetLink, Role, Team, User
from tests.apps.cast import Cast

PASSWORD = "an unusual phrase 42"


def all_sent() -> None:
    """Mails leave beside the answers."""
    for each in threading.enumerate():
        if each.name == "mail":
            each.join(30)


def link_for(user: User) -> str:
    return f"/reset/{resets.make(user)}/"


def test_a_link_sets_the_password_and_signs_nobody_in(cast: Cast, client: Client) -> None:
    answer = client.post(link_for(cast.victor), {"password": PASSWORD})
    assert answer.status_code == 302 and answer["Location"] == "/sign-in/" and "_auth_user_id" not in client.session
    assert User.objects.get(pk=cast.victor.pk).check_password(PASSWORD)


def test_every_session_of_the_person_ends(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert client.get("/models/").status_code == 200
    Client().post(link_for(cast.victor), {"password": PASSWORD})
    assert client.get("/models/").status_code == 302


@pytest.mark.parametrize("how", ["used", "over", "replaced", "switched off", "invented"])
def test_a_link_that_does_not_hold_is_the_same_page(cast: Cast, client: Client, how: str) -> None:
    link = link_for(cast.victor)
    if how == "used":
        client.post(link, {"password": "another unusual phrase"})
    if how == "over":
        ResetLink.objects.update(expires=timezone.now() - timedelta(seconds=1))
    if how == "replaced":
        link_for(cast.victor)
    if how == "switched off":
        User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    link = "/reset/" + "A" * 43 + "/" if how == "invented" else link
    for answer in (client.get(link), client.post(link, {"password": PASSWORD})):
        assert answer.status_code == 410 and "This link no longer works" in answer.content.decode()
    assert not User.objects.get(pk=cast.victor.pk).check_password(PASSWORD)


def test_a_weak_password_is_refused_and_the_link_still_holds(cast: Cast, client: Client) -> None:
    link = link_for(cast.victor)
    assert client.post(link, {"password": "12345678"}).status_code == 422
    assert client.post(link, {"password": PASSWORD}).status_code == 302


def test_only_a_hash_of_it_is_kept(cast: Cast) -> None:
    secret = resets.make(cast.victor)
    assert secret not in str(ResetLink.objects.values())


def test_an_administrator_lets_a_member_in_again(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    member = Membership.objects.get(user=cast.victor)
    answer = client.post(f"/team/members/{member.pk}/reset-link/")
    link = re.search(r"/reset/[\w-]{43}/", answer.content.decode())
    assert link and answer["Cache-Control"] == "no-store"
    assert Client().post(link.group(), {"password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("who", ["in another team", "staff", "superuser"])
def test_no_administrator_reaches_beyond_the_team_by_it(cast: Cast, client: Client, who: str) -> None:
    if who == "in another team":
        Membership.objects.create(user=cast.victor, team=Team.objects.get(name="Others"), role=Role.VIEWER)
    else:
        User.objects.filter(pk=cast.victor.pk).update(**{f"is_{who}": True})
    client.force_login(cast.alice)
    answer = client.post(f"/team/members/{Membership.objects.get(user=cast.victor, team=cast.team).pk}/reset-link/")
    assert answer.status_code == 422 and not ResetLink.objects.exists()


def test_an_administrator_does_not_come_by_their_own_password_this_way(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/team/members/{Membership.objects.get(user=cast.alice).pk}/reset-link/")
    assert answer.status_code == 422 and not ResetLink.objects.exists()


def test_the_operator_prints_one(cast: Cast, client: Client) -> None:
    out = StringIO()
    call_command("reset_link", "Victor@example.org", stdout=out)
    assert client.post(out.getvalue().strip(), {"password": PASSWORD}).status_code == 302
    with pytest.raises(CommandError):
        call_command("reset_link", "nobody@example.org")


def test_without_a_mail_server_the_page_says_whom_to_ask(client: Client, db: None) -> None:
    for answer in (client.get("/forgotten/"), client.post("/forgotten/", {"email": "a@example.org"})):
        assert answer.status_code == 200 and "reset_link" in answer.content.decode()


def test_by_mail_the_answer_never_tells_who_is_known(cast: Cast, client: Client, settings: Any, mailoutbox: list[Any]) -> None:
    settings.MAIL = True
    known = client.post("/forgotten/", {"email": "Victor@example.org"}).content.decode()
    unknown = client.post("/forgotten/", {"email": "nobody@example.org"}).content.decode()
    all_sent()
    assert known.replace("victor@", "nobody@") == unknown
    assert [mail.to for mail in mailoutbox] == [["victor@example.org"]]
    link = re.search(r"/reset/[\w-]{43}/", mailoutbox[0].body)
    assert link and client.get(link.group()).status_code == 200


def test_the_answer_does_not_wait_for_the_mail_server(cast: Cast, client: Client, settings: Any,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAIL, slow, asked = True, Event(), Event()

    def send(*args: Any) -> None:
        asked.set()
        slow.wait(30)
        raise ConnectionRefusedError

    monkeypatch.setattr(resets, "send_mail", send)
    try:
        assert client.post("/forgotten/", {"email": "victor@example.org"}).status_code == 200
        assert asked.wait(30) and not slow.is_set()
    finally:
        slow.set()
        all_sent()


def test_asking_again_and_again_is_limited(cast: Cast, client: Client, settings: Any, mailoutbox: list[Any]) -> None:
    settings.MAIL = True
    answers = [client.post("/forgotten/", {"email": "victor@example.org"}) for _ in range(7)]
    all_sent()
    assert answers[-1].status_code == 429 and answers[-1]["Retry-After"] and len(mailoutbox) <= 5


def test_changing_it_keeps_this_session_and_ends_the_others(cast: Cast, client: Client) -> None:
    cast.victor.set_password("the old phrase 1")
    cast.victor.save()
    other = Client()
    for each in (client, other):
        each.force_login(cast.victor)
    typed = {"oldpassword": "the old phrase 1", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/account/password/", typed)["Location"] == "/account/"
    assert client.get("/models/").status_code == 200 and other.get("/models/").status_code == 302


def test_changing_it_needs_the_old_one(cast: Cast, client: Client) -> None:
    cast.victor.set_password("the old phrase 1")
    cast.victor.save()
    client.force_login(cast.victor)
    answer = client.post("/account/password/", {"oldpassword": "guess", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 200 and "This is not your password" in answer.content.decode()
    assert not User.objects.get(pk=cast.victor.pk).check_password(PASSWORD)


def test_who_has_none_may_set_one(cast: Cast, client: Client) -> None:
    client.force_login(cast.victor)
    assert client.get("/account/password/")["Location"] == "/account/password/first/"
    assert client.post("/account/password/first/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 302
    assert User.objects.get(pk=cast.victor.pk).check_password(PASSWORD)


def test_signing_out_everywhere_else_ends_the_others(cast: Cast, client: Client) -> None:
    other = Client()
    for each in (client, other):
        each.force_login(cast.victor)
    client.post("/account/sign-out-elsewhere/")
    assert client.get("/models/").status_code == 200 and other.get("/models/").status_code == 302
