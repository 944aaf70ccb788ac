"""A recipe's run of rounds: from the network that was given to what the edge holds at the end, its updates as files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from worker.addressed.offered import KEY
from worker.context import Context, write_durably
from worker.dnn import export
from worker.events import Event, FileMade, Metric
from worker.profiling.opening import Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import write
from worker.profiling.written import slug
from worker.training.accuracy import measured
from worker.training.hardware import settle
from worker.updating.change import Account
from worker.updating.course import Course, Edge, Plan
from worker.updating.learning import State
from worker.updating.offering import offered
from worker.updating.telling import summary
from worker.updating.ways import Way

FIRST = "first.onnx"
CHECKPOINT = "rounds"
Work = Generator[Event, None, dict[str, Any]]


def updated(plan: Plan, ways: Sequence[Way], *, start: Start, context: Context) -> Work:
    """The first way is what the run is about; the others are beside it, with the same images in the same order."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, start)
    data, network = given.data, given.network.eval()
    export.to_onnx(network, data.in_shape, context.workdir / FIRST)
    yield FileMade(path=FIRST, name="the first network, as the edge has it", media_type="application/octet-stream")
    course = Course(network, data, plan, (context.workdir / FIRST).read_bytes(), _state(network))
    yield from course.follow(ways)
    yield phases.end("open")
    yield from course.rounds(context.checkpoints, CHECKPOINT)
    yield phases.end("train and update")
    edge = course.edges[0]
    yield from _accounted(edge)
    paths = yield from _files(edge, context.workdir)
    offer = (yield from offered(edge, paths, context.workdir / FIRST, data)) if edge.keeps_updates else None
    network.load_state_dict(edge.held)
    made = yield from write(network, edge.way.name, in_shape=data.in_shape, classes=data.classes, folder=context.workdir,
                            trained=given.trained or any(edge.accounts))
    yield made.said()
    yield measured(edge.tested[-1], data, made.name)
    yield phases.end("save")
    return summary(course, made) | ({KEY: offer.model_dump(mode="json")} if offer else {})


def _state(network: Any) -> State:
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}


def _accounted(edge: Edge) -> Generator[Event, None, None]:
    """Of all that was sent, where the bytes went."""
    sent: list[Account] = [account for account in edge.accounts if account]
    parts = {"values": sum(each.value_bytes for each in sent), "positions": sum(each.position_bytes for each in sent),
             "biases, batch-norm": sum(each.other_bytes for each in sent), "header": sum(each.header_bytes for each in sent)}
    for part, size in parts.items():
        yield Metric(name="part_bytes", value=size, labels={"part": part})


def _files(edge: Edge, folder: Path) -> Generator[Event, None, dict[int, str]]:
    """Each update as it is before it is addressed and signed: the difference from the file that the edge had to the next one.

    The paths by round, from 0.
    """
    paths = {number: f"{slug(edge.way.name)}-round-{number + 1}.change" for number in sorted(edge.updates)}
    for number, path in paths.items():
        write_durably(folder / path, edge.updates[number])
        yield FileMade(path=path, name=f"what round {number + 1} sends", media_type="application/octet-stream")
    return paths


