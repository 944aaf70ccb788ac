"""What boards are given before they learn: the network's layers, and to each the images that are its own and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import fx

from worker.context import Context
from worker.datasets import Data, Part, files
from worker.dnn import files as networks
from worker.federated.dealing import Indices
from worker.federated.learning import Pace
from worker.federated.places import Place
from worker.federated.real.course import RUN, most_bytes
from worker.federated.states import state_of
from worker.orders import DEVICE, HOSTED, SERVES, Order

LAYERS = "layers.safetensors"
# The number of the first board's part: this computer leads, and is the one before.
FIRST = 2


def parcelled(network: fx.GraphModule, data: Data, parts: Sequence[Indices], clients: Sequence[str], places: Sequence[Place],
              pace: Pace, patience_s: float, context: Context) -> Order:
    """Files for all boards, and what of them goes to each."""
    networks.save(network, context.workdir / LAYERS, in_shape=data.in_shape, classes=data.classes, name=RUN)
    most = most_bytes(state_of(network), places, pace, sum(map(len, parts)))
    told: dict[str, Any] = {SERVES: DEVICE, "most_bytes": most, "patience_s": patience_s}
    hosted, shares = dict[str, Any](), list[str]()
    for part, (client, own) in enumerate(zip(clients, parts, strict=True), FIRST):
        shares.append(f"share-{part}.safetensors")
        files.save(share(data, own), context.workdir / shares[-1])
        hosted[str(part)] = {"files": [LAYERS, shares[-1]], "facts": {**told, "client": client}}
    return Order(files=(LAYERS, *shares), facts={HOSTED: hosted})


def share(data: Data, own: Indices) -> Data:
    """These training images alone, in their order; nothing of validation and test."""
    train, index = data.parts["train"], torch.as_tensor(own)
    images, labels = torch.as_tensor(train.images)[index], torch.as_tensor(train.labels)[index]
    return replace(data, parts={"train": Part(images, labels)})
