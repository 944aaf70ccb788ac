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
    agents_only: bool = False
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

OWN_TEAM_FORM = Row(get=Who.MEMBER, post=Who.MEMBER, own=True)
BLOCK_TIMES = "network,first,last,seconds,output_bytes\nnet,a,b,0.5,4\n"

PAGES: dict[str, Row] = {
    "home": PERSONAL,
    "search": PERSONAL,
    "healthz": PUBLIC_READ,
    "live": PUBLIC_READ,
    # To this machine, as the tests are, and with a token; what others get is in tests/apps/home/test_health.py.
    "metrics": PUBLIC_READ,
    # What a board runs before it has a token: no secret in either.
    "join-script": PUBLIC_READ,
    "agent-wheel": PUBLIC_READ,
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
    "new-model": Row(get=Who.MEMBER, post=Who.MEMBER, own=True),
    "model": TEAM_READ.of(pk="@model"),
    "model-fit": TEAM_READ.of(pk="@model").asking(budget="130MB"),
    "model-rename": TEAM_EDIT.of(pk="@model").sending(name="x"),
    "model-delete": TEAM_EDIT.of(pk="@model"),
    "variant": TEAM_READ.of(pk="@drawn"),
    "variant-structure": TEAM_READ.of(pk="@drawn"),
    "variant-layers": TEAM_READ.of(pk="@drawn"),
    "variant-layer": TEAM_READ.of(pk="@drawn"),
    "variant-layers-csv": TEAM_READ.of(pk="@drawn"),
    "variant-graph": TEAM_READ.of(pk="@drawn"),
    "differences": TEAM_READ.of(pk="@drawn"),
    "difference": TEAM_READ.of(one="@drawn", other="@pruned"),
    "difference-rows": TEAM_READ.of(one="@drawn", other="@pruned"),
    "difference-csv": TEAM_READ.of(one="@drawn", other="@pruned"),
    "difference-before": TEAM_READ.of(one="@drawn", other="@pruned"),
    "difference-after": TEAM_READ.of(one="@drawn", other="@pruned"),
    "variant-files": TEAM_READ.of(pk="@variant"),
    "variant-derive": TEAM_EDIT.of(pk="@variant").sending(kind="folded"),
    "derived-file": TEAM_READ.of(pk="@variant", derived_pk="@derived_file", part="folded"),
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
    "dataset-samples": TEAM_READ.of(pk="@dataset"),
    "devices": PERSONAL,
    "device": TEAM_READ_ADMIN.of(pk="@device"),
    "new-device": Row(get=Who.ADMIN, post=Who.ADMIN, own=True).sending(name="x", tier="edge"),
    "device-retire": TEAM_ADMIN.of(pk="@device"),
    "device-bring-back": TEAM_ADMIN.of(pk="@device"),
    "device-drain": TEAM_ADMIN.of(pk="@device").sending(on="1"),
    "add-board": Row(get=Who.ADMIN, post=Who.ADMIN, own=True).sending(boards="1", tier="device"),
    "board-code": Row(get=Who.ADMIN).of(pk="@enrolment"),
    "board-code-panel": Row(get=Who.ADMIN).of(pk="@enrolment"),
    "revoke-board-code": TEAM_ADMIN.of(pk="@enrolment"),
    "agent-code": TEAM_ADMIN.of(pk="@board"),
    "agent-replace-token": TEAM_ADMIN.of(pk="@board"),
    "agent-revoke-token": TEAM_ADMIN.of(pk="@board"),
    "links": OWN_TEAM_EDIT.sending(source="@device", target="@other_device", latency_ms="1", bandwidth_mbps="1",
                                   origin="typed"),
    "network-file": PERSONAL,
    "take-in-network": Row(post=Who.MEMBER, own=True).sending(text="source,destination,ping(ms),bandwidth(mbps)\n"),
    "remove-link": TEAM_EDIT.of(pk="@link"),
    "running-on-devices": PERSONAL,
    "measure-on-label": OWN_TEAM_EDIT.sending(label="secret-label", model="@variant", dataset="@dataset", laps="10"),
    "devices-compare": TEAM_READ.asking(network="Secret net", device=["@device"]),
    "devices-compare-csv": TEAM_READ.asking(network="Secret net", device=["@device"]),
    "newest-profiles": TEAM_READ.of(pk="@device"),
    "bring-profile": OWN_TEAM_FORM.sending(device="@device", text=BLOCK_TIMES, save="1"),
    "profile-example": PERSONAL.of(name="profiles.csv"),
    "profile-delete": TEAM_EDIT.of(pk="@profile"),
    "profile-file": TEAM_READ.of(pk="@profile", form="yaml"),
    "device-profiles-file": TEAM_READ.of(pk="@device", form="csv"),
    "profile": TEAM_READ.of(pk="@device", profile="@profile"),
    "planner": PERSONAL,
    "planner-part": Row(Who.VIEWER, own=True),
    "planner-answer": Row(Who.VIEWER, own=True),
    "planner-csv": PERSONAL,
    "joint-plans": PERSONAL,
    "joint-part": Row(Who.VIEWER, own=True),
    "joint-answer": Row(Who.VIEWER, own=True),
    "joint-csv": PERSONAL,
    "plans": PERSONAL,
    "planner-example": Row(post=Who.MEMBER, own=True),
    "plan-save": Row(post=Who.MEMBER, own=True).sending(query="network=none", plan="x", name="x"),
    "plan": TEAM_READ.of(pk="@plan"),
    "plan-json": TEAM_READ.of(pk="@plan"),
    "plan-csv": TEAM_READ.of(pk="@plan"),
    "plan-rename": TEAM_EDIT.of(pk="@plan").sending(name="x"),
    "plan-refresh": TEAM_EDIT.of(pk="@plan"),
    "plan-delete": TEAM_EDIT.of(pk="@plan"),
    "experiments": PERSONAL,
    "choose-recipe": PERSONAL,
    "new-experiment": OWN_TEAM_EDIT.of(recipe="training.backprop"),
    "new-choices": PERSONAL.of(recipe="training.backprop", field="model"),
    "new-cuts": PERSONAL.of(recipe="partitioning.slices", field="plan"),
    "new-summary": PERSONAL_ACT.of(recipe="training.backprop"),
    "experiments-csv": PERSONAL,
    "experiment": TEAM_READ.of(pk="@experiment"),
    "experiment-now": TEAM_READ.of(pk="@experiment"),
    "experiment-table-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-runs-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-bib": TEAM_READ.of(pk="@experiment"),
    "experiment-equal-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-tests-csv": TEAM_READ.of(pk="@experiment"),
    "experiment-switched-csv": TEAM_READ.of(pk="@experiment"),
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
    "compare-bib": TEAM_READ.asking(run=["@run", "@ended"]),
    "run-bib": TEAM_READ.of(pk="@run"),
    "run-metrics-csv": TEAM_READ.of(pk="@run"),
    "run-variants-csv": TEAM_READ.of(pk="@run"),
    "run-measurements-csv": TEAM_READ.of(pk="@run"),
    "run-log-csv": TEAM_READ.of(pk="@run"),
    "runs-of-model": TEAM_READ.of(pk="@model"),
    "measurements-of-variant": TEAM_READ.of(pk="@variant"),
    "measurements-on-device": TEAM_READ.of(pk="@device"),
    "now-on-device": TEAM_READ.of(pk="@device"),
    "networks-on-device": TEAM_READ.of(pk="@board"),
    "boards-of-run": TEAM_READ.of(pk="@run"),
    "send-first": TEAM_ADMIN.of(pk="@run").sending(device="@board"),
    "send-updates": TEAM_ADMIN.of(pk="@run").sending(device="@board", rounds="1"),
    "withdraw-deployment": TEAM_ADMIN.of(pk="@deployment"),
    "pareto-of-model": TEAM_READ.of(pk="@model"),
    "pareto-of-experiment": TEAM_READ.of(pk="@experiment"),
    "accuracies": PERSONAL,
    "run": TEAM_READ.of(pk="@run"),
    "run-head": TEAM_READ.of(pk="@run"),
    "run-variants": TEAM_READ.of(pk="@run"),
    "run-blocks": TEAM_READ.of(pk="@run"),
    "run-files": TEAM_READ.of(pk="@run"),
    "run-file": TEAM_READ.of(pk="@run", file="@file"),
    "run-parts": TEAM_READ.of(pk="@run"),
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
    "recipe-bib": PERSONAL.of(recipe="training.backprop"),
    "guide": PERSONAL.of(name="uploads"),
    "openapi-json": PUBLIC_READ,
}

