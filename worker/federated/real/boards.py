"""Who takes part where devices are boards: edge servers are processes of this computer, devices are kept by agents."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from worker.federated.real.bridge import LOOK_S, Bridge, Member
from worker.federated.real.crew import Crew, refuse_twice
from worker.federated.real.setup import Order, Setup

# An agent starts a device again that died, and a board may have lost its power: so long a round waits for it, once.
RETURN_S = 20.0


class BoardCrew(Crew):
    """`members`: the boards that were told to be ready; of the other clients nobody is ever there."""

    def __init__(self, setup: Setup, edges: Sequence[str], members: Sequence[Member]) -> None:
        super().__init__(setup, edges, ())
        refuse_twice(edges, [each.client for each in members])
        self._bridges = {each.client: Bridge(each, replace(setup, name=each.client)) for each in members}
        self._seen = dict.fromkeys(self._bridges, time.monotonic())
        self._told, self._others = set[str](), set[str]()

    def ready(self) -> list[str]:
        return [*super().ready(), *self._awaited()]

    @property
    def has_devices(self) -> bool:
        return any(bridge.is_there.is_set() for bridge in self._bridges.values())

    def runs(self, name: str) -> bool:
        return self._bridges[name].is_there.is_set() if name in self._bridges else super().runs(name)

    def order(self, device: str, order: Order) -> bool:
        bridge = self._bridges.get(device)
        return bridge is not None and bridge.order(order)

    def forget(self, name: str) -> None:
        """The connection to a board that did not keep a round is made anew."""
        if name in self._bridges:
            self._bridges[name].give_up()
        else:
            super().forget(name)

    def close(self) -> None:
        for bridge in self._bridges.values():
            bridge.close()
        super().close()

    def _awaited(self) -> list[str]:
        """Wait for who was there lately; in sentences, who comes back and who is gone, once."""
        while any(self._is_awaited(name) for name in self._bridges):
            time.sleep(LOOK_S / 5)
        said = []
        for name, bridge in self._bridges.items():
            if self.runs(name):
                self._seen[name] = time.monotonic()
                said += [f"{name} is there again."] if name in self._told else self._other(name, bridge)
                self._told.discard(name)
            elif name not in self._told:
                said.append(f"{name} is not there: {bridge.fault.rstrip('.')}. Rounds go on without it until it is.")
                self._told.add(name)
        return said

    def _other(self, name: str, bridge: Bridge) -> list[str]:
        """Whether it computes otherwise than this computer does; said once."""
        theirs = _computes(bridge.about.get("torch"), bridge.about.get("machine"), bridge.about.get("threads"))
        mine = _computes(torch.__version__, platform.machine(), self._setup.threads)
        if theirs == mine or name in self._others:
            return []
        self._others.add(name)
        return [f"{name} computes with {theirs}, this computer with {mine}: weights may differ in their last bits from "
                "those of an emulated run."]

    def _is_awaited(self, name: str) -> bool:
        return not self.runs(name) and name not in self._told and time.monotonic() < self._seen[name] + RETURN_S


def _computes(version: object, machine: object, threads: object) -> str:
    """In words; a board may say anything of itself."""
    release, kind, count = (str(each)[:40] for each in (version, machine, threads))
    return f"torch {release.partition('+')[0]} on {kind}, {count} {'thread' if count == '1' else 'threads'}"
