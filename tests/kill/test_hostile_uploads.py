"""Every hostile file by the way that a person's file goes: parts, the first look, the desk, its limited process, a page.

Nothing runs, no answer is a 500, every file ends refused in one sentence, and the portal goes on as before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kill.test_uploads_survive import ask
from tests.portal import Portal, until
from tests.worker.inspection.corpus import DATA, NETWORKS, is_ours

pytestmark = [pytest.mark.kill, pytest.mark.slow]
PART = 8_000_000
# Of one file, from its first byte to its verdict, with others waiting before it.
MOST_S = 120
# One of them is too large for a smaller limit than the portal's.
ARRAYS = [case for case in DATA if case != "more than is unpacked"]


def send(portal: Portal, kind: str, name: str, body: bytes, options: dict[str, Any]) -> tuple[list[int], str]:
    """Every status on the way, and the upload; empty where it was refused before it became one."""
    begun = ask(portal, "POST", "", json={"kind": kind, "name": name, "size_bytes": len(body), "options": options})
    statuses = [begun.status_code]
    if begun.status_code != 201:
        assert is_ours(begun.json()["title"]) or begun.json()["title"].isprintable()
        return statuses, ""
    pk = str(begun.json()["id"])
    for offset in range(0, len(body), PART):
        answer = ask(portal, "PUT", f"/{pk}/parts?offset={offset}", content=body[offset:offset + PART],
                     headers={"Content-Type": "application/octet-stream"})
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            return statuses, pk
    statuses.append(ask(portal, "POST", f"/{pk}/finish").status_code)
    return statuses, pk


def verdict(portal: Portal, pk: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(portal, "GET", f"/{pk}").json()
    return found


@pytest.fixture(autouse=True)
def tidy(portal: Portal) -> Any:
    yield
    portal.sql("delete from catalog_uploadpart")
    portal.sql("delete from catalog_upload")


@pytest.mark.parametrize(("kind", "name", "cases"), [("model", "net.onnx", list(NETWORKS)), ("dataset", "data.npz", ARRAYS)])
def test_every_hostile_file_ends_refused_in_one_sentence(
    portal: Portal, tmp_path: Path, kind: str, name: str, cases: list[str],
) -> None:
    canary = tmp_path / "canary"
    web = portal.web().pid
    before = portal.sql("select count(*) from catalog_variant") + portal.sql("select count(*) from catalog_dataset")
    options: dict[str, Any] = {"architecture": "lenet5", "in_shape": [1, 8, 8]} if kind == "model" else {}
    sent: dict[str, str] = {}
    for case in cases:
        body = NETWORKS[case](canary) if kind == "model" else DATA[case][0](canary)
        statuses, pk = send(portal, kind, name, body, options)
        assert set(statuses) <= {200, 201, 409, 413, 422}, (case, statuses)
        if pk:
            sent[case] = pk
    wrong: dict[str, str] = {}
    for case, pk in sent.items():
        until(lambda pk=pk: verdict(portal, pk)["state"] in ("ready", "refused"), MOST_S, case)  # type: ignore[misc]
        told = verdict(portal, pk)
        if told["state"] != "refused" or not is_ours(told["why"]):
            wrong[case] = f"{told['state']}: {told['why']}"
    assert not wrong
    assert not canary.exists()
    assert portal.web().pid == web and psutil.pid_exists(web)
    page = "/models/" if kind == "model" else "/data/"
    assert portal.http.get(page).status_code == 200
    after = portal.sql("select count(*) from catalog_variant") + portal.sql("select count(*) from catalog_dataset")
    assert after == before
    assert not list((portal.var / "inspections").glob("*"))
    assert "Internal Server Error" not in (portal.var / "log" / "web.log").read_text()
