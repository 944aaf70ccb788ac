"""A federated run between two rounds, as safetensors bytes and JSON: what a killed run goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from safetensors.torch import load, save

from worker.context import Checkpoints
from worker.events import Metric
from worker.federated.averaging import FedAdam
from worker.federated.states import State
from worker.federated.telling import Stood

if TYPE_CHECKING:
    from worker.federated.course import Course

# What was said of so many rounds is kept together: a round writes no more, however many were before it.
CHAPTER = 20
NETWORK, SERVER, CHOOSER = "network/", "server/", "chooser/"


def pack(course: Course) -> tuple[bytes, dict[str, Any]]:
    tensors = {NETWORK + name: tensor for name, tensor in course.state.items()}
    if isinstance(course.averaging, FedAdam):
        tensors |= {SERVER + name: tensor for name, tensor in course.averaging.tensors().items()}
    tensors |= {CHOOSER + name: tensor for name, tensor in course.ways[0].chooser.state().items()}
    body: bytes = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    facts = {"done": course.done, "seconds": course.seconds, "refused": course.refused, "lost": course.lost,
             "homes": course.homes, "stood": course.stood, "links_since": course.links_since}
    return body, facts


def unpack(course: Course, body: bytes, facts: dict[str, Any]) -> State:
    """The course as it was; what its first way's chooser remembered is told back."""
    tensors = load(body)
    course.state = _under(NETWORK, tensors)
    course.done, course.seconds, course.refused = int(facts["done"]), dict(facts["seconds"]), int(facts["refused"])
    course.homes, course.lost = dict(facts["homes"]), int(facts["lost"])
    course.links_since = int(facts.get("links_since", 0))
    course.stood = {client: Stood(*each) for client, each in facts.get("stood", {}).items()}
    if isinstance(course.averaging, FedAdam):
        course.averaging.restore(course.state, _under(SERVER, tensors))
    return _under(CHOOSER, tensors)


class Memory:
    """What was said of each round, kept chapter by chapter, each before the round's own checkpoint."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._chapter: list[tuple[int, Metric]] = []

    def keep(self, number: int, said: Sequence[Metric]) -> None:
        if self._chapter and _chapter(self._chapter[-1][0]) != _chapter(number):
            self._chapter = []
        self._chapter += [(number, metric) for metric in said]
        self._checkpoints.save(_name(number), number, b"", {
            "said": [[of, metric.model_dump(mode="json")] for of, metric in self._chapter]})

    def recall(self, done: int) -> list[Metric]:
        """All that was said of rounds up to `done`."""
        found = list[tuple[int, Metric]]()
        for number in range(1, done + CHAPTER, CHAPTER):
            if kept := self._checkpoints.last(_name(number)):
                found += [(int(of), Metric(**said)) for of, said in kept[2]["said"] if of <= done]
        self._chapter = [(of, metric) for of, metric in found if _chapter(of) == _chapter(done)]
        return [metric for _, metric in found]


def _chapter(number: int) -> int:
    """Round 0, what a run sets out from, is told with the first."""
    return max(number - 1, 0) // CHAPTER


def _name(number: int) -> str:
    return f"said-{_chapter(number)}"


def _under(prefix: str, tensors: State) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
