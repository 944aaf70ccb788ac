"""A federated run between two rounds, as safetensors bytes and JSON: what a killed run goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safetensors.torch import load, save

from worker.events import Metric
from worker.federated.averaging import FedAdam
from worker.federated.states import State

if TYPE_CHECKING:
    from worker.federated.course import Course

NETWORK, SERVER, CHOOSER = "network/", "server/", "chooser/"


def pack(course: Course) -> tuple[bytes, dict[str, Any]]:
    tensors = {NETWORK + name: tensor for name, tensor in course.state.items()}
    if isinstance(course.averaging, FedAdam):
        tensors |= {SERVER + name: tensor for name, tensor in course.averaging.tensors().items()}
    tensors |= {CHOOSER + name: tensor for name, tensor in course.ways[0].chooser.state().items()}
    body: bytes = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    facts = {"done": course.done, "seconds": course.seconds, "refused": course.refused, "homes": course.homes,
             "said": [metric.model_dump(mode="json") for metric in course.said]}
    return body, facts


def unpack(course: Course, body: bytes, facts: dict[str, Any]) -> State:
    """The course as it was; what its first way's chooser remembered is told back."""
    tensors = load(body)
    course.state = _under(NETWORK, tensors)
    course.done, course.seconds, course.refused = int(facts["done"]), dict(facts["seconds"]), int(facts["refused"])
    course.homes, course.said = dict(facts["homes"]), [Metric(**said) for said in facts["said"]]
    if isinstance(course.averaging, FedAdam):
        course.averaging.restore(course.state, _under(SERVER, tensors))
    return _under(CHOOSER, tensors)


def _under(prefix: str, tensors: State) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
