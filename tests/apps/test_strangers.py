"""Everything of a team is not there for a stranger: 404 on every page, fragment, download and stream, by the urlconf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.catalog.models import Blob, Dataset, RegisteredModel, Variant
from apps.devices.models import Device
from apps.experiments.models import Run, RunFile, Status
from tests.apps.cast import Cast

# Pages that belong to everybody who is signed in, or to nobody; each fills its address from this team's things.
OPEN = {"home", "search", "sign-in", "sign-out", "account", "enter", "switch-team", "models", "datasets", "devices",
        "experiments", "choose-recipe", "new-experiment", "new-summary", "docs", "recipe-docs",
        "openapi-json", "api-root", "healthz", "live", "metrics"}


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every named address outside the admin: (name, path with <placeholders>, converters)."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not path.startswith("admin"):
                yield from patterns(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield pattern.name or "", path, pattern.pattern.converters


def addresses() -> list[tuple[str, str]]:
    return [(name, path) for name, path, _ in patterns()]


@pytest.fixture
def things(cast: Cast) -> dict[str, Any]:
    """One of each thing of Alice's team, by the first word of the address that shows it."""
    blob = Blob.objects.create(sha256="2" * 64, size_bytes=1)
    facts = {"size_bytes": 1, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="Secret net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="root", file=blob, onnx=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="Secret data", in_shape=[1, 8, 8], classes=10, file=blob)
    device = Device.objects.create(team=cast.team, name="Secret board")
    run = cast.run(Status.RUNNING)
    file = RunFile.objects.create(run=run, path="a", name="a", blob=blob)
    return {"models": model, "variants": variant, "data": data, "devices": device, "runs": run, "experiments": model,
            "api": run.stream, "file": file}


def fill(path: str, things: dict[str, Any]) -> str:
    thing = things[path.split("/")[0]]
    identity: UUID = thing.pk
    return "/" + path.replace("<uuid:pk>", str(identity)).replace("<uuid:stream_id>", str(identity)).replace(
        "<int:file>", str(things["file"].pk)).replace("<str:kind>", "onnx").replace("<slug:kind>", "onnx")


CLOSED = [(name, path) for name, path in addresses() if name not in OPEN]


def test_the_table_knows_every_address() -> None:
    unnamed = [path for name, path in addresses() if not name]
    assert not unnamed and len(CLOSED) >= 12


@pytest.mark.parametrize(("name", "path"), CLOSED, ids=[name for name, _ in CLOSED])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(cast: Cast, things: dict[str, Any], name: str, path: str, method: str, client: Client) -> None:
    client.force_login(cast.mallory)
    answer = getattr(client, method)(fill(path, things))
    assert answer.status_code in (404, 405), path
    assert b"Secret" not in answer.content
    assert Run.objects.get(pk=things["runs"].pk).status == Status.RUNNING


@pytest.mark.parametrize(("name", "path"), CLOSED, ids=[name for name, _ in CLOSED])
def test_nobody_gets_in_without_signing_in(cast: Cast, things: dict[str, Any], name: str, path: str, client: Client) -> None:
    answer = client.get(fill(path, things))
    assert answer.status_code in (302, 401, 405)
    assert b"Secret" not in answer.content


@pytest.mark.parametrize(("name", "path"), CLOSED, ids=[name for name, _ in CLOSED])
def test_a_viewer_changes_nothing(cast: Cast, things: dict[str, Any], name: str, path: str, client: Client) -> None:
    client.force_login(cast.victor)
    answer = client.post(fill(path, things))
    assert answer.status_code in (403, 404, 405), path
    assert Run.objects.get(pk=things["runs"].pk).status == Status.RUNNING


@pytest.mark.parametrize("path", ["/", "/models/", "/data/", "/devices/", "/experiments/", "/experiments/new/",
                                  "/search/?q=ecret", "/search/?q=1"])
def test_lists_of_a_stranger_hold_nothing_of_this_team(cast: Cast, things: dict[str, Any], path: str, client: Client) -> None:
    client.force_login(cast.mallory)
    answer = client.get(path)
    assert answer.status_code == 200
    assert b"Secret" not in answer.content
