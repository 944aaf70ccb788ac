"""Operators: the first is made by a command; who is staff cannot make itself more than that."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import Membership, Role, User
from tests.apps.cast import Cast


def test_the_first_admin_may_sign_in_and_leads_a_team(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_ADMIN_PASSWORD", "an unusual phrase 42")
    call_command("first_admin", "Ada@Example.org")
    person = User.objects.get(email="ada@example.org")
    assert person.check_password("an unusual phrase 42") and person.is_superuser
    assert Membership.objects.get(user=person).role == Role.ADMIN


@pytest.mark.parametrize(("email", "password"), [("ada@example.org", "12345678"), ("no address", "an unusual phrase 42")])
def test_a_weak_password_or_a_wrong_address_is_refused(db: None, monkeypatch: pytest.MonkeyPatch, email: str,
                                                       password: str) -> None:
    monkeypatch.setenv("FIRST_ADMIN_PASSWORD", password)
    with pytest.raises(CommandError):
        call_command("first_admin", email)
    assert not User.objects.exists()


@pytest.fixture
def clerk(cast: Cast, client: Client) -> Client:
    """Victor as staff who may change users, and no more."""
    User.objects.filter(pk=cast.victor.pk).update(is_staff=True)
    cast.victor.user_permissions.set(Permission.objects.filter(codename__in=("change_user", "view_user")))
    client.force_login(User.objects.get(pk=cast.victor.pk))
    return client


def test_staff_cannot_promote_itself(cast: Cast, clerk: Client) -> None:
    form = {"email": cast.victor.email, "name": "Victor", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    clerk.post(f"/admin/accounts/user/{cast.victor.pk}/change/", form)
    assert not User.objects.get(pk=cast.victor.pk).is_superuser


def test_staff_cannot_change_a_superuser(cast: Cast, clerk: Client) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_superuser=True)
    theirs = {"password1": "taken over 42", "password2": "taken over 42"}
    answer = clerk.post(f"/admin/accounts/user/{cast.alice.pk}/password/", theirs)
    assert answer.status_code == 403


def test_an_operator_gives_a_new_person_a_first_password(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_superuser=True, is_staff=True)
    client.force_login(User.objects.get(pk=cast.alice.pk))
    form = {"email": "new@example.org", "usable_password": "true", "password1": "an unusual phrase 42",
            "password2": "an unusual phrase 42"}
    assert client.post("/admin/accounts/user/add/", form).status_code == 302
    assert User.objects.get(email="new@example.org").check_password("an unusual phrase 42")


def test_nobody_else_sees_the_operators_desk(cast: Cast, client: Client) -> None:
    client.force_login(cast.mallory)
    assert client.get("/admin/experiments/run/").status_code == 302


def test_an_operator_turns_a_second_step_off_without_seeing_its_key(cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_superuser=True, is_staff=True)
    client.force_login(User.objects.get(pk=cast.alice.pk))
    kept = Authenticator.objects.create(user=cast.victor, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    page = f"/admin/mfa/authenticator/{kept.pk}/"
    assert "JBSWY3DPEHPK3PXP" not in client.get(f"{page}change/").content.decode()
    client.post(f"{page}delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()
