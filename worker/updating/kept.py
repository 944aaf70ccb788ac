"""What a run of rounds is after one of them: every edge's network, its updates, and what was said and counted."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save

from worker.events import Metric
from worker.training.accuracy import Score
from worker.updating.change import Account
from worker.updating.rounds import Doubling

if TYPE_CHECKING:
    from torch import Tensor

    from worker.updating.course import Course, Edge


def pack(course: Course) -> tuple[bytes, dict[str, Any]]:
    """Tensors and facts for a checkpoint."""
    tensors: dict[str, Tensor] = {}
    for place, edge in enumerate(course.edges):
        tensors |= {f"{place}/held/{name}": tensor.clone() for name, tensor in edge.held.items()}
        tensors |= {f"{place}/update/{number}": torch.frombuffer(bytearray(body), dtype=torch.uint8)
                    for number, body in edge.updates.items()}
    facts = {"done": course.done, "seconds": course.seconds, "images_trained": course.meter.done,
             "said": [metric.model_dump(mode="json") for metric in course.said], "edges": [_facts(edge) for edge in course.edges]}
    body: bytes = save(tensors)
    return body, facts


def _facts(edge: Edge) -> dict[str, Any]:
    return {"validated": asdict(edge.validated), "tested": [asdict(each) for each in edge.tested],
            "at_last": edge.doubling.at_last, "accounts": [asdict(account) if account else None for account in edge.accounts]}


def unpack(course: Course, body: bytes, facts: dict[str, Any]) -> None:
    """Put the course where the checkpoint was made; its edges follow the same ways."""
    tensors = load(body)
    course.done, course.seconds, course.meter.done = facts["done"], facts["seconds"], facts["images_trained"]
    course.said = [Metric.model_validate(each) for each in facts["said"]]
    for place, (edge, known) in enumerate(zip(course.edges, facts["edges"], strict=True)):
        edge.held = _under(f"{place}/held/", tensors)
        edge.updates = {int(number): update.numpy().tobytes()
                        for number, update in _under(f"{place}/update/", tensors).items()}
        edge.validated, edge.tested = Score(**known["validated"]), [Score(**each) for each in known["tested"]]
        edge.doubling = Doubling(known["at_last"])
        edge.accounts = [Account(**each) if each else None for each in known["accounts"]]


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
