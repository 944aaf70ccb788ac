"""Profiles that nobody measured, of devices that nobody has, and links between them: for recipes that need some."""

from __future__ import annotations

import random

from worker.context import Inputs, ProfilesInput
from worker.evidence import DeviceFacts, Evidence, LinkFacts, Seen
from worker.profile import Block, NetworkProfile
from worker.recipe import Recipe

NEAR = {"slow": 2e-9, "middle": 1e-9, "fast": 5e-10}
TIERS = {"slow": "device", "middle": "edge", "fast": "cloud"}
SPEEDS = {"slow": 4e-9, "middle": 1e-9, "fast": 2.5e-10}


def network(name: str, chance: random.Random, blocks: int = 8) -> NetworkProfile:
    """Convolutions, then one linear layer; without times."""
    macs = [chance.randint(10_000, 2_000_000) for _ in range(blocks)]
    kinds = ["conv"] * (blocks - 1) + ["linear"]
    return NetworkProfile(network=name, engine="onnxruntime", threads=1, input_bytes=4096, blocks=tuple(
        Block(first=f"layer{place}", last=f"layer{place}", seconds=0.0, output_bytes=chance.randint(100, 50_000), macs=count,
              params_bytes=chance.randint(100, 50_000), kinds={kind: count})
        for place, (count, kind) in enumerate(zip(macs, kinds, strict=True))))


def timed(given: NetworkProfile, seconds_a_mac: float, chance: random.Random) -> NetworkProfile:
    """Every block takes its MACs, its bytes and a little more on a device of that speed, give or take a tenth."""
    blocks = tuple(block.model_copy(update={"seconds": chance.uniform(0.9, 1.1) * seconds_a_mac * (
        (block.macs or 0) + 0.25 * (block.output_bytes + (block.params_bytes or 0)) + 2e4)}) for block in given.blocks)
    return given.model_copy(update={"blocks": blocks})


def evidence(speeds: dict[str, float] = SPEEDS) -> Evidence:
    chance = random.Random(7)
    networks = [network(name, chance) for name in ("one", "two", "three")]
    seen = [Seen(device=device, profile=timed(each, speed, chance)) for each in networks for device, speed in speeds.items()]
    return Evidence(devices=tuple(DeviceFacts(id=each, name=each) for each in speeds), profiles=tuple(seen))


def linked(speeds: dict[str, float] = SPEEDS, bandwidth_mbps: float = 50.0) -> Evidence:
    """The same devices in tiers, with a link from each to those behind it."""
    found, names = evidence(speeds), list(speeds)
    links = tuple(LinkFacts(sender=one, receiver=other, latency_ms=0.5, bandwidth_mbps=bandwidth_mbps)
                  for place, one in enumerate(names) for other in names[place + 1:])
    devices = tuple(each.model_copy(update={"tier": TIERS[each.name]}) for each in found.devices)
    return found.model_copy(update={"devices": devices, "links": links})


def given(recipe: Recipe) -> Inputs:
    """What a recipe gets beside what its parameters name."""
    if recipe.needs_links:
        return {"profiles": ProfilesInput("profiles", linked())}
    return {"profiles": ProfilesInput("profiles", evidence(NEAR))} if recipe.needs_profiles else {}
