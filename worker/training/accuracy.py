"""How often a network is right, on how many images, and how sure that makes us."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch

from worker.datasets import Data
from worker.datasets.data import PartName
from worker.events import Event, Measured, Progress
from worker.profiling.pulse import Pulse
from worker.training.batches import EVALUATION, in_order
from worker.training.hardware import chosen
from worker.wording import signed

NINETY_FIVE = 1.959963984540054
FEW_IMAGES = 100  # below them a difference is told with its interval


@dataclass(frozen=True)
class Score:
    """`correct` of `n`. `finite`: every answer was a number, so that a wrong one is a mistake and not an overflow."""

    correct: int
    n: int
    finite: bool = True

    @property
    def accuracy(self) -> float:
        return self.correct / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval: it stays within 0 and 1, and is honest at few images and near the ends."""
        if not self.n:
            return math.nan, math.nan
        z2 = NINETY_FIVE**2 / self.n
        centre = (self.accuracy + z2 / 2) / (1 + z2)
        half = math.sqrt(z2 * (self.accuracy * (1 - self.accuracy) + z2 / 4)) / (1 + z2)
        # At 0 and 1 the formula meets the accuracy exactly; rounding may not put it a bit inside.
        return max(0.0, min(centre - half, self.accuracy)), min(1.0, max(centre + half, self.accuracy))


def guessing(found: Score, classes: int, commonest: float) -> str:
    """In words, that a network is right no oftener than who sees no image, as far as its images can tell; else nothing.

    Who sees none may draw a class by lot or always name the commonest, whose share is `commonest`. A network that is right
    still less often is no better.
    """
    low = found.interval[0]
    if low <= 1 / classes:
        return f"no better than guessing among {classes} classes"
    return "no better than always naming the commonest class" if low <= commonest else ""


def commonest(data: Data) -> float:
    """The share of the class that the test part has most images of."""
    labels = data.parts["test"].labels
    return int(labels.bincount().max()) / len(labels) if len(labels) else 0.0


def difference(before: Score, after: Score) -> tuple[float, float]:
    """The 95 % interval of how much more accurate `after` is: Newcombe's, made of the two Wilson intervals.

    Both are taken for independent samples. Two networks tested on the same images are right and wrong on many of them
    together, so the true interval is narrower: a difference outside of this one can be trusted.
    """
    risen = after.accuracy - before.accuracy
    (low_before, high_before), (low_after, high_after) = before.interval, after.interval
    down = math.hypot(after.accuracy - low_after, high_before - before.accuracy)
    up = math.hypot(high_after - after.accuracy, before.accuracy - low_before)
    return risen - down, risen + up


def compared(before: Score, after: Score, other: str) -> str:
    """`after` against `before`, both on the test part, as words: `0.6 points less accurate than the dense network`.

    The rule: they are as accurate "within the noise" when the interval of their difference contains 0. Of few images the
    interval is told too.
    """
    points, (low, high) = 100 * (after.accuracy - before.accuracy), difference(before, after)
    wide = f"95 % {signed(100 * low)} to {signed(100 * high)} points, " if 0 < after.n < FEW_IMAGES else ""
    tested = f"{wide}test, n = {after.n}"
    if signed(points) == signed(0):
        return f"as accurate as {other} ({tested})"
    if low <= 0 <= high:
        return f"as accurate as {other} within the noise ({signed(points)} points, {tested})"
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'} accurate than {other} ({tested})"


def score(
    network: torch.nn.Module, data: Data, split: PartName, batch: int = EVALUATION,
) -> Generator[Progress, None, Score]:
    """Count right answers on one part of the data, `batch` images at a time; leaves the network in evaluation mode."""
    device, part, pulse = chosen(), data.parts[split], Pulse()
    network.to(device).eval()
    correct = seen = 0
    finite = torch.ones((), dtype=torch.bool, device=device)
    for images, labels in in_order(data, part, device, batch):
        with torch.inference_mode():
            answers = network(images)
            correct += int((answers.argmax(1) == labels).sum())
            finite &= answers.isfinite().all()
        seen += len(labels)
        if pulse.due():
            yield Progress(done=seen, total=len(part.labels), stage=f"{split} images")
    return Score(correct, seen, bool(finite))


def judged(network: torch.nn.Module, data: Data, variant: str) -> Generator[Event, None, Score]:
    """Say a variant's accuracy on the test part, the one nobody chose anything by."""
    found = yield from score(network, data, "test")
    yield measured(found, data, variant)
    network.cpu()
    return found


def measured(found: Score, data: Data, variant: str) -> Measured:
    """A score of the test part as a number about a variant."""
    low, high = found.interval
    return Measured(variant=variant, metric="accuracy", value=found.accuracy, unit="fraction", dataset=data.name,
                    split="test", n=found.n, low=low, high=high)
