"""`python -m worker.agent join URL CODE --fingerprint SHA256` joins this board to a portal; `run` works for it from then on."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from worker.agent import data_port, joining, keeper
from worker.agent.state import Folder
from worker.agent.version import mine
from worker.agent.wording import Over

if TYPE_CHECKING:
    from worker.agent.running import Means

NOT_SAID = object()
HOME = Path.home() / ".edgeportal-agent" / "state"


def main() -> NoReturn:
    """Exit status 0 after a clean stop, 2 for words that are not understood, 78 with one sentence when a person must act."""
    asked = _words()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    os.umask(0o077)
    try:
        sys.exit(asked.do(asked))
    except Over as sentence:
        print(f"EdgePortal: {sentence}", file=sys.stderr)
        sys.exit(keeper.OVER)


def _words() -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m worker.agent", description="Lets this board measure for an EdgePortal.")
    reader.add_argument("--version", action="version", version=mine())
    verbs = reader.add_subparsers(required=True, metavar="join | run")
    join = verbs.add_parser("join", help="join a portal with the code that its page shows")
    join.add_argument("url", help="the portal, e.g. https://192.0.2.7:8000")
    join.add_argument("code")
    join.add_argument("--fingerprint", default="", help="SHA-256 of the portal's certificate, where no authority vouches for it")
    join.add_argument("--name", default="", help="what the board is called; its host name by default")
    join.set_defaults(do=_join)
    run = verbs.add_parser("run", help="work for the portal until a signal comes")
    run.set_defaults(do=_run)
    work = verbs.add_parser("work")
    work.set_defaults(do=_work)
    for verb in (join, run, work):
        verb.add_argument("--folder", type=Path, default=HOME, help="where the agent keeps what it knows")
    for verb in (join, run):
        verb.add_argument("--data-port", nargs="?", type=data_port.chosen, const=data_port.DEFAULT, default=NOT_SAID,
                          metavar="PORT", help=f"let other boards bring tensors to this one, of tier edge or cloud, while a run "
                          f"needs it: at this port ({data_port.DEFAULT} by default); {data_port.OFF} ends that")
    for verb in (run, work):
        verb.add_argument("--threads", type=int, default=1, help="threads of a measurement (1)")
        verb.add_argument("--cpus", default="", help="cores for the measurement, e.g. 2,3; all that the agent has by default")
        verb.add_argument("--memory-bytes", type=int, help="memory of a measurement; the board's by default")
    return reader.parse_args()


def _join(asked: argparse.Namespace) -> int:
    _keep_port(asked)
    identity = joining.join(Folder(asked.folder), asked.url, asked.code, asked.fingerprint, asked.name)
    print(f"EdgePortal: this board is the device {identity.device['name']} of {identity.team} now.")
    return 0


def _keep_port(asked: argparse.Namespace) -> None:
    if asked.data_port is not NOT_SAID:
        data_port.keep(Folder(asked.folder), asked.data_port)


def _run(asked: argparse.Namespace) -> int:
    _keep_port(asked)
    words = ["--threads", str(asked.threads), "--cpus", asked.cpus]
    words += ["--memory-bytes", str(asked.memory_bytes)] if asked.memory_bytes else []
    return keeper.keep(Folder(asked.folder), words)


def _work(asked: argparse.Namespace) -> int:
    """What `run` keeps alive. Who joins may not have yet what measuring needs."""
    from worker.agent.life import Agent, die_with
    from worker.child import die_with_parent

    die_with_parent()
    threading.excepthook = die_with
    folder = Folder(asked.folder)
    lock = folder.locked()
    try:
        return Agent(folder, _means(asked)).live()
    finally:
        lock.close()


def _means(asked: argparse.Namespace) -> Means:
    from worker.agent.running import Means

    try:
        cpus = tuple(int(word) for word in asked.cpus.split(",") if word.strip())
    except ValueError:
        raise Over(f"--cpus takes numbers of cores, e.g. 2,3; got {asked.cpus[:80]!r}.") from None
    return Means(max(1, asked.threads), cpus, asked.memory_bytes)


if __name__ == "__main__":
    main()
