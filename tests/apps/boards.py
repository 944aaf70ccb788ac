"""A board of the team as its agent's requests make it: joins, beats, claims, says; every answer is a real answer of the API."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.devices import agent_wheel, enrolment
from apps.devices.models import Device
from apps.experiments import board_files, recorder
from apps.experiments.models import Experiment, Run, Status
from apps.live.models import Stream

NETWORK = b"the network that the board is to measure"
INSTANCE = "instance-0001"


def about(code: str = "", **other: Any) -> dict[str, Any]:
    said = {"code": code, "instance": INSTANCE, "version": agent_wheel.speaks(), "name": "pi", "hardware": "Raspberry Pi 4",
            "os": "Debian 12", "cores": 4, "memory_bytes": 4_000_000_000, "accelerators": "",
            "runtimes": {"onnxruntime": "1.31.1"}}
    return said | other


def join(code: str, **other: Any) -> Any:
    return Client().post("/api/agent/join", json.dumps(about(code, **other)), content_type="application/json")


@dataclass
class Board:
    """One agent: its token, the run it holds, the batches it has sent."""

    token: str
    device: Device
    instance: str = INSTANCE
    version: str = field(default_factory=agent_wheel.speaks)

    @classmethod
    def joined(cls, user: User, team: Team, **other: Any) -> Board:
        code = enrolment.make_code(user, team)[1]
        answer = join(code, **other).json()
        return cls(answer["token"], Device.objects.get(pk=answer["device"]["id"]), other.get("instance", INSTANCE))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        mine = {"Authorization": f"Bearer {self.token}", "X-EdgePortal-Agent": self.version,
                "X-EdgePortal-Instance": self.instance}
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        return Client().generic(method, f"/api/agent{path}", data, content_type=kind, headers=mine | headers)

    def beat(self, activity: str = "idle", **more: Any) -> Any:
        return self.ask("POST", "/beat", {"activity": activity, **more})

    def claim(self, request: uuid.UUID | None = None) -> Any:
        return self.ask("POST", "/claim", {"request": str(request or uuid.uuid4())})

    def say(self, run: Run, lease: int, batch: int, events: Any, raw: str = "") -> Any:
        body = raw or json.dumps({"lease": lease, "batch": batch, "events": events})
        return self.ask("POST", f"/runs/{run.pk}/events", body)

    def put(self, run: Run, lease: int, path: str, body: bytes, sha256: str = "") -> Any:
        return self.ask("PUT", f"/runs/{run.pk}/outputs/{path}", body, **{
            "X-EdgePortal-Lease": str(lease), "X-EdgePortal-SHA256": sha256 or hashlib.sha256(body).hexdigest()})


def prepared(device: Device, team: Team | None = None) -> Run:
    """A run that is prepared and waits for this board, as a worker leaves it."""
    of = team or device.team
    experiment = Experiment.objects.create(team=of, name="timing", recipe="benchmarking.latency")
    run = Run.objects.create(
        team=of, experiment=experiment, number=Run.objects.filter(team=of).count() + 1, recipe="benchmarking.latency",
        params={"laps": 20}, queued_at=timezone.now(), queue=device.queue, board=device, stream=Stream.objects.create(team=of),
        status=Status.QUEUED)
    folder = recorder.folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.onnx").write_bytes(NETWORK)
    files = board_files.keep_order(run, ["network.onnx"])
    run.order = {"recipe": run.recipe, "params": run.params, "facts": {"name": "net"}, "files": files}
    run.save(update_fields=["order"])
    return run


def measured(value: Any = 1.5, **other: Any) -> dict[str, Any]:
    return {"type": "measured", "variant": "net", "metric": "latency_ms_p50", "value": value, "unit": "ms",
            "engine": "onnxruntime", "n": 20, **other}


FINISHED = {"type": "finished", "summary": {"verdict": "done"}, "seconds": 2.0}
