"""A first password, for who came in without one: the session in which it is set goes on, others end."""

from __future__ import annotations

from django.test import Client

from apps.accounts.models import User

PASSWORD = "an unusual phrase 42"


def test_who_sets_a_first_password_stays_signed_in_and_other_sessions_end(client: Client, db: None) -> None:
    nora = User.objects.create_user("nora@example.org", None)
    elsewhere = Client()
    for each in (client, elsewhere):
        each.force_login(nora)
    answer = client.post("/account/password/first/", {"password1": PASSWORD, "password2": PASSWORD}, follow=True)
    assert answer.redirect_chain == [("/account/", 302)] and "change it" in answer.content.decode()
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
