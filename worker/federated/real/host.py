"""The process of an edge server or a device: it is told who it is, says that it is ready, and serves until nobody needs it.

`python -m worker.federated.real.host FD`: over the socket FD comes one line, a `Setup`; back goes one line, `{"port": ...}` or
`{"sorry": ...}`; a device is then told an `Order` a line. It ends when the other end of that socket is closed, however that
happens.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from typing import Any

from worker import datasets
from worker.dnn import files
from worker.federated.real.device import Device
from worker.federated.real.edge import Edge
from worker.federated.real.line import Direct
from worker.federated.real.orders import LONGEST_LINE, Orders
from worker.federated.real.setup import EDGE, Setup
from worker.federated.real.warming import warmed
from worker.partitioning.slicing.faults import detailed, told
from worker.training.hardware import settle

CANNOT_LOAD = "Its network or its data set cannot be loaded."
COULD_NOT = 1


def begin(control: socket.socket) -> None:
    lines, orders = control.makefile("rb"), Orders()
    line = lines.readline(LONGEST_LINE)
    if not line:
        return
    try:
        setup = Setup.from_line(line)
        settle(threads=setup.threads, seed=0)
        loaded = files.load(setup.network_file)
        warmed(loaded.network, loaded.in_shape)
        served: Edge | Device = Edge(setup, loaded) if setup.role == EDGE else _device(setup, loaded)
    except Exception as error:
        _say(control, sorry=told(error, CANNOT_LOAD), detail=detailed(error))
        sys.exit(COULD_NOT)
    threading.Thread(target=orders.watch, args=(lines,), name="watch", daemon=True).start()
    if isinstance(served, Edge):
        _say(control, port=served.listener.port, pid=os.getpid())
        served.serve()
    else:
        _say(control, port=0, pid=os.getpid())
        served.serve(orders, lambda order: Direct(setup, order, orders))


def _device(setup: Setup, loaded: files.Loaded) -> Device:
    """It loads the data set by itself, and is told which images are its own."""
    return Device(setup.name, setup.patience_s, datasets.load(setup.dataset), loaded)


def _say(control: socket.socket, **line: Any) -> None:
    control.sendall(json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    begin(socket.socket(fileno=int(sys.argv[1])))
