"""Signing in by e-mail address and password."""

from __future__ import annotations

import pytest
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
