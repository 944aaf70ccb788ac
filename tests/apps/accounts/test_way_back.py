"""An address that only takes forms, opened in a browser (a reload after something to mend), leads to its page."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.apps.cast import Cast

OPENED = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(("path", "page"), [
    (f"/team/{NOBODY}/invite/", "/team/"), (f"/team/{NOBODY}/rename/", "/team/"), ("/team/members/1/role/", "/team/"),
    ("/account/tokens/", "/account/"), (f"/account/tokens/{NOBODY}/end/", "/account/"), ("/team/switch/", "/team/"),
])
def test_it_leads_to_a_page_that_is_there(client: Client, cast: Cast, path: str, page: str) -> None:
    client.force_login(cast.alice)
    answer = client.get(path, follow=True, **OPENED)  # type: ignore[arg-type]
    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, page)


def test_of_a_portfolio_it_leads_to_the_portfolio(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    for verb in ("decide", "submit", "comments"):
        assert client.get(f"/portfolios/{NOBODY}/{verb}/", **OPENED)["Location"] == f"/portfolios/{NOBODY}/"  # type: ignore[arg-type]


@pytest.mark.parametrize("more", [{}, {"HTTP_ACCEPT": "application/json", "HTTP_SEC_FETCH_MODE": "navigate"},
                                  {**OPENED, "HTTP_SEC_FETCH_MODE": "cors"}])
def test_scripts_and_programs_are_told_that_the_method_does_not_fit(client: Client, cast: Cast, more: dict[str, str]) -> None:
    client.force_login(cast.alice)
    assert client.get(f"/team/{NOBODY}/invite/", **more).status_code == 405  # type: ignore[arg-type]
    assert client.put("/api/me", **OPENED).status_code == 405  # type: ignore[arg-type]
