"""Whether a compact network answers as the sparse one it was made of, image by image, over a whole part of the data."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import fx

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Progress
from worker.profiling.pulse import Pulse
from worker.profiling.recall import Work, once
from worker.training.accuracy import Score
from worker.training.batches import in_order
from worker.training.hardware import chosen


@dataclass(frozen=True)
class Equality:
    """`different`: for how many images the two name another class; `largest`: by how much any answer differs."""

    sparse: Score
    compact: Score
    different: int
    largest: float

    @property
    def holds(self) -> bool:
        return not self.different and self.compact.finite


def equality(sparse: fx.GraphModule, compact: fx.GraphModule, data: Data, checkpoints: Checkpoints,
             name: str) -> Generator[Event, None, Equality]:
    """Asked once a run, of the test part; a resumed run recalls it."""
    found = yield from once(checkpoints, f"equality-{name}", _asked(sparse, compact, data))
    one, other = (Score(found[side], found["n"], found[f"{side}_finite"]) for side in ("sparse", "compact"))
    return Equality(one, other, found["different"], found["largest"])


def _asked(sparse: fx.GraphModule, compact: fx.GraphModule, data: Data) -> Work:
    device, part, pulse = chosen(), data.parts["test"], Pulse()
    networks = {"sparse": sparse.to(device).eval(), "compact": compact.to(device).eval()}
    found: dict[str, float] = {"sparse": 0, "compact": 0, "different": 0, "n": 0}
    finite, largest = dict.fromkeys(networks, True), 0.0
    for images, labels in in_order(data, part, device):
        with torch.inference_mode():
            answers = {side: network(images) for side, network in networks.items()}
        classes = {side: each.argmax(1) for side, each in answers.items()}
        for side in networks:
            found[side] += int((classes[side] == labels).sum())
            finite[side] &= bool(answers[side].isfinite().all())
        found["different"] += int((classes["sparse"] != classes["compact"]).sum())
        found["n"] += len(labels)
        largest = max(largest, float((answers["sparse"] - answers["compact"]).abs().max()))
        if pulse.due():
            yield Progress(done=found["n"], total=len(part), stage="test images")
    for network in networks.values():
        network.cpu()
    return found | {f"{side}_finite": each for side, each in finite.items()} | {"largest": largest}
