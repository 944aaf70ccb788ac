"""The second step: a code from an app, or a recovery code, after the password; and the pages that turn it on and off."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from apps.accounts.models import User

PASSWORD = "correct horse 7"


def code_of(key: str, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(key, int(time.time()) // 30 + steps))


@pytest.fixture
def nora(db: None) -> User:
    return User.objects.create_user("nora@example.org", PASSWORD)


@pytest.fixture
def key(client: Client, nora: User) -> str:
    """Nora has turned it on, as the pages do it; she is signed out again."""
    client.force_login(nora)
    confirm = client.get("/account/second-step/app/")
    assert confirm["Location"].startswith("/account/confirm/")
    assert client.post(confirm["Location"], {"password": PASSWORD}).status_code == 302
    page = client.get("/account/second-step/app/").content.decode()
    found = re.findall(r'<code id="key">(\w+)</code>', page)[0]
    assert 'src="data:image/svg+xml;base64,' in page
    answer = client.post("/account/second-step/app/", {"code": code_of(found)})
    assert answer["Location"] == "/account/second-step/codes/"
    assert client.get(answer["Location"]).status_code == 200
    client.post("/sign-out/")
    return str(found)


def password(client: Client) -> str:
    answer = client.post("/sign-in/", {"login": "nora@example.org", "password": PASSWORD, "next": "/models/"})
    return str(answer.headers.get("Location", answer.status_code))


def test_the_password_alone_lets_nobody_in(client: Client, key: str) -> None:
    assert password(client).startswith("/sign-in/code/")
    assert client.get("/models/").status_code == 302 and "_auth_user_id" not in client.session


def test_the_code_of_the_app_does_and_leads_where_one_wanted_to_go(client: Client, key: str) -> None:
    password(client)
    assert client.post("/sign-in/code/", {"code": code_of(key, 1)})["Location"] == "/models/"


def test_a_code_works_once(client: Client, key: str) -> None:
    code = code_of(key, 1)
    password(client)
    client.post("/sign-in/code/", {"code": code})
    other = Client()
    password(other)
    assert other.post("/sign-in/code/", {"code": code}).status_code == 200 and "_auth_user_id" not in other.session


def test_a_recovery_code_works_once(client: Client, key: str, nora: User) -> None:
    code = Authenticator.objects.get(user=nora, type="recovery_codes").wrap().get_unused_codes()[0]
    for expected in (302, 200):
        other = Client()
        password(other)
        assert other.post("/sign-in/code/", {"code": code}).status_code == expected


@pytest.mark.parametrize("code", ["", "000000", "abc", "0" * 5000, "1\x00", "١٢٣٤٥٦"])
def test_a_wrong_code_is_refused(client: Client, key: str, code: str) -> None:
    password(client)
    assert client.post("/sign-in/code/", {"code": code}).status_code == 200 and "_auth_user_id" not in client.session


def test_guessing_codes_is_stopped(client: Client, key: str) -> None:
    password(client)
    for _ in range(6):
        answer = client.post("/sign-in/code/", {"code": "000000"})
    assert "Too many attempts" in answer.content.decode()
    client.post("/sign-in/code/", {"code": code_of(key, 1)})
    assert "_auth_user_id" not in client.session


def test_turning_it_off_needs_a_confirmation(client: Client, key: str, nora: User) -> None:
    client.force_login(nora)
    assert client.post("/account/second-step/app/off/")["Location"].startswith("/account/confirm/")
    assert Authenticator.objects.filter(user=nora).exists()
    client.post("/account/confirm/?next=/account/second-step/app/off/", {"password": PASSWORD})
    client.post("/account/second-step/app/off/")
    assert not Authenticator.objects.filter(user=nora).exists()
    assert password(Client()) == "/models/"


def test_the_recovery_codes_are_shown_only_after_a_confirmation(client: Client, key: str, nora: User) -> None:
    client.force_login(nora)
    for path in ("/account/second-step/codes/", "/account/second-step/codes/file/"):
        assert client.get(path)["Location"].startswith("/account/confirm/")
    client.post("/account/confirm/", {"password": PASSWORD})
    code = Authenticator.objects.get(user=nora, type="recovery_codes").wrap().get_unused_codes()[0]
    shown = client.get("/account/second-step/codes/")
    assert code in shown.content.decode() and "no-store" in shown["Cache-Control"]


def test_a_new_password_by_link_does_not_skip_it(client: Client, key: str, nora: User) -> None:
    from apps.accounts import resets

    client.post(f"/reset/{resets.make(nora)}/", {"password": "an unusual phrase 42"})
    answer = client.post("/sign-in/", {"login": nora.email, "password": "an unusual phrase 42"})
    assert answer["Location"].startswith("/sign-in/code/")


def test_who_has_no_password_sees_the_recovery_codes_at_once_too(client: Client, nora: User) -> None:
    nora.set_unusable_password()
    nora.save()
    client.force_login(nora)
    page = client.get("/account/second-step/app/").content.decode()
    found = re.findall(r'<code id="key">(\w+)</code>', page)[0]
    shown = client.post("/account/second-step/app/", {"code": code_of(found)}, follow=True)
    codes = Authenticator.objects.get(user=nora, type="recovery_codes").wrap().get_unused_codes()
    assert shown.redirect_chain == [("/account/second-step/codes/", 302)]
    assert all(code in shown.content.decode() for code in codes)
