"""Stand-ins for other devices: this computer held to older instruction sets, each in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import NamedTuple

import torch

from worker.dnn import architectures
from worker.evidence import DeviceFacts, Evidence, Seen
from worker.profile import Block, NetworkProfile
from worker.profiling import eager
from worker.profiling.layerwise import parted
from worker.profiling.parting import stamped
from worker.profiling.turns import Turns
from worker.profiling.yardstick import yardstick
from worker.structure import FLOAT32_BYTES

SHAPE, CLASSES, REPEATS, WARM = (3, 96, 96), 1000, 9, 2
NETWORKS = ("alexnet", "googlenet", "mobilenet_v2", "resnet18", "resnet50", "shufflenet_v2", "squeezenet", "vgg11")


class StandIn(NamedTuple):
    """The newest instruction set that oneDNN may use, the one that torch may, the processor that OpenBLAS takes this one for."""

    isa: str
    aten: str
    blas: str


DEVICES = {
    "this computer": StandIn("DEFAULT", "", ""),
    "as if of 2013": StandIn("AVX2", "avx2", "Haswell"),
    "as if of 2011": StandIn("AVX", "default", "Sandybridge"),
    "as if of 2008": StandIn("SSE41", "default", "Nehalem"),
}


def gathered() -> Evidence:
    """All of them measured, one after the other."""
    devices, seen = [], []
    for name, each in DEVICES.items():
        told = json.loads(subprocess.run([sys.executable, "-m", "bench.standins", name], env=_environment(each), check=True,
                                         capture_output=True, text=True).stdout)
        devices.append(DeviceFacts(id=name, name=name, yardstick_ms=told["yardstick_ms"]))
        seen += [Seen(device=name, profile=NetworkProfile.model_validate(profile)) for profile in told["profiles"]]
    return Evidence(devices=tuple(devices), profiles=tuple(seen))


def _environment(each: StandIn) -> dict[str, str]:
    asked = {"ONEDNN_MAX_CPU_ISA": each.isa, "OPENBLAS_CORETYPE": each.blas, "ATEN_CPU_CAPABILITY": each.aten,
             "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return os.environ | {name: value for name, value in asked.items() if value}


def _measured(name: str) -> NetworkProfile:
    """In torch, one thread, a clock between the blocks."""
    network = architectures.build(name, CLASSES, SHAPE, seed=0).eval()
    after, parts = parted(network, SHAPE, "blocks")
    given = eager.images(SHAPE, 1)
    turns = Turns(stamped(network, after, given), eager.runner(network, SHAPE, batch=1, threads=1))
    for _ in turns.warm(WARM):
        pass
    while turns.count < REPEATS:
        turns.take()
    blocks = tuple(Block(first=part.first, last=part.last, seconds=span.seconds, output_bytes=part.output_bytes, macs=part.macs,
                         params_bytes=part.params_bytes, kinds=part.kinds)
                   for part, span in zip(parts, turns.found.spans, strict=True))
    return NetworkProfile(network=name, blocks=blocks, input_bytes=FLOAT32_BYTES * math.prod(SHAPE), engine=eager.ENGINE,
                          threads=1, origin="emulated")


def main() -> None:
    """One stand-in, in this process: its yardstick and its profiles as JSON."""
    torch.set_num_threads(1)
    profiles = [_measured(name).model_dump(mode="json") for name in NETWORKS]
    print(json.dumps({"yardstick_ms": yardstick()["median_ms"], "profiles": profiles}))


if __name__ == "__main__":
    main()
