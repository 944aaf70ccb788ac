"""Where a board fetches what it was told of with a beat, and says what became of it."""

from __future__ import annotations

import re
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest
from ninja import Router
from pydantic import Field

from apps.accounts.wire import BINARY, Told
from apps.catalog import blobs
from apps.catalog.views import Download
from apps.deployments import beats, settling
from apps.deployments.models import Deployment, State
from apps.devices.boards.bearer import ByAgent
from apps.devices.boards.networks import NetworkWanted
from apps.devices.boards.reports import NetworkSaid, Said, Sentence
from apps.devices.models import Agent
from apps.experiments.board_files import Rest

router = Router(tags=["agents"], auth=ByAgent())
ONE = "/deployments/{uuid:deployment}"
REST = re.compile(r"bytes=(\d{1,15})-")


class OutcomeIn(Said):
    state: Literal["taken", "refused"]
    reason: Sentence = Field("", description="Why it was refused, in a sentence.")
    tried: bool = Field(False, description="Whether it was run on the stored batch first.")
    network: NetworkSaid


class OutcomeOut(Told):
    state: str = Field(description="As it is kept.")
    network: NetworkWanted | None = Field(description="What waits for the board next.")


class Enveloped:
    """The head, and behind it the bytes of the body, as one stream."""

    def __init__(self, head: bytes, source: blobs.Reader) -> None:
        self._head, self._source = head, source

    def read(self, size: int = blobs.CHUNK) -> bytes:
        head, self._head = self._head, b""
        return head or self._source.read(size)

    def close(self) -> None:
        self._source.close()


@router.get(ONE + "/update", response=bytes, openapi_extra=BINARY)
def get_update_as_board(request: HttpRequest, deployment: UUID) -> FileResponse:
    """The signed update while it waits for this board; with `Range: bytes=N-`, what a cut download lacks."""
    row = _waiting(request, deployment)
    assert row.body is not None
    return _sent(request, Enveloped(bytes(row.head), blobs.open(row.body.sha256)), row.sent_bytes)


@router.get(ONE + "/batch", response=bytes, openapi_extra=BINARY)
def get_batch_as_board(request: HttpRequest, deployment: UUID) -> FileResponse:
    """The images on which the board tries it, as one `.npz`."""
    row = _waiting(request, deployment)
    if row.batch is None:
        raise Http404
    return _sent(request, blobs.open(row.batch.sha256), row.batch.size_bytes)


@router.post(ONE, response=OutcomeOut)
def say_outcome_as_board(request: HttpRequest, deployment: UUID, asked: OutcomeIn) -> OutcomeOut:
    """What became of it, and what the board serves now. Said again it changes nothing."""
    agent = _agent(request)
    row = settling.hear(agent, deployment, asked.state, asked.reason, asked.tried)
    if row is None:
        raise Http404
    beats.keep(agent, asked.network)
    following = beats.waiting(agent) if beats.may_take(agent, asked.network) else None
    return OutcomeOut.model_validate({"state": row.state, "network": following})


def _agent(request: HttpRequest) -> Agent:
    agent: Agent = request.auth  # type: ignore[attr-defined]
    return agent


def _waiting(request: HttpRequest, pk: UUID) -> Deployment:
    agent = _agent(request)
    rows = Deployment.objects.filter(pk=pk, device=agent.device_id, addressed_to=agent.instance, state=State.WAITING,
                                     body__isnull=False)
    found: Deployment | None = rows.select_related("body", "batch").first()
    if found is None:
        raise Http404
    return found


def _sent(request: HttpRequest, source: Any, size: int) -> FileResponse:
    asked = REST.fullmatch(request.headers.get("Range", ""))
    begin = int(asked[1]) if asked and int(asked[1]) < size else 0
    answer = Download(Rest(source, begin), as_attachment=True, status=206 if begin else 200,
                      content_type="application/octet-stream")
    answer["Content-Length"] = str(size - begin)
    if begin:
        answer["Content-Range"] = f"bytes {begin}-{size - 1}/{size}"
    return answer
