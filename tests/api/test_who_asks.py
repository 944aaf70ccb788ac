"""Sessions write with their CSRF token, tokens without; nobody sees a sign-in page; too many requests wait."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from apps.accounts.models import Scope
from apps.portfolios.models import Portfolio
from tests.api.conftest import Ask
from tests.api.test_bad_bodies import problem_of
from tests.apps.cast import Cast

JSON = "application/json"


def test_a_session_writes_with_its_csrf_token_only(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice)
    assert "CSRF" in problem_of(client.post("/api/portfolios", {"name": "x"}, JSON), 403)["title"]
    with override_settings(CSRF_COOKIE_NAME="__Host-csrftoken"):
        assert "`__Host-csrftoken`" in problem_of(client.post("/api/portfolios", {"name": "x"}, JSON), 403)["title"]
    assert not Portfolio.objects.exists()
    client.get("/account/")
    token = client.cookies["csrftoken"].value
    assert client.post("/api/portfolios", {"name": "x"}, JSON, headers={"X-CSRFToken": token}).status_code == 201
    old = "0" * len(token)
    problem_of(client.post("/api/portfolios", {"name": "y"}, JSON, headers={"X-CSRFToken": old}), 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_a_session_writes_for_no_page_of_another_site(cast: Cast, origin: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.alice)
    client.get("/account/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value, "Origin": origin}
    problem_of(client.post("/api/portfolios", {"name": "x"}, JSON, headers=headers), 403)
    assert not Portfolio.objects.exists()


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer ep_aaaaaaaa_" + "b" * 43, "Basic YTpi", "Bearer \x00"])
def test_nobody_is_told_to_sign_in_by_a_problem_not_by_a_page(cast: Cast, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    for method in ("GET", "POST"):
        answer = Client().generic(method, "/api/portfolios", b"{}", content_type=JSON, headers=headers)
        problem_of(answer, 401)
        assert answer["WWW-Authenticate"] == "Bearer"


def test_a_token_in_the_address_is_not_looked_at(cast: Cast) -> None:
    token = cast.token(Scope.READ)
    for name in ("token", "access_token", "key", "authorization"):
        assert Client().get(f"/api/me?{name}={token}").status_code == 401


def test_a_token_that_asks_too_often_waits(cast: Cast, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 3
    cache.clear()
    one, other = cast.token(Scope.READ), cast.token(Scope.READ)
    answers = [Client().get("/api/me", headers={"Authorization": f"Bearer {one}"}) for _ in range(5)]
    assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
    assert problem_of(answers[-1], 429) and 0 < int(answers[-1]["Retry-After"]) <= 60
    assert Client().get("/api/me", headers={"Authorization": f"Bearer {other}"}).status_code == 200, "each token has its own"


def test_a_token_changes_neither_its_person_nor_its_team_list(ask: Ask, cast: Cast) -> None:
    for method, path, body in (("PATCH", "/me", {"name": "x"}), ("POST", "/teams", {"name": "x"}), ("GET", "/tokens", None),
                               ("POST", "/tokens", {"team": str(cast.team.pk), "name": "x", "scope": "admin"})):
        problem_of(ask(method, path, body), 401)


def test_what_breaks_inside_is_a_problem_without_the_librarys_text(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret of a library")

    from apps.accounts import api

    monkeypatch.setattr(api, "_teams", broken)
    client = Client(raise_request_exception=False)
    monkeypatch.setattr("tests.api.conftest.Client", lambda: client)
    answer = ask("GET", "/me")
    problem_of(answer, 500)
    assert b"secret of a library" not in answer.content and b"Traceback" not in answer.content


def test_a_foreign_host_and_a_forged_proxy_are_not_believed(cast: Cast, ask: Ask) -> None:
    assert Client().get("/api/me", headers={"Host": "evil.example"}).status_code == 400
    made = ask("POST", f"/teams/{cast.team.pk}/invitations", {"email": "new@example.org"},
               **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"})
    assert made.status_code == 201 and made.json()["link"].startswith("http://testserver/")