READ, EDIT, REVIEW, ADMIN = Row(Who.VIEWER), Row(post=Who.MEMBER), Row(post=Who.REVIEWER), Row(post=Who.ADMIN)
ALICES = Row(post=Who.MEMBER, whose="alice")
SESSION = Row(Who.SIGNED_IN, own=True, by_session_only=True)
SESSION_ACT = Row(post=Who.SIGNED_IN, own=True, by_session_only=True)
MINE, OWN_EDIT = Row(Who.SIGNED_IN, own=True), Row(post=Who.MEMBER, own=True)
NOWHERE = "11111111-0000-4000-8000-000000000001"
# Only for agents' own tokens: every person is told that nobody is there.
AGENT = Row(get=Who.SIGNED_IN, post=Who.SIGNED_IN, agents_only=True)
# What a team has: of one's own, for whoever is in one.
TEAMS = Row(Who.VIEWER, own=True)

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
    "GET /models": TEAMS,
    "POST /models": OWN_EDIT.sending(architecture="lenet5", in_shape=[1, 8, 8], classes=10),
    "GET /models/{model}": READ,
    "PATCH /models/{model}": EDIT.sending(name="x"),
    "DELETE /models/{model}": EDIT.of(model="@bare_model"),
    "GET /variants": TEAMS,
    "GET /variants/{variant}": READ,
    "GET /variants/{variant}/file.safetensors": READ,
    "GET /variants/{variant}/file.onnx": READ,
    "GET /variants/{variant}/structure": READ,
    "GET /variants/{variant}/fit": READ.asking(budget_bytes="130000000"),
    "GET /variants/{variant}/files": READ,
    "POST /variants/{variant}/files": EDIT.sending(kind="folded"),
    "GET /variants/{variant}/files/{derived_file}": READ,
    "GET /variants/{variant}/files/{derived_file}/{part}.onnx": READ.of(part="folded"),
    "GET /variants/{variant}/difference/{other}": READ.of(other="@variant"),
    "PATCH /variants/{variant}": EDIT.sending(name="x"),
    "DELETE /variants/{variant}": EDIT,
    "GET /datasets": TEAMS,
    "GET /datasets/{dataset}": READ,
    "GET /datasets/{dataset}/file": READ,
    "PATCH /datasets/{dataset}": EDIT.sending(name="x"),
    "DELETE /datasets/{dataset}": EDIT.of(dataset="@bare_dataset"),
    # A code is the only key; nobody's session or token opens what agents do.
    "POST /agent/join": PUBLIC,
    "POST /agent/beat": AGENT,
    "POST /agent/claim": AGENT,
    "GET /agent/runs/{run}/files/{sha256}": AGENT.of(sha256="0" * 64),
    "PUT /agent/runs/{run}/outputs/{path}": AGENT.of(path="x"),
    "POST /agent/runs/{run}/events": AGENT,
    "POST /agent/runs/{run}/release": AGENT,
    "GET /agent/runs/{run}/hosts": AGENT,
    "POST /agent/hostings/{hosting}": AGENT.of(hosting=NOWHERE),
    "POST /agent/hostings/{hosting}/relay/calls": AGENT.of(hosting=NOWHERE),
    "GET /agent/hostings/{hosting}/relay/calls/{after}": AGENT.of(hosting=NOWHERE, after=0),
    "PUT /agent/hostings/{hosting}/relay/{call}/{number}": AGENT.of(hosting=NOWHERE, call=1, number=0),
    "GET /agent/hostings/{hosting}/relay/{call}/{number}": AGENT.of(hosting=NOWHERE, call=1, number=0),
    "GET /agent/hostings/{hosting}/files/{sha256}": AGENT.of(hosting=NOWHERE, sha256="0" * 64),
    "GET /agent/deployments/{deployment}/update": AGENT,
    "GET /agent/deployments/{deployment}/batch": AGENT,
    "POST /agent/deployments/{deployment}": AGENT,
    "GET /deployments": TEAMS,
    "GET /deployments/{deployment}": READ,
    "POST /deployments/{deployment}/withdraw": ADMIN,
    "GET /devices/{device}/network": READ,
    "POST /devices/{device}/deployments": ADMIN.of(device="@board").sending(run="@run"),
    "POST /devices/codes": Row(post=Who.ADMIN, own=True).sending(boards=1),
    "GET /devices/codes": TEAMS,
    "DELETE /devices/codes/{enrolment}": ADMIN,
    "POST /devices/{device}/agent/code": ADMIN.of(device="@board"),
    "POST /devices/{device}/agent/replace-token": ADMIN.of(device="@board"),
    "DELETE /devices/{device}/agent": ADMIN.of(device="@board"),
    "GET /devices": TEAMS,
    "GET /devices/{device}": READ,
    "PATCH /devices/{device}": ADMIN.sending(location="x"),
    "POST /devices": Row(post=Who.ADMIN, own=True).sending(name="x"),
    "POST /devices/{device}/retire": ADMIN,
    "POST /devices/{device}/bring-back": ADMIN,
    "GET /devices/{device}/baselines": READ,
    "GET /profiles": TEAMS,
    "POST /profiles": OWN_EDIT.sending(text=BLOCK_TIMES, device="@device"),
    "GET /profiles/{profile}": READ,
    "DELETE /profiles/{profile}": EDIT,
    "GET /profiles/{profile}/file": READ,
    "GET /devices/{device}/profiles/file": READ,
    "GET /links": TEAMS,
    "POST /links": OWN_EDIT.sending(source="@device", target="@other_device", latency_ms=1, bandwidth_mbps=1),
    "GET /links/network": TEAMS,
    "POST /links/network": OWN_EDIT.sending(text="source,destination,ping(ms),bandwidth(mbps)\n"),
    "DELETE /links/{link}": EDIT,
    "GET /recipes": MINE,
    "GET /recipes/{recipe}": MINE.of(recipe="training.backprop"),
    "POST /experiments": OWN_EDIT.sending(recipe="training.backprop"),
    "POST /experiments/on-label": OWN_EDIT.sending(label="none-has-it", params={}),
    "GET /experiments": TEAMS,
    "GET /experiments/{experiment}": READ,
    "GET /experiments/{experiment}/versus": READ,
    "PATCH /experiments/{experiment}": EDIT.sending(name="x"),
    "POST /experiments/{experiment}/archive": EDIT,
    "POST /experiments/{experiment}/restore": EDIT,
    "POST /experiments/{experiment}/tags": EDIT.sending(words="x"),
    "POST /experiments/{experiment}/untag": EDIT.sending(words="x"),
    "POST /experiments/{experiment}/cancel": EDIT,
    "POST /experiments/{experiment}/retry": EDIT,
    "POST /experiments/{experiment}/seeds": EDIT.sending(repeat=1),
    "GET /runs": TEAMS,
    "GET /runs/{run}": READ,
    "GET /runs/{run}/measurements": READ,
    "GET /runs/{run}/files": READ,
    "GET /runs/{run}/files/{file}": READ,
    "POST /runs/{run}/cancel": EDIT,
    "POST /runs/{run}/retry": EDIT,
    "POST /runs/{run}/change": EDIT.sending(params={"learning_rate": 0.1}),
    "POST /uploads": OWN_EDIT.sending(kind="model", name="x.safetensors", size_bytes=10),
    "GET /uploads": TEAMS,
    "GET /uploads/{upload}": READ,
    "DELETE /uploads/{upload}": EDIT,
    "PUT /uploads/{upload}/parts": EDIT.asking(offset="0"),
    "POST /uploads/{upload}/finish": EDIT,
    "POST /uploads/{upload}/again": EDIT.sending(options={}),
    "GET /compare": READ.asking(run=["@run", "@ended"]),
    "GET /plans/networks": TEAMS,
    "POST /plans/ask": Row(post=Who.VIEWER, own=True).sending(network="none"),
    "POST /plans/joint": Row(post=Who.VIEWER, own=True).sending(networks=["none"]),
    "GET /plans/offers": TEAMS,
    "GET /plans": TEAMS,
    "POST /plans/joint/save": OWN_EDIT.sending(networks=["none"], name="x", version="x"),
    "POST /plans": OWN_EDIT.sending(network="none", name="x", plan="x"),
    "GET /plans/{plan}": READ,
    "PATCH /plans/{plan}": EDIT.sending(name="x"),
    "DELETE /plans/{plan}": EDIT,
    "POST /plans/{plan}/refresh": EDIT.sending(),
    "GET /portfolios": TEAMS,
    "POST /portfolios": OWN_EDIT.sending(name="x"),
    "GET /portfolios/{portfolio}": READ,
    "PATCH /portfolios/{portfolio}": EDIT.sending(name="x"),
    "GET /portfolios/{portfolio}/board": READ,
    "GET /portfolios/{portfolio}/run-time": READ,
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
