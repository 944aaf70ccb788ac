"""What a run offers boards: its first network, its updates, and a batch on which a board tries each network before it serves it.

How many of the batch each network gets right is found with the very files, on the runtime that boards have.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import torch

from worker.addressed.offered import Batch, First, Offered, Update
from worker.datasets import Data, normalise
from worker.events import Event, FileMade, Log, Progress
from worker.profiling.pulse import Pulse
from worker.updating import trial
from worker.updating.change import applied, read, sha256
from worker.updating.course import Edge

# As many images, or fewer large ones: who sends a few kilobytes does not want to send megabytes to try them on.
MOST_IMAGES, FEWEST_IMAGES, MOST_BYTES = 64, 8, 1_000_000
UNTRIED = "Boards will not try these networks before they serve them: {why}"


def offered(edge: Edge, paths: dict[int, str], first: Path, data: Data) -> Generator[Event, None, Offered]:
    """`paths`: the file of each round's update, beside `first`; the batch is written there too."""
    batch = _batch(data, first.parent)
    rights = yield from _rights(edge, first.read_bytes(), batch)
    if isinstance(rights, str):
        yield Log(message=UNTRIED.format(why=rights))
        (first.parent / trial.NAME).unlink()
        return _offer(edge, paths, first, [0] * (1 + len(paths)), None)
    yield FileMade(path=trial.NAME, name="images on which a board tries a network", media_type="application/octet-stream")
    return _offer(edge, paths, first, rights, Batch(path=trial.NAME, sha256=batch.sha256, images=len(batch.labels)))


def _offer(edge: Edge, paths: dict[int, str], first: Path, rights: list[int], batch: Batch | None) -> Offered:
    updates = [_update(number, path, edge.updates[number], right)
               for (number, path), right in zip(sorted(paths.items()), rights[1:], strict=True)]
    return Offered(first=First(path=first.name, sha256=sha256(first.read_bytes()), right=rights[0]), updates=updates, batch=batch)


def _update(number: int, path: str, body: bytes, right: int) -> Update:
    change = read(body)
    return Update(round=number + 1, path=path, base=change.base, result=change.result, right=right)


def _batch(data: Data, folder: Path) -> trial.Batch:
    """Of the validation part, evenly over it."""
    part = data.parts["validation"]
    one = 4 * part.images[0].numel()
    count = min(len(part), MOST_IMAGES, max(FEWEST_IMAGES, MOST_BYTES // one))
    places = torch.linspace(0, len(part) - 1, count).round().long()
    return trial.keep(folder, normalise(part.images[places], data).numpy(), part.labels[places].numpy())


def _rights(edge: Edge, first: bytes, batch: trial.Batch) -> Generator[Event, None, list[int] | str]:
    """Of the batch, what the first network and each that an update makes get right; or why that cannot be told."""
    held, found, pulse = first, [trial.right(first, batch)], Pulse()
    for done, (_, body) in enumerate(sorted(edge.updates.items())):
        change = read(body)
        held = applied(first if change.base == sha256(first) else held, change)
        found.append(trial.right(held, batch))
        if pulse.due():
            yield Progress(done=done, total=len(edge.updates), stage="updates tried as boards do")
    counted = [each for each in found if isinstance(each, int)]
    return counted if len(counted) == len(found) else next(each for each in found if isinstance(each, str))
