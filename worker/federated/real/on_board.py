"""The process of a device on a board: it has its share of the images, listens for its coordinator, and learns when it is told to.

Started by the board's agent: over a socket comes one line, a `Task`; back goes one line, `{"port": ...}` or `{"sorry": ...}`. It
ends when the other end of that socket is closed, however that happens.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worker.datasets import files as datasets
from worker.dnn import files
from worker.federated.real.device import Device
from worker.federated.real.lead import ByLead, Lead
from worker.federated.real.orders import LONGEST_LINE, Orders
from worker.federated.real.warming import warmed
from worker.links.certificate import Certificate
from worker.links.listener import Listener
from worker.partitioning.slicing.faults import detailed, told
from worker.training.hardware import settle

CANNOT_LOAD = "Its network or its share of the images cannot be loaded."
COULD_NOT = 1


@dataclass(frozen=True)
class Task:
    """`name`: what edge servers call it; `network`: a file of the house, for its layers; `share`: a data set of its own images
    alone; the rest is for its listener. `certificate`: the PEM file of the board's own one; without it nothing is encrypted."""

    name: str
    network: str
    share: str
    token: str
    run: str
    most_bytes: int
    patience_s: float
    threads: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    certificate: str = ""

    def listener(self) -> Listener:
        shown = Certificate(Path(self.certificate)) if self.certificate else None
        return Listener(self.host, self.port, token=self.token, run=self.run, certificate=shown, most_bytes=self.most_bytes,
                        patience_s=self.patience_s)


def begin(control: socket.socket) -> None:
    line = control.makefile("rb").readline(LONGEST_LINE)
    if not line:
        return
    try:
        task = Task(**json.loads(line))
        device, orders = _device(task), Orders()
        lead = Lead(task.listener(), orders, _about(task))
    except Exception as error:
        _say(control, sorry=told(error, CANNOT_LOAD), detail=detailed(error))
        sys.exit(COULD_NOT)
    threading.Thread(target=_watch, args=(control,), name="watch", daemon=True).start()
    threading.Thread(target=lead.serve, name="lead", daemon=True).start()
    _say(control, port=lead.port, pid=os.getpid())
    device.serve(orders, lambda order: ByLead(lead, task.name, task.patience_s, order, orders))


def _device(task: Task) -> Device:
    settle(threads=task.threads, seed=0)
    loaded = files.load(Path(task.network))
    warmed(loaded.network, loaded.in_shape)
    data = datasets.read(Path(task.share), ("train",))
    return Device(task.name, task.patience_s, data, loaded, np.arange(len(data.parts["train"])))


def _about(task: Task) -> dict[str, Any]:
    return {"torch": torch.__version__, "machine": platform.machine(), "threads": task.threads, "pid": os.getpid()}


def _watch(control: socket.socket) -> None:
    """Nobody waits for this process any more: end at once, whatever it is doing."""
    try:
        while control.recv(1):
            pass
    finally:
        os._exit(0)


def _say(control: socket.socket, **line: Any) -> None:
    control.sendall(json.dumps(line).encode() + b"\n")
