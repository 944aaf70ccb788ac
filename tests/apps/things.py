"""One of each thing of Alice's team, all of them called Secret; what a stranger's answer holds must never say that word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts import invitations, tokens
from apps.accounts.models import Scope, Team
from apps.catalog import blobs
from apps.catalog.models import Dataset, DerivedFile, RegisteredModel, Upload, Variant
from apps.deployments.models import Deployment
from apps.devices import enrolment
from apps.devices.models import Agent, Device, Link
from apps.experiments.models import RunFile, Status
from apps.live.models import Saying, Stream
from apps.portfolios import actions as portfolios
from tests.apps.cast import Cast
from tests.apps.devices.profiled import keep, network
from tests.apps.kept_plans import kept_plan
from tests.apps.networks import drawn, structure

WORD = "Secret"
CRITERION = {"metric": "size_bytes", "comparison": "at_most", "bound": 1}


def gather_things(cast: Cast, folder: Path) -> dict[str, Any]:
    """Things by the word that a row of `permissions.py` names them with."""
    file = folder / "file"
    file.write_bytes(b"Secret bytes")
    blob = blobs.keep(file)
    facts = {"size_bytes": 12, "params": 1, "macs": 1, "activation_bytes": 1}
    model = RegisteredModel.objects.create(team=cast.team, name="Secret net", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="Secret root", file=blob, onnx=blob, **facts)
    data = Dataset.objects.create(team=cast.team, name="Secret data", in_shape=[1, 8, 8], classes=10, file=blob, samples=blob)
    device = Device.objects.create(team=cast.team, name="Secret board")
    params = {"model": str(variant.pk), "dataset": str(data.pk), "seed": 7, "epochs": 1}
    run = cast.run(Status.RUNNING, params=params, summary={"verdict": "Secret verdict"})
    run.experiment.name = "Secret experiment"
    run.experiment.save(update_fields=["name"])
    with transaction.atomic():
        run.stream.append([Saying("log", {"level": "info", "message": "Secret line"})])
    ended = cast.run(Status.FAILED, params=params, reason="Secret reason")
    Team.objects.filter(pk=cast.team.pk).update(runs_numbered=ended.number)
    found = {"profile": keep(device, network(network="Secret net"), variant=variant.pk), "team": cast.team, "model": model,
             "variant": variant, "dataset": data, "device": device, "run": run, "ended": ended, "experiment": run.experiment,
             "stream": run.stream, "team_stream": Stream.of_team(cast.team),
             "person": cast.victor, "file": RunFile.objects.create(run=run, path="a", name="Secret file", blob=blob)}
    found |= _of_boards(cast) | _of_links(cast, device) | _of_others(cast, found)
    found["deployment"] = _sent(cast, found)
    return found | _of_networks(cast, folder) | _of_variant(variant) | {"plan": kept_plan(device)}


def _sent(cast: Cast, found: dict[str, Any]) -> Deployment:
    """A network on its way to the board."""
    sizes = {"sent_bytes": 1, "everything_bytes": 1}
    return Deployment.objects.create(
        team=cast.team, device=found["board"], addressed_to="secret-instance", number=1, kind="first", run=found["run"],
        run_number=found["run"].number, network="Secret net", path="first.onnx", sha256="0" * 64, result_sha256="0" * 64, **sizes)


def _of_boards(cast: Cast) -> dict[str, Any]:
    """A board with its agent, and a code for another."""
    board = Device.objects.create(team=cast.team, name="Secret agent's board", last_seen=timezone.now())
    Agent.objects.create(device=board, prefix="secretid", digest="0" * 64, instance="secret-instance", version="0.1.0")
    return {"board": board, "enrolment": enrolment.make_code(cast.alice, cast.team, location="Secret lab")[0]}


def _of_links(cast: Cast, device: Device) -> dict[str, Any]:
    """A second device, and the way to it."""
    other = Device.objects.create(team=cast.team, name="Secret edge", labels=["secret-label"])
    link = Link.objects.create(team=cast.team, source=device, target=other, latency_ms=1, bandwidth_mbps=1)
    return {"other_device": other, "link": link}


def _of_variant(variant: Variant) -> dict[str, Any]:
    """What was made of a variant on request."""
    parity = {"max_abs": 0.0, "max_relative": 0.0}
    about = {"part": "folded", "size_bytes": 12, "in_shape": [1, 8, 8], "out_shape": [10], "params": 1, "macs": 1,
             "parity": parity}
    return {"derived_file": DerivedFile.objects.create(
        team=variant.team, variant=variant, kind=DerivedFile.Kind.FOLDED, file=variant.file, asked=timezone.now(),
        made=timezone.now(), about={"files": [about], "parity": parity})}


def _of_networks(cast: Cast, folder: Path) -> dict[str, Any]:
    """Variants of which is known what they are made of."""
    dense = drawn(cast.team, folder, "Secret dense")
    return {"drawn": dense, "pruned": drawn(cast.team, folder, "Secret pruned", structure(2), model=dense.model, parent=dense)}


def _of_others(cast: Cast, found: dict[str, Any]) -> dict[str, Any]:
    """What else a team has."""
    invitation, _ = invitations.invite(cast.alice, cast.team, "secret.guest@example.org", "member")
    token, _ = tokens.make(cast.alice, cast.team, "Secret token", Scope.READ)
    upload = Upload.objects.create(team=cast.team, kind="model", file_name="Secret upload", size_bytes=12, made_by=cast.alice)
    portfolio = portfolios.create(cast.alice, cast.team, "Secret portfolio", "", [found["variant"].pk])
    criterion = portfolios.add_criterion(cast.alice, portfolio, CRITERION)
    reviewed = portfolios.create(cast.mia, cast.team, "Secret portfolio in review", "", [found["variant"].pk])
    portfolios.add_criterion(cast.mia, reviewed, CRITERION)
    portfolios.submit(cast.mia, reviewed)
    comment = portfolios.comment(cast.alice, portfolio, "Secret comment")
    bare_model = RegisteredModel.objects.create(team=cast.team, name="Secret unused net", in_shape=[1, 8, 8], classes=10)
    bare_dataset = Dataset.objects.create(team=cast.team, name="Secret unused data", in_shape=[1, 8, 8], classes=10,
                                          file=found["dataset"].file)
    return {"bare_model": bare_model, "bare_dataset": bare_dataset, "portfolio": portfolio, "criterion": criterion,
            "reviewed": reviewed, "comment": comment, "upload": upload, "invitation": invitation, "token": token,
            "membership": cast.team.memberships.get(user=cast.victor)}
