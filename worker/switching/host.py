"""The serving process: `python -m worker.switching.host FD`, a socket that is one end of a pair.

Over it comes a frame `setup`; back goes `serving` with what the process held before it loaded a network and after, or `sorry`.
Then requests come and answers go. No torch.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from worker.links.frames import Frame
from worker.switching import memory
from worker.switching.holding import HOLDINGS, blank
from worker.switching.serving import Server, sorry
from worker.switching.setup import Setup
from worker.switching.wire import LinkFault, Pair

SETUP, SERVING = "setup", "serving"


def begin(end: socket.socket) -> None:
    pair = Pair(end)
    try:
        setup = Setup.from_line(pair.receive().facts["line"].encode())
    except LinkFault:
        return
    try:
        import onnxruntime

        memory.keep_nothing_large()
        memory.give_back()
        empty = memory.held()
        files = {name: Path(file) for name, file in setup.files.items()}
        holding = HOLDINGS[setup.residency](files, blank(setup.shape), setup.threads)
        server = Server(pair, holding, setup.first)
    except Exception as error:
        pair.send(sorry(error))
        return
    loaded = memory.held()
    memory.give_back()
    memory.forget_peak()
    pair.send(Frame(SERVING, {"pid": os.getpid(), "runtime": f"onnxruntime {onnxruntime.__version__}", "empty": empty,
                              "loaded": loaded, "steady": memory.held()}))
    server.serve()
    os._exit(0)  # A computation that goes on has nobody to answer.


if __name__ == "__main__":
    begin(socket.socket(fileno=int(sys.argv[1])))
