"""Signing in through an organisation's own provider, over real HTTP: the known and the invited, with a proved address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client

from apps.accounts import invitations
from apps.accounts.models import Membership, Role, User
from edgeportal import oidc
from tests.apps.accounts.provider import Provider
from tests.apps.cast import Cast

START = "/sign-in/with/oidc/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    running = Provider()
    settings.SOCIALACCOUNT_PROVIDERS = running.settings()
    yield running
    running.shutdown()
    running.server_close()


def come(client: Client, provider: Provider, start: str = START, **claims: Any) -> Any:
    """Go to the provider and back, as a browser does; the answer of our own page at the end."""
    provider.claims = {"sub": "42", "email": "victor@example.org", "email_verified": True, "name": "Victor at ACME", **claims}
    there = client.get(start)
    assert there.status_code == 302 and there["Location"].startswith(provider.issuer)
    back = urlsplit(httpx.get(there["Location"]).headers["Location"])
    return client.get(f"{back.path}?{back.query}")


def signed_in(client: Client) -> str:
    return str(client.session.get("_auth_user_id", ""))


def test_the_button_is_there_only_when_a_provider_is_named(client: Client, db: None, provider: Provider, settings: Any) -> None:
    assert "Sign in with ACME" in client.get("/sign-in/").content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert "Sign in with" not in client.get("/sign-in/").content.decode()
    assert client.get(START).status_code == 404 and client.get(f"{START}back/").status_code == 404


def test_a_known_person_comes_in(cast: Cast, client: Client, provider: Provider) -> None:
    answer = come(client, provider, f"{START}?next=/models/", email="Victor@Example.org")
    assert answer["Location"] == "/models/" and signed_in(client) == str(cast.victor.pk)
    assert "/token" in provider.requests


def test_they_are_known_by_the_provider_from_then_on(cast: Cast, client: Client, provider: Provider) -> None:
    come(client, provider)
    other = Client()
    come(other, provider, email="changed@example.org", email_verified=False)
    assert signed_in(other) == str(cast.victor.pk)


@pytest.mark.parametrize("verified", [False, None, "false", "true", 0])
def test_an_address_that_is_not_proved_opens_nothing(cast: Cast, client: Client, provider: Provider, verified: Any) -> None:
    answer = come(client, provider, email_verified=verified)
    assert answer.status_code == 403 and "verified your e-mail address" in answer.content.decode() and not signed_in(client)


def test_an_invited_address_gets_an_account_and_the_role_invited_to(cast: Cast, client: Client, provider: Provider) -> None:
    invitations.invite(cast.alice, cast.team, "nora@example.org", "reviewer")
    come(client, provider, email="Nora@Example.org", name="Nora", is_staff=True, is_superuser=True, role="admin")
    nora = User.objects.get(email="nora@example.org")
    assert signed_in(client) == str(nora.pk) and nora.name == "Nora" and not nora.is_staff and not nora.has_usable_password()
    assert Membership.objects.get(user=nora).role == Role.REVIEWER


@pytest.mark.parametrize("how", ["never invited", "revoked", "not proved"])
def test_others_are_refused_clearly_and_leave_no_account(cast: Cast, client: Client, provider: Provider, how: str) -> None:
    if how != "never invited":
        made, _ = invitations.invite(cast.alice, cast.team, "nora@example.org", "member")
    if how == "revoked":
        invitations.revoke(cast.alice, made)
    answer = come(client, provider, email="nora@example.org", email_verified=how != "not proved")
    assert answer.status_code == 403 and "did not let you in here" in answer.content.decode()
    assert not signed_in(client) and not User.objects.filter(email="nora@example.org").exists()


def test_a_switched_off_account_stays_out(cast: Cast, client: Client, provider: Provider) -> None:
    User.objects.filter(pk=cast.victor.pk).update(is_active=False)
    come(client, provider)
    assert not signed_in(client)


def test_a_password_set_before_the_address_was_proved_ends(cast: Cast, client: Client, provider: Provider) -> None:
    cast.victor.set_password("set by somebody else")
    cast.victor.save()
    come(client, provider)
    assert not User.objects.get(pk=cast.victor.pk).has_usable_password()
    assert "Your old password here has ended" in client.get("/").content.decode()


def test_an_answer_that_was_not_asked_for_is_refused(cast: Cast, client: Client, provider: Provider) -> None:
    for query in ("", "code=x", "code=x&state=invented", "error=access_denied", "error=server_error&state=x"):
        answer = client.get(f"{START}back/?{query}")
        assert answer.status_code == 401 and "did not come to an end" in answer.content.decode()


def test_an_answer_works_once(cast: Cast, client: Client, provider: Provider) -> None:
    provider.claims = {"sub": "42", "email": "victor@example.org", "email_verified": True}
    back = urlsplit(httpx.get(client.get(START)["Location"]).headers["Location"])
    assert client.get(f"{back.path}?{back.query}").status_code == 302
    assert client.get(f"{back.path}?{back.query}").status_code == 401


def test_no_link_ties_another_account_to_a_person(cast: Cast, client: Client, provider: Provider) -> None:
    client.force_login(cast.alice)
    answer = come(client, provider, f"{START}?process=connect")
    assert answer.status_code == 403 and "signed in here as somebody else" in answer.content.decode()
    assert signed_in(client) == str(cast.alice.pk)


def test_a_provider_that_does_not_answer_is_no_error_of_ours(cast: Cast, client: Client, provider: Provider) -> None:
    provider.shutdown()
    provider.server_close()
    answer = client.get(START)
    assert answer.status_code == 503 and "does not answer" in answer.content.decode()


def test_the_way_back_never_leads_away(cast: Cast, client: Client, provider: Provider) -> None:
    assert come(client, provider, f"{START}?next=https://evil.example/")["Location"] == "/"


def test_half_a_configuration_is_refused_at_the_start() -> None:
    assert oidc.providers({}) == {}
    with pytest.raises(ValueError, match="OIDC_SECRET"):
        oidc.providers({"OIDC_ISSUER": "https://id.example.org", "OIDC_CLIENT_ID": "x"})
