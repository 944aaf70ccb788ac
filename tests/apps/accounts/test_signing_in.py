"""Signing in by e-mail address and password."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.hashers import get_hasher
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User


@pytest.fixture
def nora(db: None) -> User:
    return User.objects.create_user("nora@example.org", "correct horse 7")


def test_the_address_and_the_password_sign_in(client: Client, nora: User) -> None:
    typed = {"login": "NORA@example.org", "password": "correct horse 7", "next": "/models/"}
    answer = client.post("/sign-in/", typed)
    assert answer.status_code == 302 and answer["Location"] == "/models/"


@pytest.mark.parametrize(("address", "password"), [("nora@example.org", "wrong"), ("nobody@example.org", "x"), ("a\x00b", "x"),
                                                   ("z" * 5000, "x"), ("", "")])
def test_what_is_wrong_is_refused_with_the_address_kept(client: Client, nora: User, address: str, password: str) -> None:
    answer = client.post("/sign-in/", {"login": address, "password": password})
    assert answer.status_code == 200 and "_auth_user_id" not in client.session


def test_nobody_is_sent_to_another_site(client: Client, nora: User) -> None:
    answer = client.post("/sign-in/", {"login": nora.email, "password": "correct horse 7", "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_pages_ask_a_stranger_to_sign_in_first(client: Client, db: None) -> None:
    answer = client.get("/models/")
    assert answer.status_code == 302 and answer["Location"] == "/sign-in/?next=/models/"


def test_signing_out_needs_a_post(client: Client, nora: User) -> None:
    client.force_login(nora)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_person_may_change_their_name(client: Client, nora: User) -> None:
    client.force_login(nora)
    client.post("/account/", {"name": "Nora N."})
    nora.refresh_from_db()
    assert nora.name == "Nora N."


def test_a_fragment_is_no_place_for_the_sign_in_page(client: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/runs/7/?sort=size"}
    answer = client.get("/", headers=headers, follow=True)
    assert answer.status_code == 401 and answer.content == b""
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Fruns%2F7%2F%3Fsort%3Dsize"


def attempt(client: Client, address: str, password: str = "a wrong guess") -> HttpResponse:
    return client.post("/sign-in/", {"login": address, "password": password})


def test_an_unknown_address_and_a_wrong_password_get_the_same_words(client: Client, nora: User) -> None:
    known, unknown = (attempt(client, address).content.decode() for address in ("nora@example.org", "nemo@example.org"))
    assert "No account has this address with this password" in known
    assert known.replace("nora@", "nemo@").replace(csrf_of(known), "") == unknown.replace(csrf_of(unknown), "")


def csrf_of(page: str) -> str:
    return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]


@pytest.mark.parametrize("address", ["nora@example.org", "nobody@example.org"])
def test_guessing_passwords_is_stopped_for_known_and_unknown_alike(client: Client, nora: User, address: str) -> None:
    answers = [attempt(client, address) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0 and f'value="{address}"' in answers[-1].content.decode()
    assert attempt(client, nora.email, "correct horse 7").status_code == (429 if address == nora.email else 302)


def test_trying_many_addresses_from_one_place_is_stopped(client: Client, nora: User) -> None:
    answers = [attempt(client, f"p{n}@example.org") for n in range(11)]
    assert answers[9].status_code == 200 and answers[10].status_code == 429


def test_asking_for_the_page_without_end_is_stopped_with_a_page(client: Client, nora: User) -> None:
    answers = [attempt(client, "no address") for _ in range(31)]
    assert answers[-1].status_code == 429 and answers[-1]["Retry-After"] == "300"
    assert "Too many attempts" in answers[-1].content.decode()


def test_the_session_is_another_one_after_signing_in(client: Client, nora: User) -> None:
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = client.session.session_key
    attempt(client, nora.email, "correct horse 7")
    assert client.session.session_key != before and not Session.objects.filter(session_key=before).exists()


def test_a_switched_off_account_does_not_get_in(client: Client, nora: User) -> None:
    User.objects.filter(pk=nora.pk).update(is_active=False)
    answer = client.post("/sign-in/", {"login": nora.email, "password": "correct horse 7"}, follow=True)
    assert "switched off" in answer.content.decode() and "_auth_user_id" not in client.session


def test_without_the_counts_nobody_may_try(client: Client, nora: User, settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/redis.sock"}}
    answer = attempt(client, nora.email, "correct horse 7")
    assert answer.status_code == 503 and answer["Retry-After"] and "cannot count attempts" in answer.content.decode()


@pytest.mark.parametrize("there", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example",
                                   "http:evil.example", "\x00", "/models/\r\nX: 1"])
def test_the_way_back_never_leads_away(client: Client, nora: User, there: str) -> None:
    answer = client.post("/sign-in/", {"login": nora.email, "password": "correct horse 7", "next": there})
    assert answer.status_code == 302 and urlsplit(answer["Location"]).netloc == "" and "evil" not in answer["Location"]
    assert not answer["Location"].startswith(("javascript", "//"))


def test_nobody_signs_up(client: Client, db: None) -> None:
    for path in ("/signup/", "/accounts/signup/", "/account/signup/", "/sign-up/"):
        assert client.post(path, {"email": "x@example.org", "password1": "an unusual phrase 42"}).status_code in (302, 404)
    assert not User.objects.exists()


def test_the_operators_desk_has_no_door_of_its_own(client: Client, nora: User) -> None:
    User.objects.filter(pk=nora.pk).update(is_staff=True, is_superuser=True)
    answer = client.post("/admin/login/", {"username": nora.email, "password": "correct horse 7"})
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/") and "_auth_user_id" not in client.session


def test_a_form_without_a_good_token_comes_back_with_what_was_typed(nora: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(nora)
    typed = {"name": "A long and <b>careful</b> name", "password": "hush", "csrfmiddlewaretoken": "old"}
    answer = client.post("/account/", typed)
    said = answer.content.decode()
    assert answer.status_code == 403 and "A long and &lt;b&gt;careful&lt;/b&gt; name" in said and "hush" not in said


def test_a_form_from_another_site_is_turned_away(nora: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(nora)
    assert client.post("/account/", {"name": "x"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert User.objects.get(pk=nora.pk).name == ""


def test_an_unknown_address_takes_as_much_hashing_as_a_wrong_password(client: Client, nora: User,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of an answer would tell who has an account."""
    hasher, hashed = type(get_hasher()), []
    encode = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda *given: hashed.append(1) or encode(*given))  # type: ignore[func-returns-value]
    took = []
    for address in (nora.email, "nobody@example.org"):
        attempt(client, address)
        took.append(len(hashed))
    assert took == [1, 2]
