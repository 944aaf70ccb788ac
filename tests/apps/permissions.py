"""Who may do what: one row for each named address, each route of the API, each socket and each message to it.

`test_permissions.py` walks the real addresses, calls each of them as everybody, and fails for an address without a row and
for a row without an address. To add yours:

- **a page**: a line in `PAGES`, by the name in `urls.py`: a policy, `.of(pk="@run")` to fill its placeholders (`@` and a word
  of `things.py`, else the text itself), `.sending(name="x")` for the fields its POST needs to get past validation;
- **a route of the API**: a line in `API`, by method and path as the OpenAPI page writes it, e.g. `"POST /runs/{run}/cancel"`.
  Placeholders are words of `things.py`, so that they fill themselves; `.sending(...)` is the JSON body;
- **a thing** that placeholders need: a line in `things.py`;
- **a socket**: a line in `SOCKETS` by its path; a message that clients may send: a line in `MESSAGES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any


class Who(IntEnum):
    """The least that somebody must be. Whoever is less is refused: strangers with 404, others with 403 or 404."""

    ANYBODY = 0
    SIGNED_IN = 1
    VIEWER = 2
    MEMBER = 3
    REVIEWER = 4
    ADMIN = 5
    STAFF = 6


@dataclass(frozen=True)
class Row:
    """Who may read and who may write. `own`: the rights are those in the person's own team, no thing is named.

    `whose`: of all who may, only this one, as the author of a comment. `if_set_up`: even whoever is allowed may find nothing, as
    with a second step that nobody has set up.
    """

    get: Who | None = None
    post: Who | None = None
    own: bool = False
    by_session_only: bool = False
    if_set_up: bool = False
    whose: str = ""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str | list[str]] = field(default_factory=dict)

    def of(self, **placeholders: str) -> Row:
        return replace(self, placeholders=placeholders)

    def asking(self, **query: str | list[str]) -> Row:
        return replace(self, query=query)

    def sending(self, **body: Any) -> Row:
        return replace(self, body=body)


PUBLIC = Row(get=Who.ANYBODY, post=Who.ANYBODY)
PUBLIC_READ = Row(get=Who.ANYBODY)
PERSONAL = Row(get=Who.SIGNED_IN, own=True)
PERSONAL_EDIT = Row(get=Who.SIGNED_IN, post=Who.SIGNED_IN, own=True)
PERSONAL_ACT = Row(post=Who.SIGNED_IN, own=True)
SECOND_STEP = Row(get=Who.SIGNED_IN, post=Who.SIGNED_IN, own=True, if_set_up=True)
OWN_TEAM_EDIT = Row(get=Who.SIGNED_IN, post=Who.MEMBER, own=True)
OWN_TEAM_ADMIN = Row(get=Who.ADMIN, post=Who.ADMIN, own=True)
TEAM_READ = Row(get=Who.VIEWER)
TEAM_EDIT = Row(post=Who.MEMBER)
TEAM_READ_EDIT = Row(get=Who.VIEWER, post=Who.MEMBER)
TEAM_REVIEW = Row(post=Who.REVIEWER)
TEAM_READ_REVIEW = Row(get=Who.VIEWER, post=Who.REVIEWER)
TEAM_ADMIN = Row(post=Who.ADMIN)
TEAM_ADMIN_PAGE = Row(get=Who.ADMIN, post=Who.ADMIN)
TEAM_READ_ADMIN = Row(get=Who.VIEWER, post=Who.ADMIN)

PAGES: dict[str, Row] = {
    "home": PERSONAL,
    "search": PERSONAL,
    "healthz": PUBLIC_READ,
    "live": PUBLIC_READ,
    # To this machine, as the tests are, and with a token; what others get is in tests/apps/home/test_health.py.
    "metrics": PUBLIC_READ,
    "sign-in": PUBLIC,
    "account_login": PUBLIC,
    "mfa_authenticate": PUBLIC,
    "account_inactive": PUBLIC,
    "openid_connect_login": PUBLIC.of(provider_id="x"),
    "openid_connect_callback": PUBLIC.of(provider_id="x"),
    "invitation": PUBLIC.of(secret="x"),
    "forgotten": PUBLIC,
    "reset-password": PUBLIC.of(secret="x"),
    "sign-out": PERSONAL_ACT,
    "enter": PUBLIC_READ.of(secret="x"),
    "account": PERSONAL_EDIT.sending(name="x"),
    "sign-out-elsewhere": PERSONAL_ACT,
    "make-token": Row(post=Who.VIEWER).sending(team="@team", name="x", scope="read", days="30"),
    "end-token": Row(post=Who.ADMIN).of(pk="@token"),
    "account_reauthenticate": SECOND_STEP,
    "mfa_reauthenticate": SECOND_STEP,
    "account_change_password": PERSONAL_EDIT,
    "account_set_password": PERSONAL_EDIT,
    "mfa_index": SECOND_STEP,
    "mfa_activate_totp": SECOND_STEP,
    "mfa_deactivate_totp": SECOND_STEP,
    "mfa_view_recovery_codes": SECOND_STEP,
    "mfa_generate_recovery_codes": SECOND_STEP,
    "mfa_download_recovery_codes": SECOND_STEP,
    "team": PERSONAL,
    "new-team": PERSONAL_EDIT.sending(name="x"),
    "rename-team": TEAM_ADMIN.of(pk="@team").sending(name="x"),
    "leave-team": Row(post=Who.VIEWER).of(pk="@team"),
    "invite": TEAM_ADMIN.of(pk="@team").sending(email="new@example.org", role="member"),
    "change-role": TEAM_ADMIN.of(pk="@membership").sending(role="member"),
    "remove-member": TEAM_ADMIN.of(pk="@membership"),
    "make-reset-link": TEAM_ADMIN.of(pk="@membership"),
    "revoke-invitation": TEAM_ADMIN.of(pk="@invitation"),
    # The team that is switched to stands in the body, not in the address.
    "switch-team": Row(post=Who.VIEWER).sending(team="@team"),
    "models": PERSONAL,
    "model": TEAM_READ.of(pk="@model"),
    "model-rename": TEAM_EDIT.of(pk="@model").sending(name="x"),
    "model-delete": TEAM_EDIT.of(pk="@model"),
    "variant": Row(get=Who.MEMBER).of(pk="@variant"),
    "variant-rename": TEAM_EDIT.of(pk="@variant").sending(name="x"),
    "variant-delete": TEAM_EDIT.of(pk="@variant"),
    "model-uploads": PERSONAL,
    "dataset-uploads": PERSONAL,
    "upload-again": TEAM_EDIT.of(pk="@upload"),
    "upload-abandon": TEAM_EDIT.of(pk="@upload"),
    "variant-file": TEAM_READ.of(pk="@variant"),
    "variant-onnx": TEAM_READ.of(pk="@variant"),
    "datasets": PERSONAL,
    "dataset": TEAM_READ.of(pk="@dataset"),
    "dataset-rename": TEAM_EDIT.of(pk="@dataset").sending(name="x"),
    "dataset-delete": TEAM_EDIT.of(pk="@dataset"),
    "dataset-file": TEAM_READ.of(pk="@dataset"),
    "devices": PERSONAL,
    "device": TEAM_READ_ADMIN.of(pk="@device"),
    "experiments": PERSONAL,
    "choose-recipe": PERSONAL,
    "new-experiment": OWN_TEAM_EDIT.of(recipe="training.backprop"),
    "new-choices": PERSONAL.of(recipe="training.backprop", field="model"),
    "new-summary": PERSONAL_ACT.of(recipe="training.backprop"),
    "experiments-csv": PERSONAL,
    "experiment": TEAM_READ.of(pk="@experiment"),
    "experiment-now": TEAM_READ.of(pk="@experiment"),
    "experiment-table-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-runs-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-cancel": TEAM_EDIT.of(pk="@experiment"),
    "experiment-retry": TEAM_EDIT.of(pk="@experiment"),
    "experiment-more": TEAM_EDIT.of(pk="@experiment").sending(repeat="1"),
    "experiment-rename": TEAM_EDIT.of(pk="@experiment").sending(name="x"),
    "experiment-tag": TEAM_EDIT.of(pk="@experiment").sending(tags="x"),
    "experiment-untag": TEAM_EDIT.of(pk="@experiment").sending(tag="x"),
    "experiment-archive": TEAM_EDIT.of(pk="@experiment"),
    "experiment-restore": TEAM_EDIT.of(pk="@experiment"),
    "compare": TEAM_READ.asking(run=["@run", "@ended"]),
    "compare-csv": TEAM_READ.asking(run=["@run", "@ended"]),
    "run-metrics-csv": TEAM_READ.of(pk="@run"),
    "run-variants-csv": TEAM_READ.of(pk="@run"),
    "run-measurements-csv": TEAM_READ.of(pk="@run"),
    "run-log-csv": TEAM_READ.of(pk="@run"),
    "runs-of-model": TEAM_READ.of(pk="@model"),
    "accuracies": PERSONAL,
    "run": TEAM_READ.of(pk="@run"),
    "run-head": TEAM_READ.of(pk="@run"),
    "run-variants": TEAM_READ.of(pk="@run"),
    "run-files": TEAM_READ.of(pk="@run"),
    "run-file": TEAM_READ.of(pk="@run", file="@file"),
    "run-environment": TEAM_READ.of(pk="@run"),
    "run-rename": TEAM_EDIT.of(pk="@run").sending(name="x"),
    "run-cancel": TEAM_EDIT.of(pk="@run"),
    "run-retry": TEAM_EDIT.of(pk="@ended"),
    "run-change": TEAM_EDIT.of(pk="@run").sending(learning_rate="0.1"),
    "portfolios": PERSONAL,
    "pick": OWN_TEAM_EDIT.sending(new="1", name="x"),
    "pick-bar": PERSONAL,
    "portfolio": TEAM_READ.of(pk="@portfolio"),
    "portfolio-fragment": TEAM_READ.of(pk="@portfolio", kind="board"),
    "portfolio-evidence": TEAM_READ.of(pk="@portfolio"),
    "portfolio-cells": TEAM_READ.of(pk="@portfolio"),
    "portfolio-edit": Row(get=Who.MEMBER, post=Who.MEMBER).of(pk="@portfolio").sending(name="x"),
    "portfolio-submit": TEAM_EDIT.of(pk="@portfolio"),
    "portfolio-withdraw": TEAM_EDIT.of(pk="@reviewed"),
    "portfolio-decide": TEAM_REVIEW.of(pk="@reviewed").sending(version="3", verdict="changes", text="x"),
    "portfolio-drop-variant": TEAM_EDIT.of(pk="@portfolio", variant="@variant"),
    "portfolio-note": TEAM_EDIT.of(pk="@portfolio", variant="@variant").sending(note="x"),
    "portfolio-criteria": TEAM_EDIT.of(pk="@portfolio").sending(metric="params", comparison="at_most", bound="1"),
    "portfolio-criterion": Row(get=Who.MEMBER, post=Who.MEMBER).of(pk="@portfolio", number="@criterion").sending(
        metric="size_bytes", comparison="at_most", bound="1"),
    "portfolio-drop-criterion": TEAM_EDIT.of(pk="@portfolio", number="@criterion"),
    "portfolio-comments": TEAM_EDIT.of(pk="@portfolio").sending(text="x"),
    "portfolio-comment": Row(get=Who.MEMBER, post=Who.MEMBER, whose="alice").of(
        pk="@portfolio", number="@comment").sending(text="x"),
    "portfolio-delete-comment": Row(post=Who.MEMBER, whose="alice").of(pk="@portfolio", number="@comment"),
    "portfolio-resolve-comment": TEAM_EDIT.of(pk="@portfolio", number="@comment"),
    "docs": PERSONAL,
    "api-docs": PERSONAL,
    "recipe-docs": PERSONAL.of(recipe="training.backprop"),
    "openapi-json": PUBLIC_READ,
}

READ, EDIT, REVIEW, ADMIN = Row(Who.VIEWER), Row(post=Who.MEMBER), Row(post=Who.REVIEWER), Row(post=Who.ADMIN)
ALICES = Row(post=Who.MEMBER, whose="alice")
SESSION = Row(Who.SIGNED_IN, own=True, by_session_only=True)
SESSION_ACT = Row(post=Who.SIGNED_IN, own=True, by_session_only=True)
MINE, OWN_EDIT = Row(Who.SIGNED_IN, own=True), Row(post=Who.MEMBER, own=True)

API: dict[str, Row] = {
    "GET /me": MINE,
    "PATCH /me": SESSION_ACT.sending(name="x"),
    "GET /tokens": SESSION,
    "POST /tokens": Row(post=Who.VIEWER, by_session_only=True).sending(team="@team", name="x"),
    "DELETE /tokens/{token}": Row(post=Who.ADMIN, by_session_only=True),
    "GET /teams": MINE,
    "POST /teams": SESSION_ACT.sending(name="x"),
    "GET /teams/{team}": READ,
    "PATCH /teams/{team}": ADMIN.sending(name="x"),
    "POST /teams/{team}/leave": Row(post=Who.VIEWER, by_session_only=True),
    "GET /teams/{team}/members": READ,
    "PATCH /teams/{team}/members/{person}": ADMIN.sending(role="member"),
    "DELETE /teams/{team}/members/{person}": ADMIN,
    "POST /teams/{team}/members/{person}/reset-link": Row(post=Who.ADMIN, by_session_only=True),
    "GET /teams/{team}/invitations": Row(get=Who.ADMIN),
    "POST /teams/{team}/invitations": ADMIN.sending(email="new@example.org"),
    "DELETE /invitations/{invitation}": ADMIN,
    "GET /models": MINE,
    "GET /models/{model}": READ,
    "PATCH /models/{model}": EDIT.sending(name="x"),
    "DELETE /models/{model}": EDIT.of(model="@bare_model"),
    "GET /variants": MINE,
    "GET /variants/{variant}": READ,
    "GET /variants/{variant}/file.safetensors": READ,
    "GET /variants/{variant}/file.onnx": READ,
    "PATCH /variants/{variant}": EDIT.sending(name="x"),
    "DELETE /variants/{variant}": EDIT,
    "GET /datasets": MINE,
    "GET /datasets/{dataset}": READ,
    "GET /datasets/{dataset}/file": READ,
    "PATCH /datasets/{dataset}": EDIT.sending(name="x"),
    "DELETE /datasets/{dataset}": EDIT.of(dataset="@bare_dataset"),
    "GET /devices": MINE,
    "GET /devices/{device}": READ,
    "PATCH /devices/{device}": ADMIN.sending(location="x"),
    "GET /recipes": MINE,
    "GET /recipes/{recipe}": MINE.of(recipe="training.backprop"),
    "POST /experiments": OWN_EDIT.sending(recipe="training.backprop"),
    "GET /experiments": MINE,
    "GET /experiments/{experiment}": READ,
    "PATCH /experiments/{experiment}": EDIT.sending(name="x"),
    "POST /experiments/{experiment}/archive": EDIT,
    "POST /experiments/{experiment}/restore": EDIT,
    "POST /experiments/{experiment}/tags": EDIT.sending(words="x"),
    "POST /experiments/{experiment}/untag": EDIT.sending(words="x"),
    "POST /experiments/{experiment}/cancel": EDIT,
    "POST /experiments/{experiment}/retry": EDIT,
    "POST /experiments/{experiment}/seeds": EDIT.sending(repeat=1),
    "GET /runs": MINE,
    "GET /runs/{run}": READ,
    "GET /runs/{run}/measurements": READ,
    "GET /runs/{run}/files": READ,
    "GET /runs/{run}/files/{file}": READ,
    "POST /runs/{run}/cancel": EDIT,
    "POST /runs/{run}/retry": EDIT,
    "POST /runs/{run}/change": EDIT.sending(params={"learning_rate": 0.1}),
    "POST /uploads": OWN_EDIT.sending(kind="model", name="x.safetensors", size_bytes=10),
    "GET /uploads": MINE,
    "GET /uploads/{upload}": READ,
    "DELETE /uploads/{upload}": EDIT,
    "PUT /uploads/{upload}/parts": EDIT.asking(offset="0"),
    "POST /uploads/{upload}/finish": EDIT,
    "POST /uploads/{upload}/again": EDIT.sending(options={}),
    "GET /compare": READ.asking(run=["@run", "@ended"]),
    "GET /portfolios": MINE,
    "POST /portfolios": OWN_EDIT.sending(name="x"),
    "GET /portfolios/{portfolio}": READ,
    "PATCH /portfolios/{portfolio}": EDIT.sending(name="x"),
    "GET /portfolios/{portfolio}/board": READ,
    "POST /portfolios/{portfolio}/variants": EDIT.sending(variants=["@variant"]),
    "PATCH /portfolios/{portfolio}/variants/{variant}": EDIT.sending(note="x"),
    "DELETE /portfolios/{portfolio}/variants/{variant}": EDIT,
    "POST /portfolios/{portfolio}/criteria": EDIT.sending(metric="accuracy", comparison="at_least", bound=80),
    "PUT /portfolios/{portfolio}/criteria/{criterion}": EDIT.sending(metric="accuracy", comparison="at_least", bound=80),
    "DELETE /portfolios/{portfolio}/criteria/{criterion}": EDIT,
    "POST /portfolios/{portfolio}/submit": EDIT,
    "POST /portfolios/{portfolio}/withdraw": EDIT,
    "POST /portfolios/{portfolio}/approve": REVIEW.of(portfolio="@reviewed").sending(version=1),
    "POST /portfolios/{portfolio}/request-changes": REVIEW.of(portfolio="@reviewed").sending(version=1, text="x"),
    "GET /portfolios/{portfolio}/decisions": READ,
    "GET /portfolios/{portfolio}/comments": READ,
    "POST /portfolios/{portfolio}/comments": EDIT.sending(text="x"),
    "PATCH /portfolios/{portfolio}/comments/{comment}": ALICES.sending(text="x"),
    "DELETE /portfolios/{portfolio}/comments/{comment}": ALICES,
    "POST /portfolios/{portfolio}/comments/{comment}/resolve": EDIT.sending(),
    "GET /search": MINE.asking(q="Secret"),
    "GET /streams/{stream}/events": READ,
}

SOCKETS: dict[str, Row] = {
    "ws/streams/<uuid:stream_id>/": READ.of(stream_id="@stream"),
}
# What a client may say on a socket. Nothing: every message is answered with an error, whoever sends it.
MESSAGES: dict[str, Row] = {}
