"""What a joint plan looks like, before anything was measured: a network that nobody trained, on machines that nobody has.

Five variants of a residual network for images of 224 x 224, three machines and three links, six transfer layers at eleven cuts.
Times are what multiplications and memory traffic need at the speeds of the machines; accuracies are made up by a rule. All of it
says that it is emulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from worker.planning.offers import Offer
from worker.profile import Block, NetworkProfile

PREFIX = "example/"
NAME, DATASET, N = "example", "example images", 5000
# With which the page opens: a network that is cut, with a transfer layer, wins.
DEADLINE_MS = 60
INPUT_BYTES = 3 * 224 * 224 * 4
# Width, share of the images that are right.
WIDTHS = ((1.0, 0.914), (0.75, 0.903), (0.5, 0.881), (0.35, 0.852), (0.25, 0.813))


class Made(NamedTuple):
    """A machine. `macs`, `octets`: what it multiplies and moves in a second."""

    name: str
    tier: int
    macs: float
    octets: float


class Stack(NamedTuple):
    """Blocks alike: so many, of so many channels on a map of so many pixels a side."""

    name: str
    many: int
    channels: int
    side: int


class Half(NamedTuple):
    """A transfer layer: how many times fewer bytes, and what it costs in accuracy where maps are largest and where smallest."""

    title: str
    factor: int
    early: float
    late: float


MACHINES = (Made("example board", 0, 1e10, 4e9), Made("example box", 1, 6e10, 2e10), Made("example server", 2, 4e11, 2e11))
# Round trip in ms and Mbit/s, the same in both directions.
LINKS = {("example board", "example box"): (5.0, 40.0), ("example board", "example server"): (40.0, 15.0),
         ("example box", "example server"): (30.0, 200.0)}
STACKS = (Stack("stem", 1, 32, 112), Stack("a", 3, 64, 56), Stack("b", 4, 128, 28), Stack("c", 6, 256, 14), Stack("d", 3, 512, 7))
BLOCK_MACS, CLASSES, BYTES = 115.6e6, 1000, 4
LAYERS = (Half("identity, int8", 4, 0.001, 0.003), Half("max-pool", 4, 0.018, 0.006), Half("max-pool, int8", 16, 0.021, 0.009),
          Half("average pool, int8", 16, 0.015, 0.011), Half("strided convolution, int8", 16, 0.011, 0.007),
          Half("bottleneck, int8", 64, 0.034, 0.021))
CUTS = ("stem", "a1", "a2", "a3", "b2", "b4", "c2", "c4", "c6", "d1", "d2")


def networks() -> list[str]:
    return [_name(width) for width, _ in WIDTHS]


def accuracies() -> dict[str, float]:
    return {_name(width): accuracy for width, accuracy in WIDTHS}


def key(network: str, machine: str) -> str:
    """Under which whoever answers finds the profile."""
    return f"{PREFIX}{network}/{machine}"


@cache
def profiles() -> dict[str, NetworkProfile]:
    return {key(_name(width), machine.name): _profile(width, machine) for width, _ in WIDTHS for machine in MACHINES}


@cache
def offers() -> tuple[Offer, ...]:
    """Each layer at each cut of each variant, timed on the board."""
    return tuple(_offer(width, accuracy, cut, half) for width, accuracy in WIDTHS for cut in CUTS for half in LAYERS)


def _name(width: float) -> str:
    return NAME if width == 1 else f"{NAME} {100 * width:.0f} %"


def _profile(width: float, machine: Made) -> NetworkProfile:
    return NetworkProfile(network=_name(width), blocks=tuple(_blocks(width, machine)), input_bytes=INPUT_BYTES, engine="made up",
                          threads=1, origin="emulated")


def _blocks(width: float, machine: Made) -> Iterator[Block]:
    given = INPUT_BYTES
    for name, channels, side in _layout(width):
        macs = BLOCK_MACS * (width if name == "stem" else width**2)
        weights = 9 * channels * channels * 2 * BYTES
        made = channels * side * side * BYTES
        yield _block(name, macs, weights, given, made, machine)
        given = made
    weights = round(512 * width) * CLASSES * BYTES
    yield _block("classifier", weights / BYTES, weights, given, CLASSES * BYTES, machine)


def _block(name: str, macs: float, weights: int, given: int, made: int, machine: Made) -> Block:
    seconds = macs / machine.macs + (weights + given + made) / machine.octets
    return Block(first=name, last=name, seconds=seconds, output_bytes=made, macs=round(macs), params_bytes=weights,
                 activation_bytes=given + made, output_tensors=1)


def _layout(width: float) -> list[tuple[str, int, int]]:
    """Name, channels, side of each block's result."""
    return [(stack.name if stack.many == 1 else f"{stack.name}{at + 1}", max(1, round(stack.channels * width)), stack.side)
            for stack in STACKS for at in range(stack.many)]


def _offer(width: float, accuracy: float, cut: str, half: Half) -> Offer:
    sizes = {name: channels * side * side * BYTES for name, channels, side in _layout(width)}
    raw, deep = sizes[cut], CUTS.index(cut) / (len(CUTS) - 1)
    drop = half.early + (half.late - half.early) * deep
    took = raw / MACHINES[0].octets
    return Offer(network=_name(width), after=cut, layer=half.title, bytes=raw // half.factor, raw_bytes=raw, down_s=2 * took,
                 convert_s=took / 2, up_s=2 * took, device=MACHINES[0].name, accuracy=round(accuracy - drop, 4),
                 accuracy_whole=accuracy, n=N, dataset=DATASET)
